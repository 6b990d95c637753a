import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import * as v from 'valibot';
import { isFdpassError } from '../ground/errors.js';
import { caught } from '../ground/rejection.spec.helper.js';
import { socketOptionsSchema } from '../options/socket.js';
import { describeFd } from '../sys/descriptors.js';
import { fakeSys } from '../sys/fake-sys.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import type { Connection } from './connection.js';
import { openConnection } from './open.js';
import type { SocketOptions } from './socket-options.js';

const fdOf = ({ descriptor = -1 }: Connection): number => descriptor;
const isLinux = process.platform === 'linux';
const isRoot = process.getuid?.() === 0;

async function refusal(promise: Promise<Connection>): Promise<string> {
  const error = await promise.then(
    (socket) => {
      socket.destroy();
      return new Error('did not fail');
    },
    (reason: unknown) => reason,
  );
  return isFdpassError(error)
    ? `${error.code}: ${error.message}${error.hint === undefined ? '' : `; ${error.hint}`}`
    : `${error}`;
}

describe('opening sockets', () => {
  let sys: Sys;
  const signal = new AbortController().signal;
  const servers: Server[] = [];
  before(async () => {
    sys = loadSys();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.close();
      await once(server, 'close');
    }
  });
  expectDescriptorsBack();

  async function listen(where: object): Promise<number> {
    const server = createServer((socket) => socket.on('error', () => {}).end('banner'));
    servers.push(server.listen(where));
    await once(server, 'listening');
    return (server.address() as { port: number }).port;
  }

  async function open(options: SocketOptions, family: 4 | 6 = 4): Promise<Connection> {
    const host = family === 4 ? '127.0.0.1' : '::1';
    return openConnection({ family, host, port: await listen({ host, port: 0 }) }, options, { signal });
  }

  it('gives a connection with a descriptor, whose stream is paused with nothing read ahead, half-open allowed', async () => {
    for (const options of [{}, { keepAlive: true, noDelay: true }, { dscp: 46 }]) {
      const connection = await open(options);
      expect(connection.descriptor).to.be.a('number');
      const socket = connection.toStream() as Socket;
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect([socket.isPaused(), socket.readableLength, socket.bytesRead, socket.allowHalfOpen]).to.deep.equal([
        true,
        0,
        0,
        true,
      ]);
      const [chunk] = await once(socket.resume(), 'data');
      expect(String(chunk)).to.equal('banner');
      socket.destroy();
    }
  });

  const SOL_SOCKET = 1;
  const TCP = 6;
  const settings: readonly (readonly [
    what: string,
    options: SocketOptions,
    level: number,
    name: number,
    value: number,
  ])[] = [
    ['keep-alive on', { keepAlive: true }, SOL_SOCKET, 9, 1],
    ['keep-alive off', { keepAlive: false }, SOL_SOCKET, 9, 0],
    ['keep-alive idle', { keepAlive: { idle: 60_000 } }, TCP, 4, 60],
    ['keep-alive interval', { keepAlive: { interval: 15_000 } }, TCP, 5, 15],
    ['keep-alive count', { keepAlive: { count: 4 } }, TCP, 6, 4],
    ['no delay', { noDelay: true }, TCP, 1, 1],
    ['DSCP by number', { dscp: 46 }, 0, 1, 46 << 2],
    ['DSCP by name', { dscp: 'af21' }, 0, 1, 18 << 2],
    ['lowdelay, as IPQoS has it', { dscp: 'lowdelay' }, 0, 1, 0x10],
    ['fast open', { fastOpen: true }, TCP, 30, 1],
    ['user time-out', { userTimeout: 20_000 }, TCP, 18, 20_000],
    ['send buffer (the kernel doubles it)', { sendBuffer: 65_536 }, SOL_SOCKET, 7, 131_072],
    ['receive buffer (the kernel doubles it)', { receiveBuffer: 65_536 }, SOL_SOCKET, 8, 131_072],
  ];
  for (const [what, options, level, name, value] of settings) {
    it(`sets ${what}`, async function () {
      if (!isLinux) this.skip(); // the numbers above are Linux's
      const socket = await open(options);
      expect(sys.getsockoptInt(fdOf(socket), level, name)).to.equal(value);
      socket.destroy();
    });
  }

  it('sets the traffic class of IPv6', async function () {
    if (!isLinux) this.skip();
    const socket = await open({ dscp: 'ef' }, 6).catch(() => undefined);
    if (socket === undefined) return this.skip(); // no IPv6 here
    expect(sys.getsockoptInt(fdOf(socket), 41, 67)).to.equal(46 << 2);
    socket.destroy();
  });

  it('sets a mark and an interface, or says what that needs', async function () {
    if (!isLinux) this.skip();
    if (isRoot) {
      const socket = await open({ mark: 7, bindInterface: 'lo' });
      expect(sys.getsockoptInt(fdOf(socket), SOL_SOCKET, 36)).to.equal(7);
      socket.destroy();
    } else {
      expect(await refusal(open({ mark: 7 }))).to.match(
        /^permission: option "mark": .*; run it as root or with CAP_NET_ADMIN/,
      );
    }
    expect(await refusal(open({ bindInterface: 'nonesuch0' }))).to.equal(
      'config: option "bindInterface": no such network interface',
    );
  });

  it('binds source address and port', async () => {
    const local = (connection: Connection): unknown => describeFd(fdOf(connection), sys).local;
    const connection = await open({ bindAddress: '127.0.0.2' });
    const { address, port } = local(connection) as { address: string; port: number };
    expect(address).to.equal('127.0.0.2');
    // The same port on another address: nobody else can have taken it there meanwhile, unless for all addresses.
    const again = await open({ bindAddress: '127.0.0.3', bindPort: port });
    expect(local(again)).to.deep.equal({ address: '127.0.0.3', port });
    connection.destroy();
    again.destroy();
    expect(await refusal(open({ bindAddress: '192.0.2.77' }))).to.equal(
      'config: option "bindAddress": address not available',
    );
    expect(await refusal(open({ bindAddress: '::1' }))).to.equal(
      'unreachable: the source address ::1 belongs to the other address family',
    );
  });

  it('uses Multipath TCP where the kernel has it', async function () {
    if (!isLinux) this.skip();
    const result = await open({ multipath: true }).catch((error: Error) => error);
    if (result instanceof Error) {
      expect(result.message).to.match(/^option "multipath": /);
      return;
    }
    expect(sys.getsockoptInt(fdOf(result), SOL_SOCKET, 38)).to.equal(262); // SO_PROTOCOL
    result.destroy();
  });

  it('connects to unix sockets, abstract ones too', async function () {
    const folder = mkdtempSync(join(tmpdir(), 'fdpass-open-'));
    const path = join(folder, 'socket');
    await listen({ path });
    (await openConnection({ path }, { keepAlive: true }, { signal })).destroy();
    rmSync(folder, { recursive: true });
    expect(await refusal(openConnection({ path }, {}, { signal }))).to.match(/^unreachable: no such file or directory/);
    if (!isLinux) this.skip();
    // Node 20 pads the names it listens on with zeros to their full length; this one has that length.
    const name = `fdpass-open-${process.pid}-`.padEnd(107, 'x');
    await listen({ path: `\0${name}` });
    (await openConnection({ path: `@${name}` }, {}, { signal })).destroy();
  });

  it('says in words that nobody listens', async () => {
    for (const options of [{}, { dscp: 46 }]) {
      const port = await listen({ host: '127.0.0.1', port: 0 });
      for (const server of servers.splice(0)) server.close();
      const failed = openConnection({ family: 4, host: '127.0.0.1', port }, options, { signal });
      expect(await refusal(failed)).to.equal('unreachable: connection refused; check that it is running, and the port');
    }
  });

  it('says that a unix socket has no room for one more', async function () {
    if (!isLinux) this.skip(); // elsewhere it is refused
    const folder = mkdtempSync(join(tmpdir(), 'fdpass-open-'));
    const path = join(folder, 'socket');
    await listen({ path, backlog: 1 });
    const openings = Array.from({ length: 4 }, () => openConnection({ path }, {}, { signal })); // before it can accept one
    const ends = await Promise.all(openings.map((opening) => refusal(opening)));
    expect(ends.at(-1)).to.equal(
      'unreachable: its queue of waiting connections is full; check that the program that listens there still accepts connections',
    );
    expect(ends[0]).to.equal('Error: did not fail');
    rmSync(folder, { recursive: true });
  });

  it('ends with its signal, before and while it connects, and leaves nothing open', async () => {
    const reason = new Error('enough');
    const port = await listen({ host: '127.0.0.1', port: 0 });
    for (const options of [{}, { dscp: 46 }]) {
      const address = { family: 4, host: '127.0.0.1', port } as const;
      expect(await refusal(openConnection(address, options, { signal: AbortSignal.abort(reason) }))).to.equal(
        'Error: enough',
      );
      const controller = new AbortController();
      const failed = refusal(openConnection(address, options, { signal: controller.signal }));
      controller.abort(reason);
      expect(await failed).to.equal('Error: enough');
    }
  });
});

