import { type EventEmitter, once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { createConnection, type LazySocket, type SocketDialer } from './index.js';

type Like = Socket | LazySocket;
type Connect = (target: { port: number; host: string; [option: string]: unknown }, connected?: () => void) => Like;

const EVENTS = ['connect', 'ready', 'data', 'end', 'finish', 'timeout', 'error', 'close'];

/** What a program sees of a socket, from its making until it is closed. */
async function observe(socket: Like, use: (socket: Like) => unknown = () => {}): Promise<unknown[]> {
  const seen: unknown[] = [look(socket)];
  const emitter: EventEmitter = socket;
  for (const event of EVENTS) {
    emitter.on(event, (...given: unknown[]) => seen.push([event, ...given.map(plain), look(socket)]));
  }
  const closed = new Promise((resolve) => emitter.once('close', resolve));
  await use(socket);
  await closed;
  seen.push(look(socket));
  return seen;
}

function plain(value: unknown): unknown {
  return value instanceof Error ? 'an error' : Buffer.isBuffer(value) ? String(value) : value;
}

function look(socket: Like): object {
  const { connecting, pending, readyState, destroyed, timeout, remoteAddress, remoteFamily, remotePort } = socket;
  const { localAddress, localFamily, localPort, bytesRead, bytesWritten } = socket;
  return {
    ...{ connecting, pending, readyState, destroyed, timeout, bytesRead, bytesWritten },
    remote: [remoteAddress, remoteFamily, remotePort],
    local: [localAddress, localFamily, typeof localPort],
    address: Object.keys(socket.address()),
  };
}

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
  const echoed = (socket: Like): Promise<unknown> => once(socket, 'data');

  const scenarios: Readonly<Record<string, (connect: Connect) => Promise<unknown[]>>> = {
    'written to and ended before it is connected': (to) => observe(to({ host, port }), (socket) => socket.end('early')),
    'written to when it is connected, then ended': (to) =>
      observe(to({ host, port }), async (socket) => {
        await once(socket, 'connect');
        socket.write('words');
        await echoed(socket);
        socket.end();
      }),
    'destroyed before it is connected': (to) => observe(to({ host, port }), (socket) => socket.destroy()),
    'destroyed with an error when it is connected': (to) =>
      observe(to({ host, port }), async (socket) => {
        await once(socket, 'ready');
        socket.destroy(new Error('enough'));
      }),
    'destroyed when what was written is away': (to) =>
      observe(to({ host, port }), (socket) => {
        socket.write('last');
        socket.destroySoon();
      }),
    'refused, with words that wait': (to) => observe(to({ host, port: 1 }), (socket) => void socket.write('lost')),
    'aborted before it is connected': (to) => {
      const giveUp = new AbortController();
      return observe(to({ host, port, signal: giveUp.signal }), () => giveUp.abort());
    },
    'aborted when it is connected': (to) => {
      const giveUp = new AbortController();
      return observe(to({ host, port, signal: giveUp.signal }), async (socket) => {
        await once(socket, 'connect');
        giveUp.abort();
      });
    },
    'idle until it is destroyed for that': (to) =>
      observe(to({ host, port, timeout: 5_000 }), async (socket) => {
        await once(socket, 'connect');
        socket.setTimeout(1, () => socket.destroy());
      }),
    'told of no time limit': (to) => {
      const never = (): void => expect.fail('no time has passed');
      return observe(to({ host, port }), (socket) => socket.setTimeout(1, never).setTimeout(0, never).end('calm'));
    },
    'reset when it is connected': (to) =>
      observe(to({ host, port }), async (socket) => {
        await once(socket, 'connect');
        socket.resetAndDestroy();
      }),
    'given options before it is connected': (to) =>
      observe(to({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1_000 }), (socket) =>
        socket.setNoDelay().setKeepAlive(true, 1_000).unref().ref().end('set'),
      ),
    'given a listener': async (to) => {
      const heard: string[] = [];
      const seen = await observe(
        to({ host, port }, () => heard.push('connected')),
        (socket) => socket.end(),
      );
      return [heard, ...seen];
    },
  };

  for (const [name, scenario] of Object.entries(scenarios)) {
    it(`is seen to do what a socket of net.connect does: ${name}`, async () => {
      const expected = await scenario(connect as unknown as Connect);
      const actual = await scenario(createConnection(dialer) as unknown as Connect);
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
