import { chmodSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { FdpassError } from '@fdpass/core';
import { expectDescriptorsBack, openDescriptors, run, temporaryFolder } from '@fdpass/test-lab';
import { readAll, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { type Lab, startLab, until, untilClosed } from './lab.spec.helper.js';
import { ProxyServer, type ProxyServerOptions } from './proxy-server.js';

const bytes = (...parts: (number | string)[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.of(part))));

const GREETING = bytes(5, 1, 0);
const SOCKS5_NAME = bytes(5, 1, 0, 3, 12, 'host.example', 0, 22);
const SOCKS4_NAME = bytes(4, 1, 0, 22, 0, 0, 0, 1, 'me\0host.example\0');
const CONNECT = 'CONNECT host.example:22 HTTP/1.1\r\nHost: host.example:22\r\n\r\n';
/** No authentication, and the reply to a request. */
const reply5 = (code: number): string => bytes(5, 0, 5, code, 0, 1, 0, 0, 0, 0, 0, 0).toString('latin1');
const reply4 = (code: number): string => bytes(0, code, 0, 0, 0, 0, 0, 0).toString('latin1');
const SOCKS5_GRANTED = reply5(0);
const SOCKS4_GRANTED = reply4(0x5a);
const CONNECTED = 'HTTP/1.1 200 Connection established\r\n\r\n';

/** What a client can ask for in one flight, what it gets before the tunnel, and where that leads. */
const REQUESTS: Readonly<Record<string, readonly [request: Buffer, granted: string, protocol: string, host: string]>> =
  {
    'SOCKS 5 with a name': [bytes(...GREETING, ...SOCKS5_NAME), SOCKS5_GRANTED, 'SOCKS 5', 'host.example'],
    'SOCKS 5 with an IPv4 address': [
      bytes(...GREETING, 5, 1, 0, 1, 192, 0, 2, 1, 0, 22),
      SOCKS5_GRANTED,
      'SOCKS 5',
      '192.0.2.1',
    ],
    'SOCKS 5 with an IPv6 address': [
      bytes(...GREETING, 5, 1, 0, 4, 0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), 1, 0, 22),
      SOCKS5_GRANTED,
      'SOCKS 5',
      '2001:db8::1',
    ],
    'SOCKS 5 by a client that offers only a password': [
      bytes(5, 1, 2, 1, 1, 'a', 1, 'b', ...SOCKS5_NAME),
      `\x05\x02\x01\x00${SOCKS5_GRANTED.slice(2)}`,
      'SOCKS 5',
      'host.example',
    ],
    'SOCKS 4': [bytes(4, 1, 0, 22, 192, 0, 2, 1, 0), SOCKS4_GRANTED, 'SOCKS 4', '192.0.2.1'],
    'SOCKS 4a': [SOCKS4_NAME, SOCKS4_GRANTED, 'SOCKS 4', 'host.example'],
    'SOCKS 4a with a name in UTF-8': [
      bytes(4, 1, 0, 22, 0, 0, 0, 1, 'me\0b\xc3\xbccher.example\0'),
      SOCKS4_GRANTED,
      'SOCKS 4',
      'xn--bcher-kva.example',
    ],
    CONNECT: [bytes(CONNECT), CONNECTED, 'CONNECT', 'host.example'],
    'CONNECT of HTTP/1.0': [bytes('CONNECT host.example:22 HTTP/1.0\r\n\r\n'), CONNECTED, 'CONNECT', 'host.example'],
    'CONNECT with the zone of a link-local address': [
      bytes('CONNECT [fe80::1%25eth0]:22 HTTP/1.1\r\nHost: x\r\n\r\n'),
      CONNECTED,
      'CONNECT',
      'fe80::1%eth0',
    ],
    'CONNECT with an IPv6 address': [
      bytes('CONNECT [2001:DB8::1]:22 HTTP/1.1\r\nHost: x\r\n\r\n'),
      CONNECTED,
      'CONNECT',
      '2001:db8::1',
    ],
  };

