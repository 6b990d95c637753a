import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect as connectTo, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { type AgentStatus, callAgent } from '@fdpass/agent';
import { listenAtPath, loadSys } from '@fdpass/core/sockets';
import {
  expectNoneLeft,
  type Finished,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import {
  Greeter,
  refusedPort,
  type ScriptedServer,
  startScriptedServer,
  startSocksProxy,
  type TestProxy,
} from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, requireAskAgent } from './commands.spec.helper.js';
import { ROOT } from './packed.spec.helper.js';
import { type Received, receiveFrom } from './receiving.spec.helper.js';

/** A plugin that gives a stream, so a relay is needed. */
const STREAM_PLUGIN = `import { connect } from 'node:net';
import { Duplex } from 'node:stream';
export const stream = {
  name: 'stream',
  create: () => ({
    dial: (target) =>
      new Promise((resolve, reject) => {
        const socket = connect(target.port, target.host);
        socket.once('error', reject).once('connect', () => resolve(Duplex.from({ readable: socket, writable: socket })));
      }),
  }),
};
`;

/** A plugin that holds four threads, as look-ups without an answer do, until somebody opens the other end of a pipe. */
const HOLDING_PLUGIN = `import { open } from 'node:fs';
export const holding = {
  name: 'holding',
  create: (_, host) => ({
    dial: async () => {
      for (let thread = 0; thread < 4; thread++) open(host.environment.FIFO, 'r', () => {});
      throw host.error('unreachable', 'the threads are held');
    },
  }),
};
`;

/**
 * A plugin that kills the agent when it has passed a descriptor and has not yet answered its client, once somebody opens the other
 * end of a pipe.
 */
const DEADLY_PLUGIN = `import { readFileSync } from 'node:fs';
export const deadly = {
  name: 'deadly',
  create: (_, host) => ({
    async dial(target, context) {
      const connection = await host.forward.dial(target, context);
      if (process.argv.includes('--detached-agent'))
        connection.destroy = () => {
          readFileSync(host.environment.FIFO);
          process.kill(process.pid, 'SIGKILL');
        };
      return connection;
    },
  }),
};
`;

/** A plugin that finds no descriptor left. */
const LACKING_PLUGIN = `export const lacking = {
  name: 'lacking',
  create: () => ({
    dial: async () => {
      throw Object.assign(new Error('socket EMFILE'), { code: 'EMFILE', syscall: 'socket' });
    },
  }),
};
`;

/** What the agent does for the command, whichever program the launcher asks it by. */
export function describeAgent(client: 'ask-agent' | 'ssh'): void {
  describe(`the agent of the command, asked by ${client},`, () => testAgent(client));
}