describe('a connect() that is under way', () => {
  const address = { family: 4, host: '127.0.0.1', port: 1 } as const;

  /** A socket whose connect() ends when the test says so, and the calls on it. */
  function connecting(): { readonly sys: Sys; readonly calls: string[]; finish(): void } {
    const calls: string[] = [];
    let finish = (): void => {};
    const ready = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const sys = fakeSys({
      socket: () => 77,
      connect: () => false,
      poll: () => ({ until: () => ready, wait: () => {}, close: () => {} }),
      getsockoptInt: () => calls.push('getsockopt') - 1,
      close: () => void calls.push('close'),
    });
    return { sys, calls, finish };
  }

  it('does not touch the descriptor of a socket that was closed meanwhile', async () => {
    const { sys, calls, finish } = connecting();
    const controller = new AbortController();
    const opening = caught(openConnection(address, {}, { signal: controller.signal, sys }));
    const reason = new Error('enough');
    queueMicrotask(() => controller.abort(reason)); // after the event, before we hear of it
    finish();
    expect(await opening).to.equal(reason);
    expect(calls).to.deep.equal(['close']);
  });

  it('gives nothing when its signal aborts as it ends', async () => {
    const { sys, calls, finish } = connecting();
    const controller = new AbortController();
    const reason = new Error('enough');
    const opening = caught(openConnection(address, {}, { signal: controller.signal, sys }));
    const { getsockoptInt } = sys;
    sys.getsockoptInt = (...call) => {
      queueMicrotask(() => controller.abort(reason));
      return getsockoptInt(...call);
    };
    finish();
    expect(await opening).to.equal(reason);
    expect(calls).to.deep.equal(['getsockopt', 'close']);
  });
});

