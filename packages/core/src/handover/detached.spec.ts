import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expectNoDescriptorLeft, expectNoneLeft, listeningSockets, openSocketsAndPipes } from '@fdpass/test-lab';
import { expect } from 'chai';
import { nextBytes } from '../connection/socket-pair.spec.helper.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { dialDetached } from './detached.js';

const WHERE = { file: '/f.yaml', line: 1, column: 2 };
const ATTEMPTS = [{ address: 'a', reason: 'b' }];
const ROUTES = [{ label: 'corp', message: 'no', hint: 'try', attempts: ATTEMPTS, routes: [] }];
const DETAILS = { hint: 'ask', hop: 'proxy', where: WHERE, attempts: ATTEMPTS, routes: ROUTES };

/** The relay process of the tests: dials the port it is told, or does what it is told instead. */
const PROGRAM = `
const { runDetached } = await import(${JSON.stringify(new URL('detached.js', import.meta.url).href)});
const { FdpassError } = await import(${JSON.stringify(new URL('../ground/errors.js', import.meta.url).href)});
const { openConnection } = await import(${JSON.stringify(new URL('../connection/open.js', import.meta.url).href)});
await runDetached(async ({ port, fail, crash, hang }, signal) => {
  if (crash) process.exit(3);
  if (fail) throw new FdpassError('permission', 'not for you', ${JSON.stringify(DETAILS)});
  if (hang) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  return openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal });
});`;

const COMMAND = [process.execPath, '--input-type=module', '--eval', PROGRAM] as const;

/** Our relay processes that are there now: parent, process id and arguments. */
function relays(): string[] {
  const all = execFileSync('ps', ['-eo', 'ppid:1,pid:1,args'], { encoding: 'utf8' });
  const isOurs = (line: string): boolean => Number.parseInt(line, 10) === process.pid;
  return all.split('\n').filter((line) => isOurs(line) && line.includes('await runDetached(async'));
}

describe('the detached relay', () => {
  let server: Server;
  let port: number;
  const accepted = new Set<Socket>();
  let openBefore: readonly string[];
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      accepted.add(socket);
      socket.once('close', () => accepted.delete(socket));
      socket.on('error', () => {}).write('hello ');
      socket.pipe(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as { port: number }).port;
  });
  after(() => server.close());
  beforeEach(() => {
    openBefore = openSocketsAndPipes();
  });
  afterEach(async () => {
    await expectNoneLeft(relays);
    await expectNoDescriptorLeft(openBefore);
  });

  it('carries a connection, and ends with it', async () => {
    const connection = await dialDetached({ command: COMMAND, request: { port } });
    expect(connection.descriptor).to.be.a('number');
    expect(relays()).to.have.length(1);
    const socket = connection.toStream();
    socket.end('and goodbye');
    expect(await text(socket)).to.equal('hello and goodbye');
    socket.destroy();
  });

  it('ends when the far side does, and when ours does', async () => {
    const one = (await dialDetached({ command: COMMAND, request: { port } })).toStream();
    const closed = once(one.resume(), 'end');
    for (const socket of accepted) socket.destroy();
    await closed;
    one.destroy();
    const other = await dialDetached({ command: COMMAND, request: { port } });
    other.destroy();
  });

  it('has a session and a folder of its own, and no inspector', async function () {
    if (process.platform !== 'linux') this.skip();
    const connection = await dialDetached({ command: COMMAND, request: { port } });
    const pid = Number(relays()[0]?.split(/ +/)[1]);
    const session = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ')[3];
    expect([Number(session), readlinkSync(`/proc/${pid}/cwd`)]).to.deep.equal([pid, '/']);
    const socket = connection.toStream();
    await nextBytes(socket, 'hello '.length);
    process.kill(pid, 'SIGUSR1');
    for (let turn = 0; turn < 50; turn++) {
      socket.write('x'); // time enough for an inspector to start
      await nextBytes(socket, 1);
    }
    expect(listeningSockets(pid)).to.deep.equal([]);
    socket.destroy();
  });

  it('outlives a half-close of ours, and ends when we hang up, though the far side never reads nor closes', async () => {
    const deaf = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    await once(deaf.listen(0, '127.0.0.1'), 'listening');
    const connected = once(deaf, 'connection');
    const { port: deafPort } = deaf.address() as { port: number };
    const socket = (await dialDetached({ command: COMMAND, request: { port: deafPort } })).toStream();
    const [far] = (await connected) as [Socket];
    socket.end(Buffer.alloc(16 << 20));
    far.write('only a half-close');
    expect(await nextBytes(socket, 'only a half-close'.length)).to.equal('only a half-close');
    expect(relays()).to.have.length(1);
    socket.destroy();
    await expectNoneLeft(relays);
    far.destroy();
    deaf.close();
  });

  it('sends the whole error home', async () => {
    const error = await dialDetached({ command: COMMAND, request: { fail: true } }).catch((reason: unknown) => reason);
    if (!isFdpassError(error)) throw error;
    const { code, message, hint, hop, where, attempts, routes } = error;
    expect([code, message]).to.deep.equal(['permission', '/f.yaml:1:2: not for you']);
    expect({ hint, hop, where, attempts, routes }).to.deep.equal(DETAILS);
  });

  it('that ends without a word, or cannot be started, is an error', async () => {
    const crash = await dialDetached({ command: COMMAND, request: { crash: true } }).catch((reason: unknown) => reason);
    expect(crash).to.have.property('message', 'the relay process ended before it connected');
    const missing = await dialDetached({ command: ['/nonexistent/program'], request: {} }).catch((reason) => reason);
    expect(missing)
      .to.have.property('message')
      .that.matches(/cannot start the relay process: .*ENOENT/);
  });

  it('is ended by an abort while it dials, with the reason', async () => {
    const controller = new AbortController();
    const reason = new FdpassError('timeout', 'timed out');
    const dialling = dialDetached({ command: COMMAND, request: { hang: true }, signal: controller.signal });
    while (relays().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    controller.abort(reason);
    expect(await dialling.catch((error: unknown) => error)).to.equal(reason);
    const early = dialDetached({ command: COMMAND, request: { port }, signal: AbortSignal.abort(reason) });
    expect(await early.catch((error: unknown) => error)).to.equal(reason);
  });
});