function testAgent(client: 'ask-agent' | 'ssh'): void {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const at = (name: string): string => join(folder.path, name);
  const env: NodeJS.ProcessEnv = {
    ...mark,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    XDG_RUNTIME_DIR: folder.path,
    XDG_CONFIG_HOME: at('home'),
    FDPASS_CONFIG: '',
    FDPASS_AGENT: '',
    FDPASS_LEFT_TO: client === 'ssh' ? 'ssh' : '', // or else ask-agent does
  };
  const cold = { ...env, FDPASS_AGENT: 'none' };
  let greeter: Greeter;
  let socks: TestProxy;
  let silent: ScriptedServer;
  let port: string;
  let closed: string;

  before(async function () {
    requirePeers(this, 'ssh');
    if (client === 'ask-agent') requireAskAgent(this);
    mkdirSync(at('home/fdpass'), { recursive: true });
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    socks = await startSocksProxy();
    silent = await startScriptedServer(async (line) => void (await line.rest()));
    port = String(greeter.port);
    closed = String(await refusedPort());
    await agent('start');
  });
  after(async () => {
    await command(['agent', 'stop']);
    await greeter?.close();
    await socks?.close();
    await silent?.close();
    await expectNoneLeft(() => markedProcesses(marker));
    folder.remove();
  });

  function command(args: readonly string[], more: NodeJS.ProcessEnv = env): Promise<Finished> {
    return run(FDPASS_BIN, args, { env: more, cwd: folder.path });
  }

  async function agent(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await command(['agent', ...args]);
    expect([status, stderr]).to.deep.equal([0, '']);
    return stdout;
  }

  async function untilListening(socket = at('fdpass/agent.sock')): Promise<void> {
    while ((await statusOf(socket).catch(() => undefined)) === undefined) await delay(5);
  }

  /** As "fdpass agent status" asks, which has tests of its own. */
  function agentStatus(): Promise<AgentStatus> {
    return statusOf(at('fdpass/agent.sock'));
  }

  async function statusOf(socket: string): Promise<AgentStatus> {
    const call = await callAgent(socket);
    if (call === undefined) throw new Error(`no agent listens at ${socket}`);
    return call.status().finally(call.close);
  }

  /** The agents that run. */
  const agents = (): string[] => markedProcesses(marker).filter((line) => line.includes('--detached-agent'));

  /** Runs fdpass as ssh does, and tells what it passed. */
  function connect(args: readonly string[], more: NodeJS.ProcessEnv = env, launcher = FDPASS_BIN): Promise<Received> {
    return receiveFrom(launcher, args, { env: more, cwd: folder.path });
  }

  /** Runs an agent as systemd does, which has listened at this descriptor. */
  function startActivated(
    listening: number | 'ignore',
    own: NodeJS.ProcessEnv,
    stderr: 'pipe' | 'inherit' = 'inherit',
  ) {
    const words = ['-c', 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" agent run', FDPASS_BIN];
    return spawn('/bin/sh', words, {
      env: { ...process.env, ...own },
      stdio: ['ignore', 'inherit', stderr, listening],
    });
  }

  /** A config of the user's own, old enough to be taken for settled. */
  function configure(content: object | string): void {
    const file = at('home/fdpass/config.yaml');
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content), { mode: 0o600 });
  }

  /** What differs between two runs that do the same: ports of our own, times, process ids. */
  function comparable({ status, passed, stderr }: Received): object {
    const plain = stderr.replaceAll(/^fdpass: +\d+ ms|(?<= in )\d+ ms$|(?<= descriptor of )\S+/gm, '');
    return { status, peer: passed?.peer, stderr: plain };
  }

  /** Runs the command with the agent and without, and looks at who made the first connection. */
  async function expectTheSame(
    args: readonly string[],
    counts: { readonly served: number; readonly left: number },
    more: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const before = await agentStatus();
    const warm = await connect(args, { ...env, ...more });
    expect(comparable(warm)).to.deep.equal(comparable(await connect(args, { ...cold, ...more })));
    const { served, left } = await agentStatus();
    expect({ served: served - before.served, left: left - before.left }).to.deep.equal(counts);
  }

  describe('does what the command does in a process of its own:', () => {
    const cases: readonly [what: string, args: () => string[], env?: NodeJS.ProcessEnv][] = [
      ['an address', () => ['127.0.0.1', port]],
      ['a name', () => ['localhost', port]],
      [
        'the spelled-out form, with user and alias',
        () => ['connect', '--user', "it's", '--alias', 'a b', '127.0.0.1', port],
      ],
      ['progress', () => ['-v', '127.0.0.1', port]],
      ['every step', () => ['-vv', '127.0.0.1', port]],
      ['a refused connection', () => ['127.0.0.1', closed]],
      ['a refused connection, for a program', () => ['--json', '127.0.0.1', closed]],
      ['an unknown option, for a program', () => ['--json', '--nope', '127.0.0.1', closed]],
      ['an unknown host', () => ['no-such-host.invalid', '22']],
      ['a proxy', () => ['--via', `socks5://127.0.0.1:${socks.port}`, '127.0.0.1', port]],
      ['a proxy that is not there', () => ['--via', `socks5://127.0.0.1:${closed}`, 'host.example', '22']],
      ['a proxy with a wrong scheme', () => ['--via', 'sock://127.0.0.1', 'host.example', '22']],
      ['a proxy of the environment', () => ['--via', 'env', 'localhost', port], { ALL_PROXY: 'socks5h://127.0.0.1:1' }],
      ['a variable with a password', () => ['--config', at('password.json'), 'localhost', port], { SECRET: 'hush' }],
      ['a variable that is missing', () => ['--config', at('password.json'), 'localhost', port]],
      ['a missing host', () => ['--timeout', '22']],
      ['a host name that is not one', () => ['a/b', '22']],
      ['an empty host', () => ['', '22']],
      ['an unknown option', () => ['--nope', 'host.example', '22']],
      ['options that exclude each other', () => ['--stdio', '--fdpass', 'host.example', '22']],
      ['a limit that is not one', () => ['-w', 'soon', 'host.example', '22']],
      [
        'a silent server behind a limit',
        () => ['-w', '50ms', '--via', `socks5h://127.0.0.1:${silent.port}`, 'a.example', '22'],
      ],
      ['a config that is missing', () => ['--config', at('missing.yaml'), 'host.example', '22']],
      ['a config that is wrong', () => ['--config', at('wrong.yaml'), 'host.example', '22']],
      ['a config of a variable', () => ['host.example', '22'], { FDPASS_CONFIG: join(folder.path, 'wrong.yaml') }],
      ['a program of the config', () => ['--config', at('program.json'), 'host.example', '22'], { WORD: 'said' }],
      [
        'a program that runs itself',
        () => ['--config', at('program.json'), 'h', '22'],
        { FDPASS_INSIDE: 'a'.repeat(300) },
      ],
    ];
    before(() => {
      const credentials = { username: 'me', passwordEnv: 'SECRET' };
      const proxy = { strategy: 'socks', url: `socks5://127.0.0.1:${socks.port}`, credentials };
      writeFileSync(at('password.json'), JSON.stringify({ rules: [{ use: proxy }] }), { mode: 0o600 });
      writeFileSync(at('wrong.yaml'), 'rules:\n  - use: nothing\n  - hots: x\n', { mode: 0o600 });
      const program = { strategy: 'command', command: ['sh', '-c', 'echo "$WORD" >&2; exit 3'] };
      writeFileSync(at('program.json'), JSON.stringify({ rules: [{ use: program }] }), { mode: 0o600 });
    });
    for (const [what, args, more] of cases) it(what, () => expectTheSame(args(), { served: 1, left: 0 }, more));

    it('the options that its variables give, and the failure that is kept for "fdpass last-error"', async () => {
      const { served } = await agentStatus();
      const more = { ...env, XDG_STATE_HOME: at('state'), FDPASS_VIA: `socks5://127.0.0.1:${closed}` };
      expect((await connect(['host.example', '22'], more)).stderr).to.contain('host.example:22: FDPASS_VIA: socks5:');
      expect((await agentStatus()).served).to.equal(served + 1);
      expect((await command(['last-error', '--json'], more)).stdout).to.contain('"target": "host.example:22"');
    });

    it('the same log, but for the time and the process', async () => {
      const logs = await Promise.all(
        [env, cold].map(async (each, index) => {
          await connect(['--log', at(`log${index}`), '127.0.0.1', port], each);
          return readFileSync(at(`log${index}`), 'utf8').replaceAll(/^\S+ \[\d+\]|pid \d+|ms=\d+|local=\S+/gm, '');
        }),
      );
      expect(logs[0]).to.equal(logs[1]);
      expect(logs[0]).to.include('handed-over as=descriptor');
    });
  });

  describe('leaves to the command, which does it,', () => {
    const cases: readonly [what: string, args: () => string[], env?: NodeJS.ProcessEnv][] = [
      ['bytes over a socket', () => ['--stdio', '127.0.0.1', closed]],
      ['help', () => ['--help', 'host.example', '22']],
      ['another command', () => ['explain', '127.0.0.1', '--alias', '22']],
      ['a config in the current directory', () => ['--config', 'relative.json', '127.0.0.1', port]],
      ['a log in the current directory', () => ['--log', 'log', '127.0.0.1', port]],
      ['a log on its own stderr', () => ['--log', '/dev/stderr', '127.0.0.1', closed]],
      ['a log of a variable, on its own stderr', () => ['127.0.0.1', closed], { FDPASS_LOG: '/proc/self/fd/2' }],
      ['another home', () => ['127.0.0.1', port], { HOME: '/' }],
      ['other certificates', () => ['127.0.0.1', port], { NODE_EXTRA_CA_CERTS: '/dev/null' }],
      ['a question', () => ['--config', at('ask.json'), 'host.example', '22'], { SSH_ASKPASS_REQUIRE: 'force' }],
      ['a program with the terminal', () => ['--config', at('terminal.json'), 'host.example', '22']],
      ['a lack of descriptors', () => ['--config', at('lacking.json'), 'host.example', '22']],
      ['a rule that runs a command first', () => ['--config', at('before.json'), '127.0.0.1', port]],
    ];
    before(() => {
      writeFileSync(at('relative.json'), '{}', { mode: 0o600 });
      const credentials = { username: 'me', ask: true };
      writeFileSync(at('lacking.mjs'), LACKING_PLUGIN, { mode: 0o600 });
      const lacking = { plugins: ['./lacking.mjs'], rules: [{ use: { firstOf: ['lacking', 'direct'] } }] };
      writeFileSync(at('lacking.json'), JSON.stringify(lacking), { mode: 0o600 });
      const asking = { strategy: 'http-connect', url: `http://127.0.0.1:${closed}`, credentials, auth: 'basic' };
      const terminal = { strategy: 'command', command: ['false'], terminal: true };
      writeFileSync(at('before.json'), JSON.stringify({ rules: [{ use: 'direct', before: ['true'] }] }), {
        mode: 0o600,
      });
      // Another route must not be taken because the agent cannot ask.
      for (const [name, use] of Object.entries({ ask: asking, terminal }))
        writeFileSync(at(`${name}.json`), JSON.stringify({ rules: [{ use: { firstOf: [use, 'direct'] } }] }), {
          mode: 0o600,
        });
    });
    for (const [what, args, more] of cases) it(what, () => expectTheSame(args(), { served: 0, left: 1 }, more));

    it('and says why in its status', async () => {
      await connect(['127.0.0.1', port], { ...env, HOME: '/' });
      expect(await agent('status')).to.match(
        /^note {5}the last was left to the command since its HOME differs from the agent's$/m,
      );
    });

    it('a connection from another network', async function () {
      const words = ['-Un', FDPASS_BIN, '127.0.0.1', port];
      if ((await run('unshare', ['-Un', 'true'])).status !== 0) this.skip(); // a container can forbid it
      const before = await agentStatus();
      const inside = await receiveFrom('unshare', words, { env });
      expect([inside.status, inside.stderr]).to.satisfy(([status, stderr]: [number, string]) => {
        return status === 69 && stderr.includes('127.0.0.1'); // nothing listens there
      });
      expect((await agentStatus()).served).to.equal(before.served);
    });

    it('what another installation asks for', async () => {
      cpSync(join(ROOT, 'packages/cli'), at('other'), {
        recursive: true,
        filter: (path) => !/\/(node_modules|dist|dist-test|test|src)$/.test(path),
      });
      const before = await agentStatus();
      await connect(['127.0.0.1', port], env, at('other/bin/fdpass.cjs'));
      const { served, left } = await agentStatus();
      expect([served - before.served, left - before.left]).to.deep.equal([0, 1]);
    });
  });

  it('relays what is not a kernel socket itself, also when it has been told to end', async () => {
    writeFileSync(at('plugin.mjs'), STREAM_PLUGIN, { mode: 0o600 });
    const config = { plugins: ['./plugin.mjs'], rules: [{ use: 'stream' }] };
    writeFileSync(at('stream.json'), JSON.stringify(config), { mode: 0o600 });
    const args = ['--stdio', FDPASS_BIN, '--config', at('stream.json'), '127.0.0.1', port];
    const session = spawn(FDRECV_BIN, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    expect(String((await once(session.stdout, 'data'))[0])).to.equal('SSH-2.0-greeter\r\n');
    await agent('stop');
    expect(agents()).to.have.length(1);
    session.stdin.end('bye');
    expect((await once(session, 'close'))[0]).to.equal(0);
    await expectNoneLeft(agents);
    await agent('start');
  });

  it('looks a name up while as many look-ups as libuv has threads by default get no answer', async () => {
    writeFileSync(at('holding.mjs'), HOLDING_PLUGIN, { mode: 0o600 });
    await run('mkfifo', [at('fifo')]);
    const config = { plugins: ['./holding.mjs'], rules: [{ host: 'held.example', use: 'holding' }, { use: 'direct' }] };
    writeFileSync(at('holding.json'), JSON.stringify(config), { mode: 0o600 });
    const env4 = { ...env, FIFO: at('fifo') };
    expect((await connect(['--config', at('holding.json'), 'held.example', '22'], env4)).stderr).to.include('held');
    const { served } = await agentStatus();
    try {
      expect((await connect(['-w', '5s', '--config', at('holding.json'), 'localhost', port])).stderr).to.equal('');
    } finally {
      await run('sh', ['-c', 'for n in 1 2 3 4; do : 1<>"$0"; done', at('fifo')]);
    }
    expect((await agentStatus()).served).to.equal(served + 1);
  });

  if (client === 'ask-agent') {
    it('is asked by the program that it has put beside its socket', async () => {
      expect(readdirSync(at('fdpass')).filter((name) => name.startsWith('ask-agent-'))).to.have.length(1);
      const without = { ...env, PATH: dirname(process.execPath) }; // no ssh
      expect((await connect(['127.0.0.1', port], without)).passed).to.have.nested.property('peer.port', greeter.port);
      expect(await agent('status'))
        .to.match(/^served {3}[1-9]/m)
        .and.to.not.include('through ssh');
    });

    it('is asked through ssh where that program cannot be run, and says so in its status', async function () {
      if ((await run('unshare', ['-rm', 'true'])).status !== 0) this.skip(); // a container can forbid it
      const script = `mount -t tmpfs -o noexec,mode=700 none "$0" || exit
        for words in 'agent start' '127.0.0.1 ${port}' 'agent status' 'agent stop'; do
          case $words in agent*) "$1" $words >&2 ;; *) "$1" $words ;; esac
        done`;
      mkdirSync(at('noexec'), { mode: 0o700 });
      const words = ['-rm', '/bin/sh', '-c', script, at('noexec'), FDPASS_BIN];
      const { status, passed, stderr } = await receiveFrom('unshare', words, {
        env: { ...env, XDG_RUNTIME_DIR: at('noexec') },
      });
      expect(stderr).to.match(/^served {3}1 connections, and left 0/m);
      expect(stderr).to.match(/^note {5}it is asked through ssh, which takes longer$/m);
      expect(passed).to.have.nested.property('peer.port', greeter.port);
      expect(status).to.equal(0);
    });

    it('may be killed once it has passed the descriptor: there is nothing left to do or to say', async () => {
      writeFileSync(at('deadly.mjs'), DEADLY_PLUGIN, { mode: 0o600 });
      const config = { plugins: ['./deadly.mjs'], rules: [{ use: 'deadly' }] };
      writeFileSync(at('deadly.json'), JSON.stringify(config), { mode: 0o600 });
      await run('mkfifo', [at('deadly')]);
      const { status, passed, stderr } = await receiveFrom(
        FDPASS_BIN,
        ['--config', at('deadly.json'), '127.0.0.1', port],
        { env: { ...env, FIFO: at('deadly') }, cwd: folder.path, onClosed: () => writeFile(at('deadly'), '') },
      );
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(passed).to.have.nested.property('peer.port', greeter.port);
      await expectNoneLeft(agents);
      await agent('start');
    });
  }

  it('logs what plugins print, which harms no connection', async () => {
    await agent('stop');
    writeFileSync(
      at('noisy.mjs'),
      `console.log('loaded');
       export const noisy = {
         name: 'noisy',
         create: (_, host) => ({
           dial: (target, context) => (console.log('dialled'), console.error('twice'), host.forward.dial(target, context)),
         }),
       };`,
      { mode: 0o600 },
    );
    writeFileSync(at('noisy.json'), JSON.stringify({ plugins: ['./noisy.mjs'], rules: [{ use: 'noisy' }] }), {
      mode: 0o600,
    });
    writeFileSync(at('fdpass/agent.log'), Buffer.alloc(1024 * 1024 + 1, 'old '));
    await agent('start');
    const { status, passed, stderr } = await connect(['--config', at('noisy.json'), '127.0.0.1', port]);
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(passed).to.have.nested.property('peer.port', greeter.port);
    expect((await agentStatus()).served).to.equal(1);
    expect(readFileSync(at('fdpass/agent.log'), 'utf8')).to.equal('loaded\ndialled\ntwice\n');
  });

  it('uses connections to a proxy that it has made in advance, where a hop wants them', async () => {
    const hop = { strategy: 'socks', url: `socks5://127.0.0.1:${socks.port}`, warm: 1 };
    writeFileSync(at('warm.json'), JSON.stringify({ rules: [{ use: hop }] }), { mode: 0o600 });
    const args = ['-v', '--config', at('warm.json'), '127.0.0.1', port];
    const advance = /using a connection to the proxy that was made in advance/;
    expect((await connect(args)).stderr).to.not.match(advance);
    for (let dial = 0; dial < 3; dial++) {
      const { status, stderr } = await connect(args);
      expect(status).to.equal(0);
      expect(stderr).to.match(advance);
    }
    expect((await connect(args, cold)).stderr).to.not.match(advance);
  });

  it('tries first what worked last time', async () => {
    const use = { firstOf: [`socks5h://127.0.0.1:${closed}`, 'direct'] };
    writeFileSync(at('first.json'), JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    const args = ['-v', '--config', at('first.json'), '127.0.0.1', port];
    const [first, second] = [await connect(args), await connect(args)];
    expect([first.status, second.status]).to.deep.equal([0, 0]);
    expect(first.stderr).to.include('connection refused').and.not.include('goes first');
    expect(second.stderr).to.include('direct goes first: it worked last time').and.not.include('refused');
    expect((await connect(args, cold)).stderr).to.include('connection refused');
  });

  describe('reads a config again', () => {
    it('when it has changed, when one appears, and when it goes', async () => {
      expect((await connect(['host.example', port])).status).to.equal(68);
      configure({ rules: [{ use: { strategy: 'direct', host: '127.0.0.1' } }] });
      expect((await connect(['host.example', port])).status).to.equal(0);
      configure({ rules: [{ use: { strategy: 'direct', host: '127.0.0.1', port: Number(closed) } }] });
      expect((await connect(['host.example', port])).status).to.equal(69);
    });

    it('and goes on with the one from before when it is broken, which every connection is told', async () => {
      configure({ rules: [{ use: { strategy: 'direct', host: '127.0.0.1' } }] });
      expect((await connect(['host.example', port])).status).to.equal(0);
      configure('rules: [');
      for (let connection = 0; connection < 2; connection++) {
        const { status, stderr } = await connect(['host.example', port]);
        expect(status).to.equal(0);
        expect(stderr).to.match(
          /^fdpass: the configuration from before stays in use, since it can no longer be read: \S+config\.yaml:1:\d+: .*\n$/,
        );
      }
    });

    it('when a file of patterns has changed, and asks conditions for each client, by its own profile', async () => {
      const { pid } = await agentStatus();
      const hosts = (pattern: string): void =>
        writeFileSync(at('home/fdpass/hosts.txt'), `${pattern}\n`, { mode: 0o600 });
      const dead = { strategy: 'direct', host: '127.0.0.1', port: Number(closed) };
      hosts('host.example');
      configure({
        rules: [
          { profile: 'away', use: dead },
          {
            host: { file: './hosts.txt' },
            exec: ['test', '%h', '=', 'host.example'],
            use: { strategy: 'direct', host: '127.0.0.1' },
          },
          { use: dead },
        ],
      });
      const state = (name: string): NodeJS.ProcessEnv => ({ ...env, XDG_STATE_HOME: at(name) });
      expect((await command(['use', 'away'], state('away'))).status).to.equal(0);
      const outcome = async (more?: NodeJS.ProcessEnv): Promise<unknown> =>
        (await connect(['host.example', port], more)).status;
      expect([await outcome(), await outcome(state('away')), await outcome(state('home'))]).to.deep.equal([0, 69, 0]);
      hosts('other.example');
      expect(await outcome()).to.equal(69);
      hosts('*.example');
      expect(await outcome()).to.equal(0);
      expect((await agentStatus()).pid).to.equal(pid);
    });

    it('in another agent when a plugin has changed', async () => {
      const { pid } = await agentStatus();
      const plugin = (target: string): void =>
        writeFileSync(
          at('home/fdpass/plugin.mjs'),
          `export default { name: 'mine', create: (_, host) => ({ dial: (target, context) => host.open({ family: 4, host: '127.0.0.1', port: ${target} }, {}, context) }) };`,
          { mode: 0o600 },
        );
      plugin(port);
      configure({ plugins: ['./plugin.mjs'], rules: [{ use: 'mine' }] });
      expect((await connect(['host.example', '1'])).status).to.equal(0);
      plugin(closed);
      const burst = await Promise.all(Array.from({ length: 4 }, () => connect(['host.example', '1'])));
      expect(burst.map(({ status }) => status)).to.deep.equal([69, 69, 69, 69]);
      await untilListening();
      expect(agents()).to.have.length(1);
      expect((await agentStatus()).pid).to.not.equal(pid);
      const before = await agentStatus();
      expect((await connect(['host.example', '1'])).status).to.equal(69);
      expect(await agentStatus()).to.include({ served: before.served + 1, left: before.left });
    });
    afterEach(() => configure({}));
  });

  describe('with "agent: auto"', () => {
    before(async () => {
      await agent('stop');
      await expectNoneLeft(agents);
      configure({ agent: 'auto', rules: [{ use: 'direct' }] });
    });
    after(() => configure({}));

    it('is started once by a burst of commands, and serves the ones after that', async () => {
      const burst = await Promise.all(Array.from({ length: 6 }, () => connect(['127.0.0.1', port])));
      expect(burst.map(({ status, stderr }) => `${status}${stderr}`)).to.deep.equal(burst.map(() => '0'));
      await untilListening();
      expect(agents()).to.have.length(1);
      await connect(['127.0.0.1', port]);
      expect((await agentStatus()).served).to.be.at.least(1);
    });

    it('is started where an earlier start was given up by a clock that was ahead', async () => {
      await agent('stop');
      await expectNoneLeft(agents);
      const mark = at('fdpass/agent.sock.starting');
      writeFileSync(mark, '');
      const ahead = new Date(Date.now() + 3_600_000);
      utimesSync(mark, ahead, ahead);
      await connect(['127.0.0.1', port]);
      await untilListening();
    });

    it('is not started with the option of Node that is for a single connection', async () => {
      await agent('stop');
      await expectNoneLeft(agents);
      await connect(['127.0.0.1', port]);
      await untilListening();
      const [line = ''] = agents();
      const words = readFileSync(`/proc/${Number.parseInt(line, 10)}/cmdline`, 'latin1').split('\0');
      expect(words).to.include('--detached-agent');
      expect(words).to.not.include('--no-rehash-snapshot');
    });

    it('is started where an earlier one has died before it listened, and not while one is about to', async () => {
      const mark = at('fdpass/agent.sock.starting');
      const { pid = 0 } = spawnSync('/bin/true');
      const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
      const [zombie] = await once(parent.stdout, 'data');
      const states: (readonly [content: string, listens: boolean])[] = [
        ['', false],
        [String(process.pid), false],
        [String(pid), true],
      ];
      if (process.platform === 'linux') states.push([String(zombie).trim(), true]);
      for (const [content, listens] of states) {
        for (const line of agents()) process.kill(Number.parseInt(line, 10), 'SIGKILL');
        await expectNoneLeft(agents);
        writeFileSync(mark, content);
        await connect(['127.0.0.1', port]);
        if (listens) await untilListening();
        expect([content, agents().length]).to.deep.equal([content, listens ? 1 : 0]);
      }
      parent.kill();
    });

    it('may die at any moment: ssh gets its connection, and later commands have another agent', async function () {
      requirePeers(this, 'sshd');
      const sshd = await startSshd();
      const options = { ProxyCommand: `'${FDPASS_BIN}' %h %p`, ProxyUseFdpass: 'yes' };
      try {
        for (let session = 0; session < 6; session++) {
          const running = sshd.ssh('echo served', options, { env });
          for (let look = 0; look < session; look++) markedProcesses(marker); // each time a little later
          for (const line of agents()) process.kill(Number.parseInt(line, 10), 'SIGKILL');
          const { status, stdout } = await running;
          expect([status, stdout]).to.deep.equal([0, 'served\n']);
        }
      } finally {
        await sshd.close();
      }
      // A command starts no agent as long as the one that was killed last is still there.
      do await connect(['127.0.0.1', port]);
      while ((await agentStatus().catch(() => undefined)) === undefined);
    });
  });

  it('serves on a socket that systemd listens on, and leaves it there', async () => {
    const socket = at('activated.sock');
    const own = { ...env, FDPASS_AGENT: socket };
    const sys = loadSys();
    const listening = listenAtPath(socket, 8, sys);
    sys.setNonBlocking(listening, false); // as systemd's are
    const ended = once(startActivated(listening, own), 'close');
    sys.close(listening);
    await untilListening(socket);
    expect((await connect(['127.0.0.1', port], own)).status).to.equal(0);
    const status = await command(['agent', 'status', '--json'], own);
    expect(JSON.parse(status.stdout)).to.include({ served: 1, isActivated: true });
    expect((await command(['agent', 'stop'], own)).status).to.equal(0);
    expect((await ended)[0]).to.equal(0);
    expect(existsSync(socket)).to.equal(true);
  });

  it('says so if systemd has passed no socket that it could serve on', async () => {
    const sys = loadSys();
    const [, connected] = sys.socketpair();
    for (const passed of ['ignore', openSync('/dev/zero', 'r'), connected] as const) {
      const activated = startActivated(passed, env, 'pipe');
      const [said, [status]] = await Promise.all([text(activated.stderr as Readable), once(activated, 'close')]);
      expect([status, said]).to.deep.equal([
        78,
        'fdpass: [config] LISTEN_FDS is set, but descriptor 3 is not a unix socket that listens; start the agent through fdpass-agent.socket, or unset LISTEN_FDS\n',
      ]);
      if (passed !== 'ignore') sys.close(passed);
    }
  });

  it('is installed for the service manager, and uninstalled', async function () {
    if (process.platform !== 'linux') this.skip();
    mkdirSync(at('tools'), { recursive: true });
    writeFileSync(at('tools/systemctl'), `#!/bin/sh\necho "$@" >>'${at('systemctl.log')}'\n`, { mode: 0o755 });
    const own = { ...env, PATH: `${at('tools')}:${env['PATH']}` };
    const unit = at('home/systemd/user/fdpass-agent.socket');
    const installed = await command(['agent', 'install'], own);
    expect([installed.status, installed.stderr]).to.deep.equal([0, '']);
    expect(readFileSync(unit, 'utf8')).to.include(`ListenStream=${at('fdpass/agent.sock')}\n`);
    expect((await command(['agent', 'uninstall'], own)).status).to.equal(0);
    expect(existsSync(unit)).to.equal(false);
    expect(readFileSync(at('systemctl.log'), 'utf8').split('\n')).to.deep.equal([
      '--user daemon-reload',
      '--user enable --now fdpass-agent.socket',
      '--user disable --now fdpass-agent.socket fdpass-agent.service',
      '--user daemon-reload',
      '',
    ]);
    writeFileSync(at('tools/systemctl'), '#!/bin/sh\necho "no bus" >&2; exit 1\n', { mode: 0o755 });
    const failed = await command(['agent', 'install'], own);
    expect([failed.status, failed.stderr]).to.deep.equal([
      70,
      'fdpass: [internal] systemctl --user daemon-reload failed: no bus; check that the service manager of your session runs\n',
    ]);
  });

  it('leaves connections to the command while it has too few descriptors, and serves again when it has enough', async function () {
    if (process.platform !== 'linux') this.skip();
    const own = { ...env, FDPASS_AGENT: at('few/agent.sock') };
    const few = spawn('/bin/sh', ['-c', 'ulimit -n 48; exec "$0" agent run', FDPASS_BIN], {
      env: { ...process.env, ...own },
      stdio: 'ignore',
    });
    const ended = once(few, 'close');
    const idle: Socket[] = [];
    try {
      await untilListening(own.FDPASS_AGENT);
      while (idle.at(-1)?.readableEnded !== true) {
        const client = connectTo(own.FDPASS_AGENT);
        idle.push(client.on('error', () => {}).resume());
        await Promise.race([once(client, 'data'), once(client, 'end')]); // its hello, or it turns the client away
      }
      for (let free = 0; free < 12; free++) {
        const { status, stderr, passed } = await connect(['localhost', port], own);
        expect([free, status, stderr, passed !== undefined]).to.deep.equal([free, 0, '', true]);
        const client = idle.shift()?.end();
        if (client?.closed === false) await once(client, 'close'); // by the agent
      }
      expect((await statusOf(own.FDPASS_AGENT)).served).to.be.above(0);
    } finally {
      for (const client of idle) client.destroy();
      few.kill('SIGKILL');
      await ended;
    }
  });

  it('serves ssh, which the server sees, and no process stays', async function () {
    requirePeers(this, 'sshd');
    const sshd = await startSshd();
    try {
      const before = await agentStatus();
      const options = { ProxyCommand: `'${FDPASS_BIN}' %h %p`, ProxyUseFdpass: 'yes' };
      const { status, stdout, stderr } = await sshd.ssh('echo $SSH_CONNECTION', options, { env });
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(stdout.split(' ')[3]).to.equal(`${sshd.port}\n`);
      expect((await agentStatus()).served).to.equal(before.served + 1);
    } finally {
      await sshd.close();
    }
  });

  it('jumps through a connection that ssh shares, and no process stays for that', async function () {
    requirePeers(this, 'sshd');
    const [bastion, server] = await Promise.all([startSshd(), startSshd()]);
    const [file, ControlPath] = [join(bastion.folder, 'config'), join(bastion.folder, 'master')];
    writeFileSync(file, bastion.configBlock('bastion', { ControlPath }), { mode: 0o600 });
    const use = { strategy: 'jump', hosts: ['bastion'], sshOptions: ['-F', file] };
    writeFileSync(at('jump.json'), JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    const master = spawn('ssh', ['-F', file, '-M', '-N', 'bastion'], { stdio: 'ignore' });
    while (!existsSync(ControlPath)) await new Promise(setImmediate);
    const options = { ProxyCommand: `${FDPASS_BIN} --config ${at('jump.json')} %h %p`, ProxyUseFdpass: 'yes' };
    const session = spawn('ssh', [...server.options(options), `${server.user}@127.0.0.1`, 'echo ready; cat'], {
      env: { ...process.env, ...env },
    });
    expect(String((await once(session.stdout, 'data'))[0])).to.equal('ready\n');
    const others = markedProcesses(marker).filter((line) => line.includes(' -W '));
    expect([others, (await agentStatus()).active]).to.deep.equal([[], 2]); // the session, and who asks
    session.stdin.end();
    expect((await once(session, 'exit'))[0]).to.equal(0);
    master.kill('SIGKILL');
    await Promise.all([bastion.close(), server.close()]);
  });

  it('is replaced by a fresh one at "reload"', async () => {
    const { pid } = await agentStatus();
    await agent('reload');
    expect((await agentStatus()).pid).to.not.equal(pid);
  });

  it('is replaced by "reload" if it does not answer, which the other commands say', async () => {
    const { pid } = await agentStatus();
    process.kill(pid, 'SIGSTOP');
    try {
      const { status, stderr } = await command(['agent', 'stop']);
      expect([status, stderr]).to.deep.equal([
        75,
        `fdpass: [timeout] the agent at ${at('fdpass/agent.sock')} does not answer; replace it with "fdpass agent reload"\n`,
      ]);
      await agent('reload');
      expect((await agentStatus()).pid).to.not.equal(pid);
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  it('holds nothing open that the command was started with', async () => {
    await agent('stop');
    const lock = openSync(at('lock'), 'w');
    const rest = Array<'ignore'>(30).fill('ignore');
    const starting = spawn(FDPASS_BIN, ['agent', 'start'], {
      env: { ...process.env, ...env },
      stdio: [...rest, lock],
    });
    closeSync(lock);
    expect((await once(starting, 'exit'))[0]).to.equal(0);
    const folderOf = `/proc/${(await agentStatus()).pid}/fd`;
    const open = readdirSync(folderOf).map((fd) => {
      try {
        return readlinkSync(join(folderOf, fd));
      } catch {
        return ''; // of a connection that has ended
      }
    });
    expect(open).to.not.include(at('lock'));
  });

  it('is one: another is not started beside it', async () => {
    const { pid } = await agentStatus();
    for (const action of ['start', 'run']) {
      const { status, stderr } = await command(['agent', action]);
      expect([status, stderr]).to.deep.equal([
        64,
        `fdpass: [usage] an agent runs already, with pid ${pid}; end it with "fdpass agent stop", or replace it with "fdpass agent reload"\n`,
      ]);
    }
  });
}