describe('socket options', () => {
  const messages = (options: unknown): string[] =>
    v.safeParse(socketOptionsSchema, options).issues?.map((issue) => issue.message) ?? [];

  it('are durations and numbers as the config writes them', () => {
    const parsed = v.parse(socketOptionsSchema, {
      keepAlive: { idle: '1m', count: 3 },
      userTimeout: '20s',
      dscp: 'EF',
    });
    expect(parsed).to.deep.equal({ keepAlive: { idle: 60_000, count: 3 }, userTimeout: 20_000, dscp: 'EF' });
  });

  const wrong: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{ keepAlive: 'yes' }, /must be true, false or \{ idle/],
    [{ keepAlive: { idle: '10ms' } }, /1s or more/],
    [{ dscp: 64 }, /0 to 63/],
    [{ dscp: 'fast' }, /a name such as ef/],
    [{ bindPort: 0 }, /a port, a whole number from 1 to 65535/],
    [{ bindAddress: 'localhost' }, /must be an IPv4 or IPv6 address/],
    [{ bindInterface: 'a-name-that-is-too-long' }, /network interface/],
    [{ sendBuffer: 1.5 }, /a size in bytes/],
    [{ nodelay: true }, /nodelay/],
  ];
  for (const [options, message] of wrong) {
    it(`refuse ${JSON.stringify(options)}`, () => expect(messages(options).join('; ')).to.match(message));
  }
});
