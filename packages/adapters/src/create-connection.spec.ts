import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { type ConnectLike, SOCKET_SCENARIOS } from '@fdpass/test-lab';
import { expect } from 'chai';
import { createConnection, type LazySocket, type SocketDialer } from './index.js';

describe('createConnection of a dialer', () => {
  let server: Server;
  let port: number;
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as AddressInfo).port;
  });
  after(() => server.close());

  const dialer: SocketDialer = {
    async dial({ host, port }, { signal } = {}) {
      const socket = connect({ host, port: Number(port), ...(signal && { signal }) });
      await once(socket, 'connect');
      return socket;
    },
  };
  const host = '127.0.0.1';
  for (const [name, scenario] of Object.entries(SOCKET_SCENARIOS)) {
    it(`is seen to do what a socket of net.connect does: ${name}`, async () => {
      const expected = await scenario(connect, port);
      const actual = await scenario(createConnection(dialer) as unknown as ConnectLike, port);
      expect(actual).to.deep.equal(expected);
    });
  }

  it('counts once what is written, wherever it waits', async () => {
    const socket = createConnection(dialer)(port, host);
    const sent = Buffer.alloc(1_000_000);
    const counts: number[] = [];
    for (const step of ['before', 'connect', 'after']) {
      if (step === 'connect') await once(socket, 'connect');
      socket.write(sent, () => counts.push(socket.bytesWritten));
      counts.push(socket.bytesWritten);
    }
    socket.resume().end();
    await once(socket, 'close');
    expect(counts).to.deep.equal([1, 2, 3, 3, 3, 3].map((times) => times * sent.length));
  });

  const forms: Readonly<Record<string, Parameters<ReturnType<typeof createConnection>>>> = {
    'port and host': [1, 'name.example'],
    'port, host and listener': [1, 'name.example', () => {}],
    'an object': [{ port: 1, host: 'name.example' }],
    'an object and a listener': [{ port: '1', host: 'name.example' }, () => {}],
    'a port': [1],
    'a port and a listener': [1, () => {}],
  };

  for (const [name, form] of Object.entries(forms)) {
    it(`is called with ${name}`, async () => {
      const asked: string[] = [];
      const socket = createConnection({
        dial: ({ host, port }) => {
          asked.push(`${host}:${port}`);
          return Promise.reject(new Error('asked'));
        },
      })(...form);
      await once(socket, 'error');
      expect(asked).to.deep.equal([/object|host/.test(name) ? 'name.example:1' : 'localhost:1']);
    });
  }

  it('refuses what has no port, and a path beside one', () => {
    const open = createConnection(dialer) as (target: object) => LazySocket;
    for (const target of [{}, { path: '/run/some.sock' }, { path: '/run/some.sock', port }]) {
      expect(() => open(target)).to.throw(TypeError, /no port/);
    }
  });

  it('passes on the error of the dial, unchanged', async () => {
    const reason = new Error('no way');
    const [error] = await once(createConnection({ dial: () => Promise.reject(reason) })(port), 'error');
    expect(error).to.equal(reason);
  });

  it('carries what is written before and after the connection, in order', async () => {
    const socket = createConnection(dialer)(port, host);
    socket.write('one ');
    await once(socket, 'connect');
    socket.end('two');
    expect(await text(socket)).to.equal('one two');
  });
});
