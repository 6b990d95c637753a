import { requirePeers } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdrecv } from './commands.spec.helper.js';

describe('fdrecv', () => {
  let server: ScriptedServer;
  const fdpass = [process.execPath, FDPASS_BIN];

  beforeEach(async () => {
    server = await startScriptedServer(async (line) => {
      await line.send('hello\n');
      line.socket.end(await line.rest());
    });
  });
  afterEach(() => server.close());

  it("tells fdpass's descriptor: family, local and peer address", async () => {
    const { status, stdout } = await fdrecv([...fdpass, '127.0.0.1', String(server.port)]);
    expect(status).to.equal(0);
    expect(stdout).to.match(
      new RegExp(`^inet stream local 127\\.0\\.0\\.1:\\d+ peer 127\\.0\\.0\\.1:${server.port}\n$`),
    );
  });

  it("tells nc's", async function () {
    requirePeers(this, 'nc');
    const { status, stdout } = await fdrecv(['--json', 'nc', '-F', '127.0.0.1', String(server.port)]);
    expect(status).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({
      family: 'inet',
      type: 'stream',
      peer: { address: '127.0.0.1', port: server.port },
    });
  });

  it('exits with the status of a command that has passed a descriptor', async () => {
    const words = [...fdpass, '127.0.0.1', String(server.port)].map((word) => `'${word}'`).join(' ');
    const told = await fdrecv(['sh', '-c', `${words}; exit 5`]);
    expect([told.status, told.stderr]).to.deep.equal([5, '']);
    expect(told.stdout).to.match(/^inet stream /);
    const bridged = await fdrecv(['--stdio', 'sh', '-c', `${words}; exit 6`], { input: '!' });
    expect([bridged.status, bridged.stdout]).to.deep.equal([6, 'hello\n!']);
  });

  it('exits as fdpass does that cannot connect', async () => {
    const { status, stderr } = await fdrecv([...fdpass, '127.0.0.1', '1']);
    expect(status).to.equal(69);
    expect(stderr).to.match(
      /^fdpass: \[unreachable\] .*refused.*\nfdrecv: ".*" exited with status 69 and passed no descriptor\n$/,
    );
  });

  it('bridges it with --stdio, half-close included', async () => {
    const { status, stdout } = await fdrecv(['--stdio', ...fdpass, '127.0.0.1', String(server.port)], {
      input: 'and back',
    });
    expect([status, stdout]).to.deep.equal([0, 'hello\nand back']);
  });

  /** It has exited when the time is over after which it would be killed, and fdrecv hears of both at once. */
  const FAIL_AT_STOP = 'exec 0<&- 1>&-; sleep 0.2; kill -STOP $PPID; (sleep 1.2; kill -CONT $PPID) & exit 9';
  const wrong: readonly (readonly [what: string, args: readonly string[], status: number, stderr: RegExp])[] = [
    ['no command', [], 64, /the command is missing; see: fdrecv --help/],
    ['a command with an empty name', [''], 64, /cannot run the command: its name is empty/],
    ['a command that is not there', ['no-such-command'], 64, /cannot run the command: no such file or directory/],
    ['a command that fails', ['sh', '-c', 'exit 3'], 3, /"sh" exited with status 3 and passed no descriptor/],
    ['a command that fails later', ['sh', '-c', 'exec 0<&- 1>&-; exit 9'], 9, /exited with status 9 and passed no/],
    [
      'a command that fails while fdrecv is stopped',
      ['sh', '-c', FAIL_AT_STOP],
      9,
      /exited with status 9 and passed no/,
    ],
    ['a command that fails after words', ['sh', '-c', 'echo hello; exit 4'], 4, /exited with status 4 and passed no/],
    ['a command that is killed', ['sh', '-c', 'kill -9 $$'], 137, /"sh" was ended by SIGKILL and passed no descriptor/],
    ['a command that stays', ['sh', '-c', 'echo hello; exec sleep 60'], 65, /sent data but no descriptor/],
    [
      'a command that ignores signals',
      ['-w', '100ms', 'sh', '-c', "trap '' TERM; while :; do sleep 1; done"],
      75,
      /timed out after 100 ms/,
    ],
    ['a command that passes nothing', ['true'], 65, /closed without passing a descriptor/],
    ['a command that writes instead', ['echo', 'hello'], 65, /sent data but no descriptor/],
    ['a silent command', ['-w', '100ms', 'sleep', '60'], 75, /timed out after 100 ms/],
  ];
  for (const [what, args, status, stderr] of wrong) {
    it(`says what is wrong with ${what}`, async () => {
      const ended = await fdrecv(args);
      expect([ended.status, ended.stdout]).to.deep.equal([status, '']);
      expect(ended.stderr)
        .to.match(stderr)
        .and.match(/^fdrecv: [^\n]+\n$/);
    });
  }
});
