import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useSshd } from '@fdpass/test-lab';
import { expect } from 'chai';

const FDPASS = fileURLToPath(new URL('../../../bin/fdpass', import.meta.url));

/** As cloudflared and its like do: connects, and relays its stdin and stdout for the whole session. */
const RELAY = `const socket = require('net').connect({ port: +process.argv[3], host: process.argv[2], allowHalfOpen: true }, () => {
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
}).on('close', () => process.exit());
`;

describe('ssh through a legacy command', () => {
  const { sshd, env } = useSshd();

  it('hands a descriptor over, and the command ends with the session', async () => {
    writeFileSync(join(sshd().folder, 'relay.cjs'), RELAY);
    const rules = join(sshd().folder, 'command.json');
    const use = {
      strategy: 'command',
      command: [process.execPath, join(sshd().folder, 'relay.cjs'), '%h', '%p'],
      patience: '20s',
    };
    writeFileSync(rules, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    const options = {
      ProxyCommand: `'${process.execPath}' '${FDPASS}' --config '${rules}' %h %p`,
      ProxyUseFdpass: 'yes',
    };
    const { status, stdout, stderr } = await sshd().ssh('cat', options, {
      env,
      host: '127.0.0.1',
      input: 'through a legacy command',
    });
    expect([status, stdout, stderr]).to.deep.equal([0, 'through a legacy command', '']);
  });
});
