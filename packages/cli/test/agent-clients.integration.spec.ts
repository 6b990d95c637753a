import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Agent, type AgentRequest, LEFT_TO_CLIENT, type Serve } from '@fdpass/agent';
import { encodeMuxPacket, MUX_MSG_HELLO, MUX_S_FAILURE, MUX_S_SESSION_OPENED, MUX_VERSION } from '@fdpass/core/sockets';
import {
  expectDescriptorsBack,
  expectNoneMarked,
  type Finished,
  listenAsOther,
  markedEnvironment,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { placeClient } from '../dist/place-client.js';
import { FDPASS_BIN, requireAskAgent } from './commands.spec.helper.js';

const BUNDLE = fileURLToPath(new URL('../bundle', import.meta.url));
const SHELLS: Readonly<Record<string, readonly string[]>> = { dash: [], bash: [], busybox: ['sh'] };
const ARGUMENTS = ['a b', '', '*', '$(id)', '`id`', "it's", '"', '\\', '-v', '~', '--', 'ä', '22'];

/** What stands in for Node's part of the command. It says how it was started, and which signals are ignored. */
const NODE_PART = `(exports, require) => {
const { readdirSync, readFileSync, readlinkSync } = require('node:fs');
const stat = readFileSync('/proc/self/stat', 'latin1');
const waitedFor = stat.slice(stat.lastIndexOf(')')).split(' ')[9]; // page faults of children, proc_pid_stat(5)
const ignored = /SigIgn:.*/.exec(readFileSync('/proc/self/status', 'latin1'))[0];
const links = readdirSync('/proc/self/fd').map((fd) => {
  try {
    return fd > 2 ? readlinkSync('/proc/self/fd/' + fd) : '';
  } catch {
    return ''; // the one that the list was read from
  }
});
const sockets = links.filter((link) => link.startsWith('socket:')).length;
exports.launch = () =>
  console.log(JSON.stringify({ args: process.argv.slice(2), env: process.env, waitedFor, ignored, sockets }));
}`;

interface NodePart {
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly waitedFor: string;
  readonly ignored: string;
  readonly sockets: number;
}

const HELLO = encodeMuxPacket(MUX_MSG_HELLO, MUX_VERSION);
const OPENED = encodeMuxPacket(MUX_S_SESSION_OPENED, 0, 1);
const MUX_S_EXIT_MESSAGE = 0x80000004;

/** More than a socket takes while nobody reads. One variable can have 128 kB at most. */
const LONG: Readonly<Record<string, string>> = Object.fromEntries(
  ['A', 'B', 'C', 'D'].map((name) => [name, name.repeat(120_000)]),
);

/** Stops a process when it waits, and lets it go on: its system call is interrupted (signal(7)). */
async function stopAndGoOn(pid = 0): Promise<void> {
  const untilState = async (state: string): Promise<void> => {
    while (!readFileSync(`/proc/${pid}/stat`, 'latin1').includes(`) ${state} `)) await setImmediate();
  };
  await untilState('S');
  process.kill(pid, 'SIGSTOP');
  await untilState('T');
  process.kill(pid, 'SIGCONT');
}

function bootId(): string {
  const file = '/proc/sys/kernel/random/boot_id';
  return existsSync(file) ? readFileSync(file, 'latin1').trim() : '';
}

/** What the launcher asks an agent with, in front of an agent in this process. */
describe('the clients of the agent:', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const at = (path: string): string => join(folder.path, path);
  const socket = at('run/agent.sock');
  const command = at('bin/fdpass.cjs');
  const link = at('link');
  const client = `${at('run/ask-agent-')}${bootId()}`;
  const asked: AgentRequest[] = [];
  let agent: Agent | undefined;

  before(() => {
    for (const path of ['bin', 'bundle', 'run', 'fake']) mkdirSync(at(path), { recursive: true });
    chmodSync(at('run'), 0o700);
    copyFileSync(FDPASS_BIN, command);
    writeFileSync(at('bundle/launch.cjs'), NODE_PART);
    symlinkSync(command, link);
    writeFileSync(at('fake/ssh'), '#!/bin/sh\nprintf "%s\\0" "$@"\nexit 69\n', { mode: 0o755 });
  });
  afterEach(async () => {
    agent?.leave();
    await agent?.ended;
    agent = undefined;
    asked.length = 0;
    rmSync(socket, { force: true });
    await expectNoneMarked(marker);
  });
  after(() => folder.remove());
  expectDescriptorsBack();

  /** The status of its sessions is that of the variable STATUS, or else they are left to the command. */
  async function startAgent(serve?: ReturnType<Serve>): Promise<void> {
    agent = await Agent.start({
      socket,
      idleMs: 0,
      serve: () => async (request) => {
        asked.push(request);
        return serve === undefined ? Number(request.environment['STATUS'] ?? LEFT_TO_CLIENT) : serve(request);
      },
    });
  }

  /** Runs words with these variables and no others. */
  function start(
    more: Record<string, string | undefined> = {},
    words: readonly string[] = [link, 'host', '22'],
  ): Promise<Finished> {
    const [program = '', ...args] = words;
    return run(program, args, { cwd: folder.path, env: environment(more) });
  }

  function environment(more: Record<string, string | undefined>): NodeJS.ProcessEnv {
    const unset = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
    const PATH = `${join(process.execPath, '..')}:${process.env['PATH']}`;
    return { ...unset, ...mark, PATH, FDPASS_AGENT: socket, ...more };
  }

  /** The same where Node's part has to be run: what that says. */
  async function startNode(more?: Record<string, string | undefined>, words?: readonly string[]): Promise<NodePart> {
    const { status, stdout, stderr } = await start(more, words);
    expect([status, stderr]).to.deep.equal([0, '']);
    return JSON.parse(Buffer.from(stdout, 'latin1').toString());
  }

  const clients: Readonly<Record<string, Record<string, string>>> = { 'ask-agent': {}, ssh: { FDPASS_LEFT_TO: 'ssh' } };
  for (const [name, by] of Object.entries(clients)) {
    describe(name, () => {
      before(function () {
        requirePeers(this, 'ssh');
        if (name === 'ask-agent') requireAskAgent(this);
        placeClient(socket, BUNDLE);
      });

      for (const [shell, applet] of Object.entries(SHELLS)) {
        it(`hands on every argument and the status of the agent, through ${shell}`, async function () {
          const { [shell]: program = '' } = requirePeers(this, shell);
          await startAgent();
          const { status, stdout, stderr } = await start({ ...by, STATUS: '69' }, [
            program,
            ...applet,
            link,
            ...ARGUMENTS,
          ]);
          expect([status, stdout, stderr]).to.deep.equal([69, '', '']);
          expect(asked.map(({ words }) => words)).to.deep.equal([[link, ...ARGUMENTS]]);
        });

        it(`leaves every argument to Node where the agent does, through ${shell}`, async function () {
          const { [shell]: program = '' } = requirePeers(this, shell);
          await startAgent();
          const { args, waitedFor } = await startNode(by, [program, ...applet, link, ...ARGUMENTS]);
          expect(args).to.deep.equal(ARGUMENTS);
          expect(asked).to.have.length(1);
          if (name === 'ask-agent') expect(waitedFor, 'a process was started on the way').to.equal('0');
        });
      }

      it('passes the three streams', async () => {
        await startAgent(async ({ stdin, stdout, stderr }) => {
          const bytes = Buffer.alloc(8);
          writeSync(stdout, bytes.subarray(0, readSync(stdin, bytes)));
          writeSync(stderr, 'said');
          return 0;
        });
        const { status, stdout, stderr } = await start(by, ['/bin/sh', '-c', `echo typed | ${link} host 22`]);
        expect([status, stdout, stderr]).to.deep.equal([0, 'typed\n', 'said']);
      });

      for (const stream of ['<&-', '2>&-']) {
        it(`asks also where a stream is closed (${stream})`, async () => {
          await startAgent();
          const { status } = await start({ ...by, STATUS: '69' }, ['/bin/sh', '-c', `${link} host 22 ${stream}`]);
          expect([status, asked.length]).to.deep.equal([69, 1]);
        });
      }

      const hello = (version = MUX_VERSION): Buffer => encodeMuxPacket(MUX_MSG_HELLO, version);
      const opened = encodeMuxPacket(MUX_S_SESSION_OPENED, name === 'ssh' ? 1 : 0, 1);
      const servers: readonly [what: string, onClient: (socket: Socket) => void][] = [
        ['ends at once', (peer) => peer.destroy()],
        ['ends after its hello', (peer) => peer.end(hello())],
        ['ends within a packet', (peer) => peer.end(hello().subarray(0, 7))],
        ['speaks another version', (peer) => peer.write(hello(5))],
        ['does not speak the protocol', (peer) => peer.end('SSH-2.0-server\r\n')],
        ['ends within a session', (peer) => peer.end(Buffer.concat([hello(), opened]))],
        [
          'refuses',
          (peer) =>
            peer.write(
              Buffer.concat([
                hello(),
                encodeMuxPacket(MUX_S_FAILURE, 0, 'no'),
                encodeMuxPacket(MUX_S_FAILURE, 1, 'no'),
              ]),
            ),
        ],
      ];
      for (const [what, onClient] of servers) {
        it(`leaves it to Node if what listens ${what}`, async () => {
          const server = createServer((peer) =>
            onClient(
              peer
                .on('error', () => {})
                .on('end', () => peer.destroy())
                .resume(),
            ),
          );
          await once(server.listen(socket), 'listening');
          try {
            expect((await startNode(by)).args).to.deep.equal(['host', '22']);
          } finally {
            server.close();
          }
        });
      }

      it('leaves it to Node if nobody listens any more', async () => {
        // A server that is killed leaves its socket there.
        const script = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
        await run(process.execPath, ['-e', script, socket]);
        expect(existsSync(socket)).to.equal(true);
        expect((await startNode(by)).args).to.deep.equal(['host', '22']);
      });
    });
  }

  it('are compiled for arm64 too: emulated, that does the same', async function () {
    if (process.platform !== 'linux' || process.arch !== 'x64') this.skip();
    const { 'qemu-aarch64-static': qemu = '' } = requirePeers(this, 'qemu-aarch64-static', 'aarch64-linux-gnu-gcc');
    const words = [qemu, join(BUNDLE, 'ask-agent-arm64'), socket, link, ...ARGUMENTS];
    await startAgent(async ({ stdout, environment }) => {
      if (environment['STATUS'] === undefined) return LEFT_TO_CLIENT;
      writeSync(stdout, 'said');
      return Number(environment['STATUS']);
    });
    const { status, stdout, stderr } = await start({ STATUS: '69' }, words);
    expect([status, stdout, stderr]).to.deep.equal([69, 'said', '']);
    const { args, env } = await startNode({ FDPASS_LEFT_TO: 'node' }, words);
    expect(args).to.deep.equal(ARGUMENTS);
    expect(env).to.not.have.property('FDPASS_LEFT_TO');
    for (const request of asked) expect(request.words).to.deep.equal([link, ...ARGUMENTS]);
    expect(asked.map(({ environment }) => 'FDPASS_LEFT_TO' in environment)).to.deep.equal([false, false]);
  });

  describe('ask-agent', () => {
    before(function () {
      requireAskAgent(this);
      requirePeers(this, 'ssh');
    });
    beforeEach(() => void placeClient(socket, BUNDLE));

    it('sends nothing to a process of another user, whoever has the socket file', async function () {
      if (process.getuid?.() !== 0) this.skip();
      const listener = await listenAsOther(socket);
      const { args } = await startNode();
      expect(String(await listener.close())).to.equal('');
      expect(args).to.deep.equal(['host', '22']);
    });

    const environments: Readonly<Record<string, Record<string, string>>> = {
      'odd values': { ODD: ' a\n*\\ "\' =', EMPTY: '', UMLAUT: 'ä€' },
      'a locale that is not installed': { LC_ALL: 'xx_XX.UTF-8', LANG: 'yy', LC_CTYPE: 'zz' },
      'an empty locale': { LC_ALL: '' },
      'names that a script is likely to use': Object.fromEntries(
        ['agent', 'folder', 'last', 'locale', 'name', 'newline', 'program', 'self', 'status', 'variables'].map(
          (name) => [name, 'of the user'],
        ),
      ),
      'what dynamic libraries read': { LD_PRELOAD: '', LD_LIBRARY_PATH: at('lib') },
      'names like one of ours': { FDPASS_LEFT: 'a', FDPASS_LEFT_T: 'b', FDPASS_LEFT_TOO: 'c' },
      'more than a socket takes at once': LONG,
    };
    it('sends the variables in the same order each time, so that the agent knows them again', async () => {
      await startAgent();
      for (let count = 0; count < 2; count++) await start({ STATUS: '69' });
      const [first, second] = asked.map((request) => request.environment);
      expect(first === second).to.equal(true);
    });

    for (const [what, given] of Object.entries(environments)) {
      it(`hands on the environment that ssh does: ${what}`, async () => {
        await startAgent();
        for (const by of Object.values(clients)) {
          const { status, stdout, stderr } = await start({ ...given, ...by, STATUS: '69' });
          expect([status, stdout, stderr]).to.deep.equal([69, '', '']);
        }
        const [compiled, bySsh] = asked.map((request) => request.environment);
        expect(compiled).to.deep.equal(bySsh).and.to.include(given).and.to.not.have.property('FDPASS_LEFT_TO');
      });

      it(`leaves the environment and the signals to Node as they were: ${what}`, async () => {
        await startAgent();
        const left = await startNode(given);
        const unasked = await startNode({ ...given, FDPASS_LEFT_TO: 'node' });
        expect(asked).to.have.length(1);
        expect({ ...left, waitedFor: '' }).to.deep.equal({ ...unasked, waitedFor: '' });
        expect(left.env).to.include(given).and.to.not.have.property('FDPASS_LEFT_TO');
      });
    }

    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const) {
      it(`ends at ${signal}, and the agent notices`, async () => {
        let abort = (): void => {};
        const aborted = new Promise<void>((resolve) => {
          abort = resolve;
        });
        let serve = (): void => {};
        const serving = new Promise<void>((resolve) => {
          serve = resolve;
        });
        await startAgent(async (request) => {
          request.signal.addEventListener('abort', abort);
          serve();
          await aborted;
          return 0;
        });
        const child = spawn(link, ['host', '22'], { env: environment({}), stdio: ['ignore', 'pipe', 'inherit'] });
        const ended = once(child, 'exit');
        await serving;
        child.kill(signal);
        expect(await ended).to.deep.equal([null, signal]);
        await aborted;
      });
    }

    const answers: Record<string, Buffer> = {
      'another type than a hello': encodeMuxPacket(MUX_S_FAILURE, MUX_VERSION),
      'a hello of another version': encodeMuxPacket(MUX_MSG_HELLO, 5),
      'what is not a packet': Buffer.from('SSH-2.0-a\r\n\0'),
    };
    const end = encodeMuxPacket(MUX_S_EXIT_MESSAGE, 1, 0);
    const sessions: Readonly<Record<string, Buffer>> = {
      'a refusal where the session should be': Buffer.concat([encodeMuxPacket(MUX_S_FAILURE, 0, 1), end]),
      'two sessions and no end': Buffer.concat([0, 1].map((id) => encodeMuxPacket(MUX_S_SESSION_OPENED, id, 0))),
      'a status that no program can have': Buffer.concat([OPENED, encodeMuxPacket(MUX_S_EXIT_MESSAGE, 1, 256)]),
    };
    for (const [what, answer] of Object.entries(sessions)) answers[what] = Buffer.concat([HELLO, answer]);
    for (const [what, answer] of Object.entries(answers)) {
      it(`leaves it to Node if the agent answers ${what}, followed by a good end`, async () => {
        const server = createServer((peer) => {
          peer.on('error', () => {}).on('end', () => peer.destroy());
          peer.resume().write(Buffer.concat([answer, OPENED, end]));
        });
        await once(server.listen(socket), 'listening');
        expect((await startNode()).args).to.deep.equal(['host', '22']);
        server.close();
      });
    }

    it('sends and receives everything, though it is stopped in between and goes on', async () => {
      const server = createServer({ pauseOnConnect: true });
      const connected = once(server.listen(socket), 'connection');
      const child = spawn(link, ['host', '22'], { env: environment(LONG), stdio: ['ignore', 'pipe', 'inherit'] });
      const ended = once(child, 'exit');
      const [peer] = (await connected) as [Socket];
      await stopAndGoOn(child.pid); // it waits until somebody reads
      let received = 0;
      const hasAll = new Promise<void>((resolve) => {
        let size = Number.POSITIVE_INFINITY;
        peer.on('data', (bytes: Buffer) => {
          if (received === 0) size = 12 + 4 + bytes.readUInt32BE(12);
          received += bytes.length;
          if (received >= size) resolve();
        });
        peer.on('end', () => peer.destroy()).resume();
      });
      await hasAll;
      expect(received).to.be.above(480_000);
      await stopAndGoOn(child.pid); // it waits for the hello
      peer.write(Buffer.concat([HELLO, OPENED, encodeMuxPacket(MUX_S_EXIT_MESSAGE, 1, 69)]));
      expect(await ended).to.deep.equal([69, null]);
      server.close();
    });

    it('waits for an answer for as long as the agent takes', async () => {
      await startAgent(() => new Promise((resolve) => void setTimeout(() => resolve(69), 5200)));
      expect((await start()).status).to.equal(69);
    });

    it('leaves it to Node if the path of the socket is too long for one', async () => {
      const words = [join(BUNDLE, `ask-agent-${process.arch}`), `/${'x'.repeat(300)}`, link, 'host', '22'];
      expect((await startNode({ FDPASS_LEFT_TO: 'node' }, words)).args).to.deep.equal(['host', '22']);
    });

    it('waits for some seconds for an agent that does not answer, or does not even read, and leaves it to Node', async () => {
      const peers: Socket[] = [];
      const server = createServer({ pauseOnConnect: true }, (peer) => void peers.push(peer));
      await once(server.listen(socket), 'listening');
      try {
        for (const { args } of await Promise.all([startNode(), startNode(LONG)]))
          expect(args).to.deep.equal(['host', '22']);
        expect(peers).to.have.length(2);
      } finally {
        for (const peer of peers) peer.destroy();
        server.close();
      }
    });

    const withoutClient: [why: string, change: () => void][] = [
      ['there is none', () => rmSync(client)],
      ['it cannot be run', () => chmodSync(client, 0o600)],
      ['it was put there before the machine started', () => renameSync(client, `${client}0`)],
    ];
    if (process.getuid?.() === 0)
      withoutClient.push(['it is of another user', () => chownSync(client, 65_534, 65_534)]);
    for (const [why, change] of withoutClient) {
      it(`leaves it to ssh if ${why}`, async () => {
        change();
        await expectAskedThroughSsh();
      });
    }

    it('leaves it to ssh if the kernel does not say when it started', async () => {
      const changed = at('bin/changed.cjs');
      const launcher = readFileSync(FDPASS_BIN, 'utf8');
      writeFileSync(changed, launcher.replace('=/proc/sys/kernel', '=/nonexistent'), { mode: 0o755 });
      await expectAskedThroughSsh(changed);
    });

    async function expectAskedThroughSsh(launcher = link): Promise<void> {
      await startAgent();
      const PATH = `${at('fake')}:${process.env['PATH']}`;
      const args = ARGUMENTS.filter((word) => word !== 'ä');
      const { status, stdout, stderr } = await start({ PATH }, [launcher, ...args]);
      expect([status, stderr]).to.deep.equal([69, '']);
      expect(stdout.split('\0').at(-2)).to.equal([launcher, ...args].join('\n'));
      expect(asked).to.have.length(0);
    }
  });
});
