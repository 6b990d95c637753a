import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync, readSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { loadSys, recvFd } from '@fdpass/core/sockets';
import {
  expectNoDescriptorLeft,
  expectNoneLeft,
  expectNoneMarked,
  listeningSockets,
  makePipe,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG, STREAM_PLUGIN } from './commands.spec.helper.js';

/** What `ulimit -f` counts in. */
const BLOCK = 512;

const GREETING = 'hello from the server\n';

/** One that dials for ever. */
const SILENT_STREAM_PLUGIN = `
export const stream = { name: 'stream', create: () => ({ needsRelay: () => true, dial: () => new Promise(() => {}) }) };
`;

/** How a relay ends, seen by the two programs that it stands between. */
describe('a relay of the commands', () => {
  const sys = loadSys();
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  const { env: mark, marker } = markedEnvironment();
  const env = { ...process.env, ...NO_CONFIG, ...mark };
  const open: number[] = [];
  let server: Server;
  let port: string;
  let accepted: Socket[];
  let openBefore: readonly string[];

  before(() => {
    writeFileSync(join(folder.path, 'plugin.mjs'), STREAM_PLUGIN, { mode: 0o600 });
    writeFileSync(config, 'plugins: ["./plugin.mjs"]\nrules: [{ use: stream }]\n', { mode: 0o600 });
  });
  after(() => folder.remove());
  beforeEach(async () => {
    openBefore = openDescriptors();
    accepted = [];
    // Reads nothing and never closes by itself.
    server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      accepted.push(socket.on('error', () => {}));
      socket.write(GREETING);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = String((server.address() as { port: number }).port);
  });
  afterEach(async () => {
    for (const fd of open.splice(0)) sys.close(fd);
    try {
      await expectNoneMarked(marker);
    } finally {
      for (const socket of accepted) socket.destroy();
      server.close();
    }
    await expectNoDescriptorLeft(openBefore);
  });

  const keep = <T extends readonly number[]>(fds: T): T => {
    open.push(...fds);
    return fds;
  };
  const close = (fd: number): void => sys.close(open.splice(open.indexOf(fd), 1)[0] as number);

  function start(
    args: readonly string[],
    stdin: number,
    stdout: number,
    nodeOptions: readonly string[] = [],
  ): ChildProcess {
    const child = spawn(process.execPath, [...nodeOptions, ...args], { env, stdio: [stdin, stdout, 'ignore'] });
    return child;
  }

  /** What comes over a descriptor: all until its end, or so many bytes. */
  async function read(fd: number, length = Number.POSITIVE_INFINITY): Promise<string> {
    let words = '';
    while (words.length < length) {
      await sys.wait(fd, 'readable');
      const buffer = Buffer.alloc(4096);
      const count = readSync(fd, buffer);
      if (count === 0) break;
      words += buffer.toString('latin1', 0, count);
    }
    return words;
  }

  const commands: Readonly<Record<string, () => readonly string[]>> = {
    fdpass: () => [FDPASS_BIN, '127.0.0.1', port],
    'fdpass through a plugin': () => [FDPASS_BIN, '-c', config, '127.0.0.1', port],
    'fdrecv --stdio': () => [FDRECV_BIN, '--stdio', process.execPath, FDPASS_BIN, '127.0.0.1', port],
  };
  for (const [what, command] of Object.entries(commands)) {
    it(`tells a client that keeps its side open that the server has ended: ${what}`, async () => {
      const [stdin, writer] = keep(makePipe());
      const [reader, stdout] = keep(makePipe());
      const child = start(command(), stdin, stdout);
      const ended = once(child, 'exit');
      const mode = sys.dup(stdout); // as a shell can have it, to see the mode
      close(stdin);
      close(stdout);
      expect(await read(reader, GREETING.length)).to.equal(GREETING);
      sys.close(mode);
      for (const socket of accepted) socket.end();
      expect(await read(reader)).to.equal('');
      expect(child.exitCode).to.equal(null);
      close(writer);
      expect(await ended).to.deep.equal([0, null]);
    });
  }

  for (const [what, command] of Object.entries(commands)) {
    it(`says so if a file takes only a part of what arrives, or nothing: ${what}`, async function () {
      if (process.platform !== 'linux') this.skip();
      const file = join(folder.path, 'almost-full');
      writeFileSync(file, Buffer.alloc(BLOCK - 5));
      const words = command().flatMap((word) =>
        word === FDPASS_BIN && what !== 'fdrecv --stdio' ? [word, '--stdio'] : [word],
      );
      const name = what.split(' ', 1)[0];
      for (const [redirection, reason] of [
        [`>>${file}`, 'the file is too large'],
        ['>/dev/full', 'no space left on the device'],
      ]) {
        const script = `ulimit -f 1; exec "$@" ${redirection}`;
        const { status, stderr } = await run('/bin/sh', ['-c', script, 'sh', process.execPath, ...words], { env });
        expect([status, stderr]).to.deep.equal([70, `${name}: [internal] cannot write the output: ${reason}\n`]);
      }
      expect(readFileSync(file, 'latin1').slice(BLOCK - 5)).to.equal(GREETING.slice(0, 5));
    });
  }

  it('gives a pipe its mode back before it closes it', async () => {
    const [stdin, writer] = keep(makePipe());
    const [reader, stdout] = keep(makePipe());
    const child = start([FDPASS_BIN, '-c', config, '127.0.0.1', port], stdin, stdout);
    const ended = once(child, 'exit');
    expect(await read(reader, GREETING.length)).to.equal(GREETING);
    expect(sys.isNonBlocking(stdout)).to.equal(true); // as Node's streams need it
    for (const socket of accepted) socket.end();
    const pipe = readlinkSync(`/proc/self/fd/${stdout}`);
    await expectNoneLeft(() => openDescriptors(child.pid).filter((entry) => entry.endsWith(pipe)));
    expect(sys.isNonBlocking(stdout)).to.equal(false);
    close(writer);
    await ended;
  });

  it('does not abort when its terminal hangs up', async function () {
    requirePeers(this, 'script');
    const file = join(folder.path, 'status');
    const words = [process.execPath, FDPASS_BIN, '--stdio', '127.0.0.1', port].map((word) => `'${word}'`).join(' ');
    const terminal = spawn('script', ['-qec', `trap : HUP; ${words}; echo $? >'${file}'`, '/dev/null'], {
      env: { ...env, SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const ended = once(terminal, 'exit');
    await once(terminal.stdout, 'data'); // the greeting
    terminal.kill('SIGKILL');
    await ended;
    await expectNoneMarked(marker);
    expect(readFileSync(file, 'utf8')).to.be.oneOf(['0\n', '129\n']); // the end of the terminal, or the signal
  });

  it('opens no inspector', async function () {
    if (process.platform !== 'linux') this.skip();
    const [stdin, writer] = keep(makePipe());
    const [reader, stdout] = keep(makePipe());
    const child = start([FDPASS_BIN, '127.0.0.1', port], stdin, stdout);
    const ended = once(child, 'exit');
    close(stdin);
    close(stdout);
    expect(await read(reader, GREETING.length)).to.equal(GREETING);
    child.kill('SIGUSR1');
    for (let turn = 0; turn < 50; turn++) {
      for (const socket of accepted) socket.write('x'); // time enough for it
      await read(reader, 1);
    }
    expect(listeningSockets(child.pid as number)).to.deep.equal([]);
    for (const socket of accepted) socket.end();
    close(writer);
    expect(await ended).to.deep.equal([0, null]);
  });

  it('ends with a client that gave one socket and hangs up, though the server neither reads nor closes', async () => {
    const [theirs, ours] = keep(sys.socketpair());
    sys.send(ours, Buffer.from('SSH-2.0-libssh\r\n'), 0);
    const child = start([FDPASS_BIN, '127.0.0.1', port], theirs, theirs);
    const ended = once(child, 'exit');
    close(theirs);
    expect(await read(ours, GREETING.length)).to.equal(GREETING);
    close(ours);
    expect(await ended).to.deep.equal([0, null]);
  });

  it('that is detached runs with the options of Node that the command was given', async function () {
    if (process.platform !== 'linux') this.skip();
    const [theirs, ours] = keep(sys.socketpair());
    const args = [FDPASS_BIN, '-c', config, '127.0.0.1', port];
    const child = start(args, theirs, theirs, ['--stack-trace-limit=7', '--no-warnings']);
    const ended = once(child, 'exit');
    close(theirs);
    keep([await recvFd(ours)]);
    expect(await ended).to.deep.equal([0, null]);
    const relays = markedProcesses(marker);
    expect(relays).to.have.length(1);
    const words = readFileSync(`/proc/${Number.parseInt(relays[0] ?? '', 10)}/cmdline`, 'utf8').split('\0');
    expect(words.slice(1, 3)).to.deep.equal(['--stack-trace-limit=7', '--no-warnings']);
  });

  for (const signal of ['SIGKILL', 'SIGTERM', 'SIGHUP'] as const) {
    it(`that is detached and still dials ends with the command: ${signal}`, async () => {
      writeFileSync(join(folder.path, 'silent.mjs'), SILENT_STREAM_PLUGIN, { mode: 0o600 });
      const silent = join(folder.path, 'silent.yaml');
      writeFileSync(silent, 'plugins: ["./silent.mjs"]\nrules: [{ use: stream }]\n', { mode: 0o600 });
      const [theirs] = keep(sys.socketpair());
      const child = start([FDPASS_BIN, '-c', silent, '127.0.0.1', port], theirs, theirs);
      const ended = once(child, 'exit');
      const hasRelay = (): boolean => markedProcesses(marker).some((line) => line.includes('--detached-relay'));
      while (!hasRelay()) await new Promise((resolve) => setTimeout(resolve, 10));
      child.kill(signal);
      await ended;
    });
  }
});