/** What a client can ask for in vain, and what it gets. */
const REFUSED: Readonly<Record<string, readonly [request: Buffer, answer: string | RegExp]>> = {
  'SOCKS 5 BIND': [bytes(...GREETING, 5, 2, 0, 1, 0, 0, 0, 0, 0, 1), reply5(7)],
  'SOCKS 5 UDP ASSOCIATE': [bytes(...GREETING, 5, 3, 0, 1, 0, 0, 0, 0, 0, 1), reply5(7)],
  'SOCKS 5 with an address of an unknown type': [bytes(...GREETING, 5, 1, 0, 9, 0, 0), reply5(8)],
  'SOCKS 5 with a method that it does not have': [bytes(5, 1, 1), '\x05\xff'],
  'SOCKS 5 with no method': [bytes(5, 0), '\x05\xff'],
  'SOCKS 5 with a name that is none': [bytes(...GREETING, 5, 1, 0, 3, 3, 'a b', 0, 22), reply5(1)],
  'SOCKS 5 with the path of a unix socket': [bytes(...GREETING, 5, 1, 0, 3, 10, 'unix/run/x', 0, 22), reply5(2)],
  'SOCKS 5 with port 0': [bytes(...GREETING, 5, 1, 0, 3, 1, 'a', 0, 0), reply5(1)],
  'SOCKS 4 BIND': [bytes(4, 2, 0, 22, 192, 0, 2, 1, 0), reply4(0x5b)],
  'SOCKS 4a with the name of a virtual machine': [bytes(4, 1, 0, 22, 0, 0, 0, 1, 0, 'vsock/3\0'), reply4(0x5b)],
  'CONNECT without a port': [
    bytes('CONNECT host.example HTTP/1.1\r\nHost: x\r\n\r\n'),
    /^HTTP\/1.1 400 .*a host and a port\n$/s,
  ],
  'CONNECT to a unix socket': [
    bytes('CONNECT unix/run/x:22 HTTP/1.1\r\nHost: x\r\n\r\n'),
    /^HTTP\/1.1 403 .*fdpass: \[permission\] unix\/run\/x:22: clients of this proxy can reach hosts only\n$/s,
  ],
  'a request to the proxy itself': [
    bytes('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 400 .*this is a proxy/s,
  ],
  'a URL that is not http://': [
    bytes('GET https://x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 400 .*this is a proxy/s,
  ],
  'a URL with a user in it': [
    bytes('GET http://u@x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'),
    /^HTTP\/1.1 400 /,
  ],
  nonsense: [bytes('SSH-2.0-x\r\n\r\n'), /^HTTP\/1.1 400 .*neither SOCKS nor a valid HTTP request/s],
  'a header without end': [bytes('CONNECT a:1 HTTP/1.1\r\nX: ', 'y'.repeat(20_000)), /^HTTP\/1.1 431 /],
};

const PASSWORD = { user: 'me', password: 'hunter2' };
const basic = (text: string): string => `Proxy-Authorization: Basic ${Buffer.from(text).toString('base64')}\r\n`;
const connectWith = (field: string): Buffer => bytes(`CONNECT a:1 HTTP/1.1\r\nHost: a\r\n${field}\r\n`);

/** What clients of a server with a password can say, and what they get. */
const PASSWORDS: Readonly<Record<string, readonly [request: Buffer, answer: string | RegExp]>> = {
  'the right one over SOCKS 5': [
    bytes(5, 2, 0, 2, 1, 2, 'me', 7, 'hunter2', ...SOCKS5_NAME),
    `\x05\x02\x01\x00${SOCKS5_GRANTED.slice(2)}hello bye`,
  ],
  'a wrong one over SOCKS 5': [bytes(5, 1, 2, 1, 2, 'me', 7, 'hunter3', ...SOCKS5_NAME), '\x05\x02\x01\x01'],
  'an empty one over SOCKS 5': [bytes(5, 1, 2, 1, 0, 0, ...SOCKS5_NAME), '\x05\x02\x01\x01'],
  'none over SOCKS 5': [bytes(...GREETING, ...SOCKS5_NAME), '\x05\xff'],
  'none over SOCKS 4, which has none': [SOCKS4_NAME, reply4(0x5b)],
  'the right one over HTTP': [connectWith(basic('me:hunter2')), /^HTTP\/1.1 200 /],
  'a wrong one over HTTP': [connectWith(basic('me:hunter2 ')), /^HTTP\/1.1 407 .*Proxy-Authenticate: Basic /s],
  'one without a user over HTTP': [connectWith(basic('hunter2')), /^HTTP\/1.1 407 /],
  'none over HTTP': [connectWith(''), /^HTTP\/1.1 407 /],
  'none with a URL': [bytes('GET http://a/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 407 /],
};

/** How a dial can fail, and what clients get. */
const FAILURES: Readonly<Record<string, readonly [error: unknown, socks5: number, status: number]>> = {
  'a name without an address': [new FdpassError('unknown-host', 'no such host'), 4, 502],
  'a refused connection': [
    new FdpassError('unreachable', 'refused', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) }),
    5,
    502,
  ],
  'a silent host': [new FdpassError('timeout', 'timed out after 30 s'), 6, 504],
  'a proxy that says no': [new FdpassError('permission', 'not for you'), 2, 403],
  'a wrong configuration': [new FdpassError('config', 'no such hop'), 1, 502],
  'a bug': [new TypeError('x is not a function'), 1, 502],
};

function expectAnswer(said: string, answer: string | RegExp): void {
  if (typeof answer === 'string') expect(said).to.equal(answer);
  else expect(said).to.match(answer);
}

describe('a proxy server', () => {
  let lab: Lab;
  const start = async (options: Partial<ProxyServerOptions> = {}): Promise<Lab> => {
    lab = await startLab(options);
    return lab;
  };
  afterEach(() => lab?.close());
  expectDescriptorsBack();

  describe('carries both directions and both ends over', () => {
    for (const [what, [request, granted, protocol, host]] of Object.entries(REQUESTS)) {
      it(`${what}, by a client that waits for each answer`, async () => {
        const { connect, dialled } = await start();
        const client = connect();
        const all = readAll(client);
        for (const byte of request) {
          client.write(Buffer.of(byte));
          await new Promise(setImmediate);
        }
        client.end('and goodbye');
        expect((await all).toString('latin1')).to.equal(`${granted}hello and goodbye`);
        expect(dialled).to.deep.equal([{ host, port: 22, protocol }]);
      });

      it(`${what}, by a client that says everything at once`, async () => {
        const { connect } = await start();
        const client = connect();
        client.end(Buffer.concat([request, Buffer.from('and goodbye')]));
        expect((await readAll(client)).toString('latin1')).to.equal(`${granted}hello and goodbye`);
      });
    }
  });

  describe('refuses', () => {
    for (const [what, [request, answer]] of Object.entries(REFUSED)) {
      it(what, async () => {
        const { ask, dialled } = await start();
        expectAnswer(await ask(request), answer);
        expect(dialled).to.deep.equal([]);
      });
    }
  });

  describe('with a password is asked with', () => {
    for (const [what, [request, answer]] of Object.entries(PASSWORDS)) {
      it(what, async () => {
        const { connect } = await start({ password: PASSWORD });
        const client = connect();
        client.end(Buffer.concat([request, Buffer.from('bye')]));
        expectAnswer((await readAll(client)).toString('latin1'), answer);
      });
    }
  });

  describe('answers', () => {
    for (const [what, [error, socks5, status]] of Object.entries(FAILURES)) {
      it(what, async () => {
        const { ask } = await start({ dial: () => Promise.reject(error) });
        expect(await ask(bytes(...GREETING, ...SOCKS5_NAME))).to.equal(reply5(socks5));
        expect(await ask(SOCKS4_NAME)).to.equal(reply4(0x5b));
        const get = 'GET http://host.example/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
        for (const request of [CONNECT, get]) {
          const [head = '', body] = (await ask(request)).split('\r\n\r\n');
          expect(head).to.match(new RegExp(`^HTTP/1.1 ${status} `));
          expect(head).to.match(/^proxy-status: fdpass; error=[a-z_]+; details="fdpass: \[[a-z-]+\] .*"$/im);
          expect(body).to.match(/^fdpass: \[[a-z-]+\] .*\n$/);
        }
      });
    }
  });

  it('lets a client that it does not serve read why, though that goes on talking', async () => {
    const { connect } = await start({ dial: () => Promise.reject(new FdpassError('timeout', 'late')) });
    const client = connect(Buffer.concat([bytes(...GREETING, ...SOCKS5_NAME), Buffer.alloc(100_000)]));
    client.end();
    expect((await readAll(client)).toString('latin1', 2, 4)).to.equal('\x05\x06');
  });

  it('ends the dial for a client that has gone', async () => {
    for (const request of [
      bytes(...GREETING, ...SOCKS5_NAME),
      SOCKS4_NAME,
      bytes(CONNECT),
      bytes('GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n'),
    ]) {
      let signal: AbortSignal | undefined;
      const { connect, proxy, close } = await start({
        dial: (_, client) => {
          signal = client.signal;
          return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal?.reason)));
        },
      });
      const client = connect(request);
      await until(() => signal !== undefined);
      client.destroy();
      await until(() => signal?.aborted === true && proxy.clients === 0);
      await close();
    }
  });

  it('closes a connection that it has got too late', async () => {
    let give = (): void => {};
    const dialled = new Promise<void>((resolve) => {
      give = resolve;
    });
    const far = createServer().listen(0, '127.0.0.1');
    const { connect: open, proxy } = await start({
      dial: async () => {
        await dialled;
        return connect({ port: (far.address() as { port: number }).port, host: '127.0.0.1' });
      },
    });
    const client = open(CONNECT);
    await until(() => proxy.clients === 1);
    client.destroy();
    give();
    await until(() => proxy.clients === 0);
    far.close();
  });

  describe('cuts off a client that does not come to the point:', () => {
    const SLOW = {
      'says nothing': '',
      'stops in the greeting': bytes(5),
      'stops in the request': bytes(...GREETING, 5, 1),
      'stops in a request of SOCKS 4': bytes(4, 1),
      'stops in a header': 'CONNECT host',
      'asks for nothing more after an answer': 'GET / HTTP/1.1\r\nHost: x\r\n\r\n',
    };
    for (const [what, said] of Object.entries(SLOW)) {
      it(what, async () => {
        const clock = new VirtualClock();
        const { connect, proxy } = await start({ clock, requestMs: 700 });
        const client = connect(said);
        await until(() => proxy.clients === 1 && clock.pending > 0);
        for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate); // what it has said is read
        await clock.advance(699);
        expect(proxy.clients).to.equal(1);
        await clock.advance(1400);
        await untilClosed(client);
        await until(() => proxy.clients === 0);
        expect(clock.pending).to.equal(0);
      });
    }
  });

  it('does not limit how long a dial or a tunnel takes', async () => {
    const clock = new VirtualClock();
    const { connect, proxy, dialled } = await start({ clock, requestMs: 700 });
    const client = connect(bytes(...GREETING, ...SOCKS5_NAME));
    await until(() => dialled.length === 1);
    await clock.advance(100_000);
    expect(proxy.clients).to.equal(1);
    client.end('and goodbye');
    expect(String(await readAll(client))).to.match(/hello and goodbye$/);
  });

  it('serves so many clients and closes further ones', async () => {
    const { connect, proxy, dialled } = await start({ maxClients: 2 });
    const [one, other] = [connect(CONNECT), connect(CONNECT)];
    await until(() => dialled.length === 2);
    await untilClosed(connect(CONNECT));
    one.destroy();
    await until(() => proxy.clients === 1);
    connect(CONNECT);
    await until(() => dialled.length === 3);
    other.destroy();
  });

  it('serves a thousand clients at once, which need no pipe as long as they have nothing to say', async () => {
    const { connect, proxy } = await start();
    const clients = Array.from({ length: 1000 }, () => connect(CONNECT));
    const all = clients.map(readAll);
    await until(() => clients.every((client) => client.bytesRead === CONNECTED.length + 'hello '.length));
    expect(proxy.clients).to.equal(1000);
    expect(openDescriptors().filter((entry) => entry.includes('pipe:')).length).to.be.below(100);
    for (const [number, client] of clients.entries()) client.end(`and goodbye ${number}`);
    const said = (await Promise.all(all)).map(String);
    expect(said).to.deep.equal(clients.map((_, number) => `${CONNECTED}hello and goodbye ${number}`));
  });

  it('that closes cuts its clients, wherever they are', async () => {
    const { connect, proxy, dialled } = await start();
    const said = ['', bytes(5), 'GET http', CONNECT, `${CONNECT}early`, bytes(...GREETING, ...SOCKS5_NAME)];
    const clients = said.map(connect);
    await until(() => dialled.length === 3 && proxy.clients === clients.length);
    await proxy.close();
    await Promise.all(clients.map(untilClosed));
    expect(proxy.clients).to.equal(0);
  });

  it('that leaves takes no further client, and serves those that it has to their end', async () => {
    const { connect, proxy, dialled } = await start();
    const client = connect(CONNECT);
    await until(() => dialled.length === 1);
    const left = proxy.leave();
    await untilClosed(connect());
    client.end('and goodbye');
    expect(String(await readAll(client))).to.match(/hello and goodbye$/);
    await left;
  });

  it('says why it cannot listen at a port', async () => {
    const { port, proxy } = await start();
    const failed = await proxy.listen({ host: '127.0.0.1', port }).catch((error: Error) => error);
    expect(failed).to.have.property('message', `cannot listen at 127.0.0.1:${port}: address already in use`);
  });

  describe('at a unix socket', () => {
    const folder = temporaryFolder();
    const path = join(folder.path, 'proxy.sock');
    after(() => folder.remove());

    it('serves the user alone, and removes it in the end', async () => {
      const { proxy } = await start();
      await proxy.listen({ path });
      expect(statSync(path).mode & 0o777).to.equal(0o600);
      const client = connect({ path, allowHalfOpen: true });
      client.end(Buffer.concat([bytes(...GREETING, ...SOCKS5_NAME), Buffer.from('and goodbye')]));
      expect(String(await readAll(client))).to.match(/hello and goodbye$/);
      await proxy.close();
      expect(existsSync(path)).to.equal(false);
    });

    it('replaces one that nobody listens on, and nothing else', async () => {
      const { proxy } = await start();
      await leaveSocketAt(path);
      await proxy.listen({ path });
      const other = new ProxyServer({ dial: () => Promise.reject(new Error('unused')) });
      const taken = await other.listen({ path }).catch((error: Error) => error);
      expect(taken).to.have.property('message', `cannot listen at ${path}: address already in use`);
      const file = join(folder.path, 'file');
      writeFileSync(file, '');
      expect(await other.listen({ path: file }).catch((error: Error) => error)).to.be.instanceOf(Error);
      expect(existsSync(file)).to.equal(true);
      await other.close();
    });

    it('says so where the socket that was left belongs to another user', async function () {
      if (process.geteuid?.() !== 0) this.skip();
      const shared = temporaryFolder();
      const path = join(shared.path, 'left.sock');
      await leaveSocketAt(path);
      chmodSync(path, 0o777);
      chmodSync(shared.path, 0o1777);
      const other = new ProxyServer({ dial: () => Promise.reject(new Error('nothing is dialled')) });
      process.seteuid?.(65534);
      const failed = await other.listen({ path }).catch((error: unknown) => error);
      process.seteuid?.(0);
      shared.remove();
      await other.close();
      expect(failed).to.include({ code: 'permission', hint: 'choose another address' });
      expect(failed).to.have.property('summary', `cannot listen at ${path}: operation not permitted`);
    });
  });
});

/** A socket whose program was killed. */
async function leaveSocketAt(path: string): Promise<void> {
  const program = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await run(process.execPath, ['-e', program]);
  expect(existsSync(path)).to.equal(true);
}
