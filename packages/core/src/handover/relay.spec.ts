import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type Duplex, PassThrough, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { type RelaySide, relay } from './relay.js';

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

interface Bench {
  readonly user: Socket;
  readonly server: Socket;
  readonly inner: readonly Socket[];
  readonly done: Promise<unknown>;
}

/** user <-> near | relay | far <-> server */
async function bench(signal?: AbortSignal): Promise<Bench> {
  const [user, near] = await socketPair();
  const [far, server] = await socketPair();
  server.resume();
  const done = relay(side(near), side(far), signal).catch((error: unknown) => error);
  return { user, server, inner: [near, far], done };
}

describe('relay', () => {
  const opened: Socket[] = [];
  async function start(signal?: AbortSignal): Promise<Bench> {
    const parts = await bench(signal);
    opened.push(parts.user, parts.server, ...parts.inner);
    return parts;
  }
  afterEach(() => {
    for (const socket of opened.splice(0)) socket.on('error', () => {}).destroy();
  });

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
      const { user, server, inner, done } = await start();
      const [dead, other] = turn === 'user' ? [user, server] : [server, user];
      other
        .on('error', () => {})
        .resume()
        .once('end', () => other.end());
      dead.resetAndDestroy();
      await done;
      expect(inner.map((socket) => socket.destroyed)).to.deep.equal([true, true]);
    }
  });

  it('delivers every byte of a large transfer through a slow reader, without piling it up', async () => {
    const total = 8 * 1024 * 1024;
    const { user, server, inner, done } = await start();
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
      worst = Math.max(worst, ...inner.map((socket) => socket.writableLength));
      await new Promise(setImmediate);
    }
    await done;
    expect(received).to.equal(total);
    expect(worst).to.be.lessThan(1024 * 1024);
  });

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

  it('ends at once with the reason of its signal', async () => {
    const controller = new AbortController();
    const { inner, done } = await start(controller.signal);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await done).to.equal(reason);
    expect(inner.map((socket) => socket.destroyed)).to.deep.equal([true, true]);
  });

  it('says why if a side breaks in the middle', async () => {
    const far = new PassThrough();
    const done = relay(side(new PassThrough()), side(far)).catch((error: unknown) => error);
    far.destroy(Object.assign(new Error('x'), { code: 'EHOSTUNREACH' }));
    expect(await done).to.have.property('message', 'the connection broke: no route to host');
  });
});
