import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSys } from '@fdpass/core/sockets';
import { expectNoDescriptorLeft, makePipe, openDescriptors, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG } from './commands.spec.helper.js';

/*
 * O_NONBLOCK belongs to the open file description, which a shell, ssh or an editor shares with the command: a program that
 * sets it breaks the next one in the pipeline, and one that clears it breaks whoever gave it.
 */

const STREAMS = ['stdin', 'stdout', 'stderr'];

/** Starts a command through a shell, since Node makes the standard streams of its own children blocking. */
function start(command: readonly string[], stdio: readonly number[]): ChildProcess {
  const script = 'exec "$@" <&3 >&4 2>&5 3<&- 4>&- 5>&-';
  return spawn('sh', ['-c', script, 'sh', process.execPath, ...command], {
    stdio: ['ignore', 'ignore', 'ignore', ...stdio],
    env: { ...process.env, ...NO_CONFIG },
  });
}

describe('the standard streams block, or do not, as they did before', () => {
  const sys = loadSys();
  const open: number[] = [];
  const folder = temporaryFolder();
  const config = join(folder.path, 'fdpass.json');
  let server: ScriptedServer;
  let openBefore: readonly string[];

  before(() => {
    const use = { strategy: 'command', command: ['sh', '-c', 'echo hello; exec cat'], terminal: true };
    writeFileSync(config, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
  });
  after(() => folder.remove());
  beforeEach(async () => {
    openBefore = openDescriptors();
    server = await startScriptedServer(async (line) => {
      await line.send('hello\n');
      line.socket.end(await line.rest());
    });
  });
  afterEach(async () => {
    for (const fd of open.splice(0)) sys.close(fd);
    await server.close();
    await expectNoDescriptorLeft(openBefore);
  });

  const keep = <T extends readonly number[]>(fds: T): T => {
    open.push(...fds);
    return fds;
  };
  /** Two pipes: what the command gets, and our ends of them. */
  const pipes = () => {
    const [stdin, writer] = keep(makePipe());
    const [reader, stdout] = keep(makePipe());
    return { stdin, stdout, ours: [writer, reader] };
  };
  /** One socket for both, as ssh gives it. */
  const socket = () => {
    const [theirs, ours] = keep(sys.socketpair());
    return { stdin: theirs, stdout: theirs, ours: [ours] };
  };
  /** Two sockets, as Node gives them. */
  const sockets = () => {
    const [stdin, writer] = keep(sys.socketpair());
    const [stdout, reader] = keep(sys.socketpair());
    return { stdin, stdout, ours: [writer, reader] };
  };
  const close = (fds: readonly number[]): void => {
    for (const fd of fds) sys.close(open.splice(open.indexOf(fd), 1)[0] as number);
  };

  interface Form {
    readonly channel: typeof pipes;
    readonly command: (port: string) => readonly string[];
    /** Ends it: by default our ends are closed once something has arrived. */
    readonly signal?: NodeJS.Signals;
    /** It ends by itself. */
    readonly endsItself?: boolean;
  }
  const forms: Readonly<Record<string, Form>> = {
    'the descriptor passed': {
      channel: socket,
      command: (port) => [FDPASS_BIN, '-vv', '127.0.0.1', port],
      endsItself: true,
    },
    'a relay over pipes': { channel: pipes, command: (port) => [FDPASS_BIN, '-vv', '127.0.0.1', port] },
    'a relay over sockets': { channel: sockets, command: (port) => [FDPASS_BIN, '127.0.0.1', port] },
    'a relay over one socket': { channel: socket, command: (port) => [FDPASS_BIN, '--stdio', '127.0.0.1', port] },
    'an error': { channel: socket, command: () => [FDPASS_BIN, '127.0.0.1', '1'], endsItself: true },
    'an error before a relay': { channel: pipes, command: () => [FDPASS_BIN, '127.0.0.1', '1'], endsItself: true },
    'a wrong command line': { channel: pipes, command: () => [FDPASS_BIN, '--nope'], endsItself: true },
    help: { channel: pipes, command: () => [FDPASS_BIN, '--help'], endsItself: true },
    fdrecv: {
      channel: pipes,
      command: (port) => [FDRECV_BIN, process.execPath, FDPASS_BIN, '127.0.0.1', port],
      endsItself: true,
    },
    'fdrecv --stdio': {
      channel: pipes,
      command: (port) => [FDRECV_BIN, '--stdio', process.execPath, FDPASS_BIN, '127.0.0.1', port],
    },
    ...Object.fromEntries(
      (['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM'] as const).flatMap((signal) => [
        [
          `${signal} in a relay`,
          { channel: pipes, command: (port: string) => [FDPASS_BIN, '127.0.0.1', port], signal },
        ],
        [
          `${signal} in fdrecv --stdio`,
          {
            channel: pipes,
            command: (port: string) => [FDRECV_BIN, '--stdio', process.execPath, FDPASS_BIN, '127.0.0.1', port],
            signal,
          },
        ],
        [
          `${signal} in a relay to a program that shares the terminal`,
          { channel: pipes, command: () => [FDPASS_BIN, '--config', config, 'host.example', '22'], signal },
        ],
      ]),
    ),
  };

  for (const [what, { channel, command, signal, endsItself = false }] of Object.entries(forms)) {
    for (const isNonBlocking of [false, true]) {
      it(`${what}: ${isNonBlocking ? 'not blocking' : 'blocking'}`, async () => {
        const { stdin, stdout, ours } = channel();
        const [stderrReader, stderr] = keep(makePipe());
        const streams = [stdin, stdout, stderr];
        for (const fd of streams) sys.setNonBlocking(fd, isNonBlocking);
        const child = start(command(String(server.port)), streams);
        const ended = once(child, 'exit');
        if (!endsItself) {
          await sys.wait(ours.at(-1) as number, 'readable');
          if (signal === undefined) close(ours);
          else child.kill(signal);
        }
        const [, killedBy] = await ended;
        expect(killedBy).to.equal(signal ?? null);
        const modes = streams.map((fd) => sys.isNonBlocking(fd));
        expect(Object.fromEntries(modes.map((mode, index) => [STREAMS[index], mode]))).to.deep.equal(
          Object.fromEntries(STREAMS.map((name) => [name, isNonBlocking])),
        );
        expect(stderrReader).to.be.a('number');
      });
    }
  }
});
