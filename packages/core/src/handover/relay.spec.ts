import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { type Duplex, PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { DescriptorConnection } from '../connection/descriptor.js';
import { StreamConnection } from '../connection/stream.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { caught } from '../ground/rejection.spec.helper.js';
import { systemError } from '../sys/fake-sys.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import type { Splicing, Sys } from '../sys/sys.js';
import { openPipes, relayBetween } from './between.js';
import { prepareDescriptorRelay } from './descriptor-relay.js';
import { type RelayOptions, type RelaySide, relay } from './relay.js';

/** Two connected TCP sockets that may be half-closed. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  return [client, accepted];
}

function side(stream: Duplex): RelaySide {
  return { readable: stream, writable: stream };
}

/** A relay between two sockets, under way. */
interface Running {
  readonly done: Promise<unknown>;
  /** Whether both of its sockets are closed. */
  isClosed(): boolean;
  /** How many bytes it holds. */
  piledUp(): number;
}

type Start = (near: Socket, far: Socket, options: RelayOptions) => Running;

const sys = loadSys();

const overStreams: Start = (near, far, options) => ({
  done: relay(side(near), side(far), options),
  isClosed: () => near.destroyed && far.destroyed,
  piledUp: () => Math.max(near.writableLength, far.writableLength),
});

/** @param refuses Whether splice(2) refuses to read from a socket, or to write to it. */
function overDescriptors(refuses?: 'source' | 'sink'): Start {
  return (near, far, options) => {
    const [input, other] = [near, far].map(takeDescriptor) as [number, number];
    const calls = refuses === undefined ? sys : refusing(refuses, [input, other]);
    const done = prepareDescriptorRelay({ input, output: input, as: 'relay' }, other, calls)?.run(options);
    let isOver = false;
    const over = (): void => {
      sys.close(other);
      isOver = true;
    };
    return {
      done: (done ?? Promise.reject(new Error('refused'))).finally(over),
      isClosed: () => isOver,
      piledUp: () => 0,
    };
  };
}

/** @param wrap What the client's side is. */
function overConnections(wrap: (near: Socket) => Connection): Start {
  return (near, far, { signal }) => {
    const pipes = openPipes();
    let isOver = false;
    const over = (): void => {
      pipes?.close();
      isOver = true;
    };
    const done = relayBetween(wrap(near), wrapDescriptor(far), { pipes, signal }).finally(over);
    return { done, isClosed: () => isOver, piledUp: () => 0 };
  };
}

function wrapDescriptor(socket: Socket): Connection {
  const fd = takeDescriptor(socket);
  sys.setNonBlocking(fd, true);
  return new DescriptorConnection(fd, sys);
}

/** The descriptor of a socket, which is destroyed; the connection stays. */
function takeDescriptor(socket: Socket): number {
  const { fd } = (socket as unknown as { _handle: { fd: number } })._handle;
  const own = sys.dup(fd);
  socket.destroy();
  return own;
}

function refusing(role: 'source' | 'sink', sockets: readonly number[]): Sys {
  const splicing = sys.splicing as Splicing;
  const splice: Splicing['splice'] = (from, to, length) => {
    if (sockets.includes(role === 'source' ? from : to)) throw systemError('EINVAL');
    return splicing.splice(from, to, length);
  };
  return { ...sys, splicing: { ...splicing, splice } };
}

const kinds: Readonly<Record<string, Start>> = {
  streams: overStreams,
  connections: overConnections(wrapDescriptor),
  'connections, of which one is a stream': overConnections((near) => new StreamConnection(near)),
  ...(sys.splicing && {
    descriptors: overDescriptors(),
    'descriptors that cannot be spliced from': overDescriptors('source'),
    'descriptors that cannot be spliced to': overDescriptors('sink'),
  }),
};

/** user <-> near | relay | far <-> server */
interface Bench extends Running {
  readonly user: Socket;
  readonly server: Socket;
}

/** Longer than a server may take nothing. */
const STALL_MS = 300;

/** Takes chunks at once or, if it is slow, one for each call of `next`. */
class Sink extends Writable {
  readonly taken: Buffer[] = [];
  readonly #isSlow: boolean;
  #next = (): void => {};

  constructor({ isSlow = false } = {}) {
    super();
    this.#isSlow = isSlow;
  }

  next(): void {
    this.#next();
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.taken.push(chunk);
    if (this.#isSlow) this.#next = done;
    else done();
  }
}

describe('relay', () => {
  const opened: Socket[] = [];
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.on('error', () => {}).destroy();
  });
  expectDescriptorsBack();

  for (const [kind, begin] of Object.entries(kinds)) {
    describe(`of ${kind}`, () => {
      async function start(signal?: AbortSignal): Promise<Bench> {
        const [user, near] = await socketPair();
        const [far, server] = await socketPair();
        server.resume();
        opened.push(user, near, far, server);
        const running = begin(near, far, { signal });
        return { user, server, ...running, done: running.done.catch((error: unknown) => error) };
      }

      it('copies both ways and counts the bytes', async () => {
        const { user, server, done } = await start();
        server.once('data', (chunk) => server.end(`<${chunk}>`));
        user.end('ping');
        expect(String(await buffer(user))).to.equal('<ping>');
        expect(await done).to.deep.equal({ sent: 4, received: 6 });
      });

      it('passes a half-close on and keeps the other direction open, from either side', async () => {
        for (const turn of ['user', 'server'] as const) {
          const { user, server, done } = await start();
          const [first, second] = turn === 'user' ? [user, server] : [server, user];
          const heard = buffer(first);
          const ended = once(second.resume(), 'end');
          first.end('bye');
          await ended;
          second.end('still here');
          expect(String(await heard)).to.equal('still here');
          await done;
        }
      });

      it('is over and holds nothing open when either side is reset', async () => {
        for (const turn of ['user', 'server'] as const) {
          const { user, server, done, isClosed } = await start();
          const [dead, other] = turn === 'user' ? [user, server] : [server, user];
          other.on('error', () => {}).resume();
          dead.resetAndDestroy();
          expect(await done).to.deep.equal({ sent: 0, received: 0 });
          expect(isClosed()).to.equal(true);
        }
      });

      it('delivers every byte of a large transfer through a slow reader, without piling it up', async () => {
        const total = 8 * 1024 * 1024;
        const { user, server, done, piledUp } = await start();
        user.end();
        let sent = 0;
        const chunk = Buffer.alloc(64 * 1024, 7);
        const feed = (): void => {
          while (sent < total) {
            sent += chunk.length;
            if (!server.write(chunk)) return void server.once('drain', feed);
          }
          server.end();
        };
        feed();
        let received = 0;
        let worst = 0;
        for await (const part of user) {
          received += (part as Buffer).length;
          worst = Math.max(worst, piledUp());
          await new Promise(setImmediate);
        }
        await done;
        expect(received).to.equal(total);
        expect(worst).to.be.lessThan(1024 * 1024);
      });

      it('ends at once with the reason of its signal', async () => {
        const controller = new AbortController();
        const { done, isClosed } = await start(controller.signal);
        const reason = new Error('enough');
        controller.abort(reason);
        expect(await done).to.equal(reason);
        expect(isClosed()).to.equal(true);
      });

      it('does not wait for what ended before it began, on either side', async () => {
        for (const early of ['user', 'server'] as const) {
          const [user, near] = await socketPair();
          const [far, server] = await socketPair();
          opened.push(user, near, far, server);
          const [source, first, second] = early === 'user' ? [near, user, server] : [far, server, user];
          first.end();
          await once(source.resume(), 'end');
          const { done } = begin(near, far, {});
          await once(second.resume(), 'end');
          first.resume();
          second.end();
          await done;
        }
      });
    });
  }

  for (const [how, pipes] of [
    ['by descriptors', openPipes()],
    ['by streams', undefined],
  ] as const) {
    it(`between connections ${how} is over when a client that has ended its side goes, though the server does nothing`, async () => {
      const [theirs, near] = sys.socketpair();
      const [far, server] = sys.socketpair();
      for (const fd of [near, far]) sys.setNonBlocking(fd, true);
      const clock = new HandClock();
      const [client, target] = [new DescriptorConnection(near, sys), new DescriptorConnection(far, sys)];
      const done = relayBetween(client, target, { clock, pipes });
      sys.shutdown(theirs, 1);
      await sys.wait(server, 'readable'); // the end has been passed on
      for (let turn = 0; turn < 1000 && clock.pending === 0; turn++) await new Promise(setImmediate);
      sys.close(theirs);
      clock.advance(200);
      await done;
      expect(clock.pending).to.equal(0);
      sys.close(server);
      pipes?.close();
    });
  }

  it('ends with the far side if near is a terminal', async () => {
    const [far, server] = await socketPair();
    opened.push(far, server);
    const terminal = Object.assign(new PassThrough(), { isTTY: true });
    const screen = new PassThrough();
    const done = relay({ readable: terminal, writable: screen }, side(far));
    server.end('bye');
    expect(String(await buffer(screen))).to.equal('bye');
    await done;
    expect(far.destroyed).to.equal(true);
  });

  it('ends when nobody takes what arrives', async () => {
    const [far, server] = await socketPair();
    opened.push(far, server);
    const broken = new Writable({ write: (_, __, done) => done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' })) });
    server.write('hello');
    await relay({ readable: new PassThrough(), writable: broken }, side(far));
    expect(far.destroyed).to.equal(true);
  });

  describe("with a file on the user's side", () => {
    const fails =
      (name: string) =>
      (...args: unknown[]): void =>
        (args.at(-1) as (error: Error) => void)(systemError(name));
    const close = (_: number, done: () => void): void => done();
    const quiet = (): Duplex => new PassThrough();

    for (const [name, reason] of [
      ['ENOSPC', 'no space left on the device'],
      ['EFBIG', 'the file is too large'],
      ['EIO', 'input/output error'], // no hang-up, as it would be of a terminal
    ] as const) {
      it(`says why what arrives cannot be written: ${name}`, async () => {
        const file = createWriteStream('', { fd: 1, fs: { write: fails(name), close } });
        const [far, server] = await socketPair();
        opened.push(far, server);
        server.end('hello');
        const failed = await caught(relay({ readable: quiet(), writable: file }, side(far)));
        expect(failed).to.include({ code: 'internal', message: `cannot write the output: ${reason}` });
        expect(far.destroyed).to.equal(true);
      });
    }

    it('says why the last of it cannot be written, after it has ended', async () => {
      const write = (...args: unknown[]): unknown => setImmediate(() => fails('ENOSPC')(...args));
      const file = createWriteStream('', { fd: 1, fs: { write, close } });
      const far = new PassThrough();
      const done = caught(relay({ readable: quiet(), writable: file }, side(far)));
      far.end('hello');
      expect(await done).to.include({ code: 'internal' });
    });

    it('says why it cannot be read', async () => {
      const file = createReadStream('', { fd: 0, fs: { read: fails('EIO'), close } });
      const failed = await caught(relay({ readable: file, writable: quiet() }, side(quiet())));
      expect(failed).to.include({ code: 'internal', message: 'cannot read the input: input/output error' });
    });
  });

  it('does not wait for what was destroyed, or had failed, before it began', async () => {
    const reset = Object.assign(new Error('x'), { code: 'ECONNRESET' });
    for (const error of [undefined, reset]) {
      for (const early of ['near', 'far'] as const) {
        const [near, far] = [new PassThrough(), new PassThrough()];
        for (const stream of [near, far]) stream.on('error', () => {});
        const dead = early === 'near' ? near : far;
        await new Promise((resolve) => dead.once('close', resolve).destroy(error));
        await relay(side(near), side(far));
        expect([near.destroyed, far.destroyed]).to.deep.equal([true, true]);
      }
    }
  });

  it('ends if nobody could take what arrives before it began', async () => {
    const closed = new PassThrough();
    await new Promise((resolve) => closed.once('close', resolve).destroy());
    const far = new Sink();
    await relay({ readable: new PassThrough(), writable: closed }, { readable: new PassThrough(), writable: far });
    expect(far.destroyed).to.equal(true);
  });

  it('says why if a side broke before it began', async () => {
    const far = new PassThrough().on('error', () => {});
    const error = Object.assign(new Error('x'), { code: 'EHOSTUNREACH' });
    await new Promise((resolve) => far.once('close', resolve).destroy(error));
    const failed = await caught(relay(side(new PassThrough()), side(far)));
    expect(failed).to.have.property('message', 'the connection broke: no route to host');
  });

  describe('when the user has gone', () => {
    it('is over at once if everything is delivered, though the server stays open', async () => {
      const gone = new AbortController();
      const [near, far] = [new PassThrough(), new Sink()];
      const done = relay(side(near), { readable: new PassThrough(), writable: far }, { gone: gone.signal });
      near.end('last words');
      gone.abort();
      await done;
      expect(String(Buffer.concat(far.taken))).to.equal('last words');
    });

    it('goes on as long as the server takes what the user had written, and gives it up then', async () => {
      const clock = new HandClock();
      const gone = new AbortController();
      const [near, far] = [new PassThrough(), new Sink({ isSlow: true })];
      let isOver = false;
      const done = relay(side(near), { readable: new PassThrough(), writable: far }, { gone: gone.signal, clock });
      void done.then(() => {
        isOver = true;
      });
      for (let word = 0; word < 5; word++) near.write(`${word}`);
      gone.abort();
      for (let word = 0; word < 3; word++) {
        far.next();
        await new Promise(setImmediate);
        clock.advance(STALL_MS);
        await new Promise(setImmediate);
        expect(isOver).to.equal(false);
      }
      clock.advance(STALL_MS);
      await done;
      expect([String(Buffer.concat(far.taken)), far.destroyed, clock.pending]).to.deep.equal(['0123', true, 0]);
    });
  });

  it('says why if a side breaks in the middle', async () => {
    const far = new PassThrough();
    const done = relay(side(new PassThrough()), side(far)).catch((error: unknown) => error);
    far.destroy(Object.assign(new Error('x'), { code: 'EHOSTUNREACH' }));
    expect(await done).to.have.property('message', 'the connection broke: no route to host');
  });
});
