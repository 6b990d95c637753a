import { once } from 'node:events';
import { connect, createServer, type Server, Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { LazySocket, type SocketDialer } from './index.js';

describe('a lazy socket', () => {
  let server: Server;
  let port: number;
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as { port: number }).port;
  });
  after(() => server.close());

  /** A dialer that is asked what it was asked. */
  function dialer(): SocketDialer & { asked: unknown[]; sockets: Socket[]; wait: Promise<void> } {
    const asked: unknown[] = [];
    const sockets: Socket[] = [];
    return {
      asked,
      sockets,
      wait: Promise.resolve(),
      async dial(target, options) {
        asked.push(target);
        await this.wait;
        options?.signal?.throwIfAborted();
        const socket = connect({ host: target.host, port: Number(target.port) });
        sockets.push(socket);
        await once(socket, 'connect');
        return socket;
      },
    };
  }

  it('dials when it is told to, and not before', async () => {
    const from = dialer();
    const lazy = new LazySocket(from);
    await new Promise(setImmediate);
    expect(from.asked).to.deep.equal([]);
    expect(lazy.connecting).to.equal(false);
    lazy.connect(port, '127.0.0.1');
    expect(lazy.connecting).to.equal(true);
    await once(lazy, 'connect');
    expect(lazy.connecting).to.equal(false);
    expect(from.asked).to.deep.equal([{ host: '127.0.0.1', port }]);
    lazy.destroy();
  });

  it('keeps what is written and set before there is a connection', async () => {
    const from = dialer();
    let open = (): void => {};
    from.wait = new Promise((resolve) => {
      open = resolve;
    });
    const lazy = new LazySocket(from).setNoDelay().setKeepAlive(true, 1000).unref().ref().connect(port, '127.0.0.1');
    lazy.write('early ');
    lazy.end('words');
    open();
    expect(await text(lazy)).to.equal('early words');
  });

  it('carries much, slowly read', async () => {
    const lazy = new LazySocket(dialer()).connect(port, '127.0.0.1');
    const sent = Buffer.alloc(3_000_000, 'carried ');
    lazy.end(sent);
    const chunks: Buffer[] = [];
    for await (const chunk of lazy) {
      chunks.push(chunk);
      await new Promise(setImmediate);
    }
    expect(Buffer.concat(chunks).equals(sent)).to.equal(true);
  });

  it('keeps what came for who reads when the connection is long closed', async () => {
    const from = dialer();
    const lazy = new LazySocket(from).connect(port, '127.0.0.1');
    lazy.end('last words');
    await once(lazy, 'connect');
    await once(from.sockets[0] as Socket, 'close');
    expect(await text(lazy)).to.equal('last words');
  });

  it('says why it could not connect', async () => {
    const failing: SocketDialer = { dial: () => Promise.reject(new Error('no way')) };
    const [error] = await once(new LazySocket(failing).connect(port), 'error');
    expect((error as Error).message).to.equal('no way');
  });

  it('destroyed while it dials, aborts the dial and leaves nothing', async () => {
    const from = dialer();
    let open = (): void => {};
    from.wait = new Promise((resolve) => {
      open = resolve;
    });
    const lazy = new LazySocket(from).connect(port, '127.0.0.1');
    lazy.destroy();
    open();
    await once(lazy, 'close');
    expect(from.sockets).to.deep.equal([]);
  });

  it('destroyed, or its socket destroyed, both are', async () => {
    const from = dialer();
    const one = new LazySocket(from).connect(port, '127.0.0.1');
    await once(one, 'connect');
    one.destroy();
    expect(from.sockets[0]?.destroyed).to.equal(true);
    const other = new LazySocket(from).connect(port, '127.0.0.1');
    await once(other, 'connect');
    from.sockets[1]?.destroy();
    await once(other, 'close');
    expect(other.destroyed).to.equal(true);
  });

  it('destroys a socket that comes too late', async () => {
    const socket = new Socket();
    let give = (_: Socket): void => {};
    const late: SocketDialer = {
      dial: () =>
        new Promise((resolve) => {
          give = resolve;
        }),
    };
    const lazy = new LazySocket(late).connect(port);
    lazy.destroy();
    give(socket);
    await new Promise(setImmediate);
    expect(socket.destroyed).to.equal(true);
  });
});
