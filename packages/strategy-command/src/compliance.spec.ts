import { fileURLToPath } from 'node:url';
import { requirePeers, type Sshd, startSshd } from '@fdpass/test-lab';
import { describeStrategy } from '@fdpass/testkit';
import { command } from './command.js';
import { jump } from './jump.js';

const PASS = fileURLToPath(new URL('pass.spec.helper.js', import.meta.url));

/** What `nc HOST PORT` does, half-closes and all. */
const NETCAT = `
const far = require('node:net').connect({ host: process.argv[1], port: process.argv[2], allowHalfOpen: true });
process.stdin.pipe(far).pipe(process.stdout);
far.on('error', () => process.exit(1));`;

describeStrategy({
  strategy: command,
  start: () => ({ options: { command: [process.execPath, '-e', NETCAT, '%h', '%p'], patience: '0s' } }),
});

describeStrategy({
  strategy: command,
  title: 'that passes a descriptor',
  start: () => ({ options: { command: [process.execPath, PASS, '%h', '%p'], fdpass: true } }),
});

/** How much of it has come when the dial is over is chance. */
const NO_HANDSHAKE = 'the handshake is that of ssh, which goes on when the dial is over';

describe('the strategy jump, over a real jump host', () => {
  let sshd: Sshd;
  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    sshd = await startSshd();
  });
  after(() => sshd?.close());

  describeStrategy({
    strategy: jump,
    start: () => ({
      options: {
        hosts: [`${sshd.user}@127.0.0.1:${sshd.port}`],
        sshOptions: sshd.options(),
        patience: '0s',
      },
    }),
    skip: {
      'fails when the connection closes at any point of the handshake': NO_HANDSHAKE,
      'ends at its deadline when nothing arrives': NO_HANDSHAKE,
    },
  });
});
