import { type LabOptions, requireLab, runInLab } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN } from './commands.spec.helper.js';

/** A live IPv4 address behind a name whose IPv6 address swallows packets, or has no route. */
const HOSTS = {
  'dead.example': ['2001:db8:dead::1', '192.0.2.1'],
  'far.example': ['2001:db8:fa2::1', '192.0.2.1'],
};
const LAB: LabOptions = { addresses: ['192.0.2.1'], blackholes: ['2001:db8:dead::/48'], hosts: HOSTS };
const IPV4_FIRST: LabOptions = { ...LAB, addressPolicy: 'precedence ::ffff:0:0/96  100\n' };

const serving = (body: string): string => `
import { createServer } from 'node:net';
import { spawn } from 'node:child_process';
createServer((socket) => socket.on('error', () => {}).end('x')).listen(2022, '192.0.2.1', async () => { ${body} });`;

/** The command, with what it traces. */
const COMMAND = serving(`
  const child = spawn(process.execPath, process.argv.slice(1), { stdio: ['ignore', 1, 1] });
  child.once('exit', (code) => process.exit(code));`);

/** A program. */
const PROGRAM = serving(`
  const { createDialer } = await import(process.argv[1]);
  const onProgress = ({ event, address }) => {
    if (event === 'attempt') console.log('connecting to ' + address);
    if (event === 'connected') console.log('connected to ' + address + ' in time');
    if (event === 'attempt-cancelled') console.log(address + ': no longer needed');
  };
  await createDialer({ config: false }).dial({ host: process.argv[2], port: 2022 }, { onProgress });
  process.exit();`);

const FORMS: Readonly<Record<string, (host: string) => readonly string[]>> = {
  'the command': (host) => [COMMAND, FDRECV_BIN, process.execPath, FDPASS_BIN, '-vv', host, '2022'],
  'a program': (host) => [PROGRAM, new URL('../dist/index.js', import.meta.url).href, host],
};

describe('the first address', () => {
  before(function () {
    requireLab(this);
  });

  /** Attempts and their ends, in order: `connecting to 192.0.2.1:2022`. */
  async function events(lab: LabOptions, words: readonly string[]): Promise<string[]> {
    const { status, stdout, stderr } = await runInLab(lab, [process.execPath, '--input-type=module', '-e', ...words]);
    expect(status, stdout + stderr).to.equal(0);
    const said = stdout.matchAll(/connecting to \S+|connected to \S+(?= in )|\S+: no longer needed/g);
    return [...said].map(([words]) => words);
  }

  for (const [who, words] of Object.entries(FORMS)) {
    it(`that ${who} tries is IPv4 where gai.conf prefers that, and no attempt delay is lost`, async () => {
      const tried = ['connecting to 192.0.2.1:2022', 'connected to 192.0.2.1:2022'];
      expect(await events(IPV4_FIRST, words('dead.example'))).to.deep.equal(tried);
      const [first] = await events(LAB, words('dead.example'));
      expect(first).to.equal('connecting to [2001:db8:dead::1]:2022');
    });

    it(`that ${who} tries is IPv4 where IPv6 has no route`, async () => {
      const tried = ['connecting to 192.0.2.1:2022', 'connected to 192.0.2.1:2022'];
      expect(await events(LAB, words('far.example'))).to.deep.equal(tried);
    });
  }
});
