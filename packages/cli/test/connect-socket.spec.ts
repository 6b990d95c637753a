import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Strategy } from '@fdpass/core';
import { type ConnectLike, expectNoDescriptorLeft, openDescriptors, SOCKET_SCENARIOS } from '@fdpass/test-lab';
import { expect } from 'chai';
import { type ConnectionDialer, createDialer, type FdpassError } from '../dist/index.js';

const HOST = '127.0.0.1';

/** A strategy whose streams are not sockets. */
const library: Strategy = {
  name: 'library',
  firstOnly: true,
  create: (_, host) => ({
    async dial({ port }, context) {
      const socket = (await host.open({ family: 4, host: HOST, port }, {}, context)).toStream();
      return Duplex.from({ readable: socket.pipe(new PassThrough()), writable: socket });
    },
  }),
};

describe('a socket that a dialer connects', () => {
  let server: Server;
  let port: number;
  let openBefore: readonly string[];
  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
    await once(server.listen(0, HOST), 'listening');
    port = (server.address() as AddressInfo).port;
  });
  beforeEach(() => {
    openBefore = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(openBefore));
  after(() => server.close());

  const through = ({ connect: lateConnect }: ConnectionDialer): ConnectLike => lateConnect;

  for (const [name, scenario] of Object.entries(SOCKET_SCENARIOS)) {
    it(`is seen to do what one of net.connect does: ${name}`, async () => {
      const expected = await scenario(connect, port);
      const actual = await scenario(through(createDialer({ use: 'direct' })), port);
      expect(actual).to.deep.equal(expected);
    });
  }

  it('carries a stream that is not a socket, to the last byte', async () => {
    const dialer = createDialer({ use: 'library', plugins: [library] });
    const socket = through(dialer)({ host: HOST, port });
    socket.end('x'.repeat(1_000_000));
    expect(await text(socket)).to.have.length(1_000_000);
  });

  it('delivers what was written before it was destroyed, through a stream that is not a socket', async () => {
    const sink = createServer().listen(0, HOST);
    await once(sink, 'listening');
    const dialer = createDialer({ use: 'library', plugins: [library] });
    const socket = through(dialer)({ host: HOST, port: (sink.address() as AddressInfo).port });
    socket.write('last words', () => socket.destroy());
    const [theirs] = (await once(sink, 'connection')) as [Socket];
    expect(await text(theirs)).to.equal('last words');
    sink.close();
  });

  it('closes what was dialled for one that is destroyed meanwhile', async () => {
    let dialled: (() => void) | undefined;
    const slow: Strategy = {
      name: 'slow',
      firstOnly: true,
      create: (_, host) => ({
        async dial(target, context) {
          const connection = await host.open({ family: 4, host: HOST, port: target.port }, {}, context);
          dialled?.();
          return connection;
        },
      }),
    };
    const dialer = createDialer({ use: 'slow', plugins: [slow] });
    const socket = through(dialer)({ host: HOST, port });
    await new Promise<void>((resolve) => {
      dialled = resolve;
    });
    socket.destroy();
    await once(socket, 'close');
    await dialer.close();
  });

  it('closes what was dialled though the program has removed all listeners before', async () => {
    const dialer = createDialer({ use: 'direct' });
    for (let turns = 0; turns < 5; turns++) {
      const socket = through(dialer)({ host: HOST, port });
      for (let turn = 0; turn < turns; turn++) await nextTurn();
      socket.removeAllListeners().destroy();
    }
    await dialer.close();
  });

  it('ends the dial though the program has removed all listeners before', async () => {
    const ended = new Promise((resolve) => {
      const silent: Strategy = {
        name: 'silent',
        firstOnly: true,
        create: () => ({
          dial: (_, { signal }) =>
            new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => resolve(reject(signal.reason)));
              socket.removeAllListeners().destroy();
            }),
        }),
      };
      const socket = through(createDialer({ use: 'silent', plugins: [silent] }))({ host: HOST, port });
    });
    await ended;
  });

  it('tells of where it is connected to, and why it is not', async () => {
    const dialer = createDialer({ use: { strategy: 'direct', host: HOST } });
    const socket = through(dialer)({ host: 'name.example', port });
    expect(await once(socket, 'lookup')).to.deep.equal([null, HOST, 4, 'name.example']);
    await once(socket, 'connect');
    expect([socket.remoteAddress, socket.remotePort]).to.deep.equal([HOST, port]);
    socket.destroy();
    await dialer.close();
    const [error] = (await once(through(dialer)({ host: HOST, port }), 'error')) as [FdpassError];
    expect(error).to.include({ code: 'usage', message: 'the dialer was closed' });
  });

  it('runs the listeners of a program as Node does: what they throw is an uncaught exception', async () => {
    const mochas = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    try {
      const socket = through(createDialer({ use: 'direct' }))({ host: HOST, port });
      socket.once('connect', () => {
        throw new Error('thrown by a listener');
      });
      const [error, origin] = await once(process, 'uncaughtException');
      expect([String(error), origin]).to.deep.equal(['Error: thrown by a listener', 'uncaughtException']);
      socket.destroy();
    } finally {
      for (const listener of mochas) process.on('uncaughtException', listener);
    }
  });
});
