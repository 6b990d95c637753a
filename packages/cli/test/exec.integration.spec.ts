import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  expectNoneMarked,
  type Finished,
  markedEnvironment,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, fdrecv, STREAM_PLUGIN } from './commands.spec.helper.js';

/** A program that tells what it was given, says what it reads, and tells what it hears until the end. */
const TELL = ['sh', '-c', 'env | grep -E "^(TCP|PROTO)" | sort; cat >&7; cat <&6'];

/** Variables of a connection before this one. */
const STALE = { TCPREMOTEHOST: 'stale', TCPREMOTEINFO: 'stale', TCPLOCALHOST: 'stale', TCPREMOTEIP: 'stale' };

describe('fdpass exec', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  const { env: mark, marker } = markedEnvironment();
  const env = { ...mark, ...STALE };
  let server: ScriptedServer;
  let socks: TestProxy;
  const heard: string[] = [];

  const exec = (options: readonly string[], host: string, ...command: readonly string[]): Promise<Finished> =>
    fdpass(['exec', ...options, host, String(server.port), ...command], { env });
  /** Without the local port, which is another each time. */
  const withoutPort = (text: string): string => text.replace(/^TCPLOCALPORT=\d+\n/m, '');

  before(async () => {
    socks = await startSocksProxy({ hosts: { 'inside.example': '127.0.0.1' } });
    const plugin = `${STREAM_PLUGIN}console.log('a plugin that prints');\n`;
    writeFileSync(join(folder.path, 'plugin.mjs'), plugin, { mode: 0o600 });
    const rules = [
      `{ host: inside.example, use: "socks5h://127.0.0.1:${socks.port}" }`,
      '{ host: stream.example, use: stream }',
      '{ use: happy-eyeballs }',
    ];
    const text = ['plugins: ["./plugin.mjs"]', 'rules:', ...rules.map((rule) => `  - ${rule}`), ''].join('\n');
    writeFileSync(config, text, { mode: 0o600 });
  });
  beforeEach(async () => {
    heard.length = 0;
    server = await startScriptedServer(async (line) => {
      await line.send('hello\n');
      heard.push(String(await line.takeThrough('\n')));
      line.socket.end('bye\n');
    });
  });
  afterEach(async () => {
    await server.close();
    await expectNoneMarked(marker);
  });
  after(async () => {
    await socks?.close();
    folder.remove();
  });

  it('gives a command what tcpclient gives it', async function () {
    requirePeers(this, 'tcpclient');
    const theirs = await run('tcpclient', ['-HR', '127.0.0.1', String(server.port), ...TELL], {
      env,
      input: 'from stdin\n',
    });
    const ours = await fdpass(['exec', '127.0.0.1', String(server.port), ...TELL], { env, input: 'from stdin\n' });
    expect(withoutPort(ours.stdout)).to.equal(withoutPort(theirs.stdout.replace(/^TCPLOCALHOST=.*\n/m, '')));
    expect([ours.stderr, ours.status]).to.deep.equal([theirs.stderr, theirs.status]);
    expect(heard).to.deep.equal(['from stdin\n', 'from stdin\n']);
  });

  it("runs tcpclient's own programs", async function () {
    requirePeers(this, 'tcpclient', 'mconnect-io');
    const { stdout } = await fdpass(['exec', '127.0.0.1', String(server.port), 'mconnect-io'], {
      env,
      input: 'a line\n',
    });
    expect(stdout).to.equal('hello\nbye\n');
    expect(heard).to.deep.equal(['a line\r\n']);
  });

  it('becomes the command: the same process, and no other', async () => {
    const script = 'echo $$ >&2; cat /proc/$$/stat; cat /proc/$$/task/$$/children >&2; exec 6<&- 7>&-';
    const { stdout, stderr } = await exec(
      ['--via', `socks5h://127.0.0.1:${socks.port}`],
      'inside.example',
      '--',
      'sh',
      '-c',
      script,
    );
    const [pid, children] = stderr.split('\n');
    const [, parent] = /\) \S (\d+)/.exec(stdout) ?? [];
    expect([Number(parent), stdout.startsWith(`${pid} `)]).to.deep.equal([process.pid, true]);
    expect(children?.trim().split(' ')).to.have.length(1); // the cat that lists them
    expect(socks.asked.at(-1)).to.equal(`inside.example:${server.port}`);
  });

  it('gives it the connection as its standard input and output with --stdio, and leaves it stderr', async () => {
    const { stdout, stderr, status } = await exec(
      ['--stdio'],
      '127.0.0.1',
      'sh',
      '-c',
      'read -r line; echo "got $line" >&2; echo said; exit 7',
    );
    expect([stdout, stderr, status]).to.deep.equal(['', 'got hello\n', 7]);
    expect(heard).to.deep.equal(['said\n']);
  });

  it('lets a process relay where the connection is not a socket of the kernel', async () => {
    const { stdout, stderr, status } = await fdpass(
      ['exec', '-c', config, '--via', 'stream', '127.0.0.1', String(server.port), ...TELL],
      { env, input: 'from stdin\n' },
    );
    expect([stdout, status]).to.deep.equal(['PROTO=UNIX\nhello\nbye\n', 0]);
    expect(stderr).to.equal('a plugin that prints\n');
    expect(heard).to.deep.equal(['from stdin\n']);
  });

  it("gives it its own stdout, whatever a plugin's output goes to", async () => {
    const { stdout, stderr } = await exec(['-c', config], 'inside.example', 'sh', '-c', 'echo mine; exec 6<&- 7>&-');
    expect([stdout, stderr]).to.deep.equal(['mine\n', 'a plugin that prints\n']);
  });

  it("gives it the user's NODE_OPTIONS, and obeys none itself", async () => {
    const variables = { NODE_OPTIONS: '--require ./stranger.cjs', NODE_PATH: '', FDPASS_NODE_OPTIONS: '--no-warnings' };
    const words = ['127.0.0.1', String(server.port), 'sh', '-c', 'env | grep NODE_ | sort; exec 6<&- 7>&-'];
    const { stdout, stderr } = await run(FDPASS_BIN, ['exec', ...words], {
      env: { ...env, ...variables, NODE_EXTRA_CA_CERTS: undefined, FDPASS_AGENT: 'none', FDPASS_CONFIG: '' },
    });
    expect([stdout, stderr]).to.deep.equal([
      'FDPASS_NODE_OPTIONS=--no-warnings\nNODE_OPTIONS=--require ./stranger.cjs\nNODE_PATH=\n',
      '',
    ]);
  });

  it('reports what it did in --log', async () => {
    const log = join(folder.path, 'log');
    await exec(['--log', log], '127.0.0.1', 'true');
    expect(readFileSync(log, 'utf8')).to.match(/ route target=127\.0\.0\.1.*\n(.*\n)*.* handed-over as=descriptor/);
  });

  /** What it does not do, and why. */
  const REFUSED: Readonly<Record<string, readonly [args: () => readonly string[], status: number, why: RegExp]>> = {
    'without a command': [() => ['127.0.0.1', String(server.port)], 64, /the command is missing/],
    'without a port': [() => ['127.0.0.1'], 64, /the port is missing/],
    'a command that is not there': [
      () => ['127.0.0.1', String(server.port), 'no-such-command'],
      64,
      /cannot run the command: no such file or directory/,
    ],
    'a command that may not be run': [
      () => ['127.0.0.1', String(server.port), '/etc/passwd'],
      64,
      /cannot run the command: permission denied/,
    ],
    'the command if nobody listens': [() => ['127.0.0.1', '1', 'echo', 'ran'], 69, /connection refused/],
  };
  for (const [what, [args, status, why]] of Object.entries(REFUSED)) {
    it(`does not run ${what}`, async () => {
      const ended = await fdpass(['exec', ...args()], { env });
      expect([ended.stdout, ended.status]).to.deep.equal(['', status]);
      expect(ended.stderr)
        .to.match(why)
        .and.match(/^fdpass: [^\n]+\n$/);
    });
  }

  describe('in the form of fdrecv --exec', () => {
    it('gives a program the descriptor that another has passed', async function () {
      requirePeers(this, 'nc');
      const words = ['nc', '-F', '127.0.0.1', String(server.port), '--', ...TELL];
      const { stdout, status } = await fdrecv(['--exec', ...words], { env, input: 'from stdin\n' });
      expect(withoutPort(stdout)).to.equal(
        `PROTO=TCP\nTCPLOCALIP=127.0.0.1\nTCPREMOTEIP=127.0.0.1\nTCPREMOTEPORT=${server.port}\nhello\nbye\n`,
      );
      expect([status, heard]).to.deep.equal([0, ['from stdin\n']]);
    });

    it('as its standard input and output with --stdio', async () => {
      const words = [
        process.execPath,
        FDPASS_BIN,
        '127.0.0.1',
        String(server.port),
        '--',
        'sh',
        '-c',
        'echo said; exit 7',
      ];
      const { stdout, status } = await fdrecv(['--exec', '--stdio', ...words], { env });
      expect([stdout, status, heard]).to.deep.equal(['', 7, ['said\n']]);
    });

    const WRONG: Readonly<Record<string, readonly [args: readonly string[], status: number, why: RegExp]>> = {
      'without a program': [['true'], 64, /--exec wants a program/],
      'without a program after the dashes': [['true', '--'], 64, /--exec wants a program/],
      'without a command': [['--', 'true'], 64, /--exec wants a program/],
      'a program if the command fails': [['sh', '-c', 'exit 3', '--', 'echo', 'ran'], 3, /exited with status 3/],
    };
    for (const [what, [args, status, why]] of Object.entries(WRONG)) {
      it(`does not run ${what}`, async () => {
        const ended = await fdrecv(['--exec', ...args], { env });
        expect([ended.stdout, ended.status]).to.deep.equal(['', status]);
        expect(ended.stderr).to.match(why);
      });
    }
  });
});
