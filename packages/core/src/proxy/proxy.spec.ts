import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { StreamConnection } from '../connection/stream.js';
import type { Chain, DialContext } from '../dial/dialer.js';
import { FdpassError, formatError, isFdpassError } from '../ground/errors.js';
import { noTrace } from '../ground/trace.js';
import type { HandshakeReport } from './handshake-report.js';
import { checkWarm, reachProxy, readProxyUrl } from './proxy.js';
import type { Standby, StandbyRequest } from './standby.js';

const SCHEMES = {
  http: { port: 80, tls: false },
  https: { port: 443, tls: true },
  'socks5h+tls': { port: 1080, tls: true, version: 5 },
  socks5: { port: 1080, tls: false, version: 5 },
};

const read = (text: string) => readProxyUrl(text, SCHEMES, 'http://HOST:PORT');

describe('the URL of a proxy', () => {
  const PLACES: readonly [url: string, scheme: keyof typeof SCHEMES, host: string, port: number][] = [
    ['http://proxy.example:3128', 'http', 'proxy.example', 3128],
    ['http://proxy.example', 'http', 'proxy.example', 80],
    ['http://proxy.example:80/', 'http', 'proxy.example', 80],
    ['http://proxy.example:', 'http', 'proxy.example', 80],
    ['http://proxy.example:00080', 'http', 'proxy.example', 80],
    ['https://proxy.example', 'https', 'proxy.example', 443],
    ['HTTPS://Proxy.Example:8443', 'https', 'proxy.example', 8443],
    ['http://me:p%40ss@proxy.example:1', 'http', 'proxy.example', 1],
    ['http://bücher.example', 'http', 'xn--bcher-kva.example', 80],
    ['http://b%C3%BCcher.example', 'http', 'xn--bcher-kva.example', 80],
    ['http://[2001:db8::1]:3128', 'http', '2001:db8::1', 3128],
    ['http://[2001:DB8::1]', 'http', '2001:db8::1', 80],
    ['socks5h+tls://[fe80::1%25eth0]:1', 'socks5h+tls', 'fe80::1%eth0', 1],
    ['http://[fe80::1%252]', 'http', 'fe80::1%2', 80],
    ['http://[fe80::1%25]', 'http', 'fe80::1%25', 80],
    ['http://[fe80::1%25eth0.100]', 'http', 'fe80::1%eth0.100', 80],
    ['socks5h+tls://[fe80::1%eth0]', 'socks5h+tls', 'fe80::1%eth0', 1080],
    ['http://192.0.2.1', 'http', '192.0.2.1', 80],
    [' \thttp://proxy.example:3128\n', 'http', 'proxy.example', 3128],
    ['socks5://unix:/run/tor/socks', 'socks5', 'unix/run/tor/socks', 1080],
    ['socks5://me:pw@unix:/run/tor/socks', 'socks5', 'unix/run/tor/socks', 1080],
    ['socks5://unix/run/tor/socks', 'socks5', 'unix/run/tor/socks', 1080],
    ['socks5://localhost/run/tor/a%20b', 'socks5', 'unix/run/tor/a b', 1080],
    ['socks5://localhost:9050/run/Tor', 'socks5', 'unix/run/Tor', 1080],
    ['socks5://localhost:9050/', 'socks5', 'localhost', 9050],
    ['http://unix', 'http', 'unix', 80],
  ];
  for (const [url, scheme, host, port] of PLACES) {
    it(`${JSON.stringify(url)} is at ${host} ${port}`, () => {
      const proxy = read(url);
      expect(proxy.scheme).to.equal(SCHEMES[scheme]);
      expect(proxy.target).to.deep.equal({ host, port });
    });
  }

  const USERS: readonly [userInfo: string, username: string | undefined, password: string | undefined][] = [
    ['', undefined, undefined],
    ['@', undefined, undefined],
    [':@', undefined, undefined],
    ['me@', 'me', undefined],
    ['me:@', 'me', ''],
    [':pw@', '', 'pw'],
    ['me:pw@', 'me', 'pw'],
    ['a%40b:p%3Aq%C3%A9@', 'a@b', 'p:qé'],
    ['me:a:b@c@', 'me', 'a:b@c'],
    ['me:100%@', 'me', '100%'],
    ['me:50%of@', 'me', '50%of'],
    ['me:%zz%41@', 'me', '%zzA'],
    ['me:%ff@', 'me', '\udcff'],
    ['me:%ff%21%C3%A9%e9@', 'me', '\udcff!\udcc3\udca9\udce9'],
    ['CORP\\bob:pw@', 'CORP\\bob', 'pw'],
    ['CORP%5Cbob:pw@', 'CORP\\bob', 'pw'],
    ['me:süß@', 'me', 'süß'],
    ['me:p\\w@', 'me', 'p\\w'],
    ['me:p w@', 'me', 'p w'],
  ];
  for (const [userInfo, username, password] of USERS) {
    it(`${JSON.stringify(userInfo)} gives ${JSON.stringify([username, password])}`, () => {
      const proxy = read(`http://${userInfo}proxy.example`);
      expect([proxy.username, proxy.password]).to.deep.equal([username, password]);
      expect(proxy.target.host).to.equal('proxy.example');
    });
  }

  const BAD: readonly [url: string, message: string][] = [
    ['', 'the proxy does not begin with http://, https://, socks5h+tls://, socks5://'],
    ['proxy:3128', 'the proxy does not begin with'],
    ['me:hush@proxy:3128', 'the proxy does not begin with'],
    ['//me:hush@proxy', 'the proxy does not begin with'],
    ['http:me:hush@proxy/x', 'the proxy does not begin with'],
    ['"http://me:hush@proxy"', 'the proxy does not begin with'],
    ["'http://me:hush@proxy'", 'the proxy does not begin with'],
    ['see http://me:hush@proxy', 'the proxy does not begin with'],
    ['socks6://me:hush@proxy:1', 'the proxy does not begin with http://'],
    ['toString://proxy', 'the proxy does not begin with'],
    ['http://', 'http://*** names no host'],
    ['socks5://', 'socks5://*** names no host'],
    ['http://me:hush@', 'http://*** names no host'],
    ['http:///run/hush', 'http://*** has a path'],
    ['http://me:hush@proxy/path-hush', 'http://proxy has a path'],
    ['http://me:hush@proxy?q=hush', 'http://proxy has a query or a fragment'],
    ['http://me:hush@proxy#hush', 'http://proxy has a query or a fragment'],
    ['http://me:hush@proxy/?q=hush', 'http://proxy has a query or a fragment'],
    [
      'http://me:hu/sh@proxy',
      'http://*** has a path: in a user name or password, write "/", "?" and "#" as %2F, %3F and %23',
    ],
    ['http://CORP\bob:hush@proxy', 'http://*** has a control character in it: write a backslash as %5C'],
    ['http://CORP\nancy:hush@proxy', 'http://*** has a control character in it: write a backslash as %5C'],
    ['http://hu/sh:hush@proxy', 'http://*** has a path'],
    ['http://me:hu?sh@proxy', 'http://*** has a query or a fragment'],
    ['http://me:hu#sh@proxy', 'http://*** has a query or a fragment'],
    ['http://me:hush@x/hush@proxy', 'http://*** has a path'],
    ['http://me:hush', 'http://*** is not a host and a port'],
    ['http://me:hush@proxy:99999', 'http://*** has a port that is not a number from 1 to 65535'],
    ['http://me:hush@proxy:0', 'http://*** has a port that is not a number from 1 to 65535'],
    ['http://me:hush@proxy:1:2', 'http://*** is not a host and a port'],
    ['http://me:hush@[::1', 'http://*** is not a host and a port'],
    ['http://me:hush@[::1]:0', 'http://*** has a port'],
    ['http://me:hush@[]', 'http://*** names no host'],
    ['http://me:hush@::1', 'http://::1 is not a host and a port'],
    ['http://me:hush@a b', 'http://*** does not name a host'],
    ['http://me:hush@-proxy', 'http://*** does not name a host'],
    ['http://me:hush@a%2fb', 'http://*** does not name a host'],
    ['http://me:hush@unix%2frun', 'http://unix%2frun does not name a host'],
    ['socks5://unix:/run/hush?hush', 'socks5://*** has a query or a fragment'],
    ['socks5://unix:/run/a%00hush', 'socks5://*** has a NUL byte in its path'],
  ];
  for (const [url, message] of BAD) {
    it(`refuses ${JSON.stringify(url)} and shows only its scheme and host`, () => {
      let error: unknown;
      try {
        read(url);
      } catch (thrown) {
        error = thrown;
      }
      if (!isFdpassError(error)) return expect.fail(`not refused: ${String(error)}`);
      expect(error.code).to.equal('config');
      expect(formatError(error)).to.match(/; write http:\/\/HOST:PORT$/);
      expect(error.message.slice(0, message.length)).to.equal(message);
      expect(`${formatError(error)} ${error.stack}`).to.not.match(/hush|hu\/sh|hu\?sh|hu#sh|q=/);
    });
  }
});

describe('reaching a proxy', () => {
  const proxy = read('http://me:pw@proxy.example:3128');

  /** A connection that has `text` to read, and the chain that gives it. */
  function lineSaying(text: string) {
    const stream = new PassThrough();
    stream.write(text);
    const targets: unknown[] = [];
    const forward: Chain = {
      label: 'forward',
      dial: async (target) => {
        targets.push(target);
        return new StreamConnection(stream);
      },
      needsRelay: () => false,
    };
    return { stream, targets, reach: { proxy, forward, path: (written: string) => written } };
  }
  const contextOf = (signal = new AbortController().signal): DialContext => ({ signal, trace: noTrace });

  it('gives the connection and what the handshake came to; what follows it stays', async () => {
    const { reach, targets } = lineSaying('okbanner');
    const { connection, result } = await reachProxy(reach, contextOf(), async (peer) =>
      String(await peer.read(2, 'ok')),
    );
    expect([result, targets]).to.deep.equal(['ok', [{ host: 'proxy.example', port: 3128 }]]);
    expect(String(await connection.peek(1000))).to.equal('banner');
    connection.destroy();
  });

  it('destroys the connection when the handshake fails, and rejects with its error', async () => {
    const { reach, stream } = lineSaying('no');
    const refused = new FdpassError('permission', 'refused');
    const { signal } = new AbortController();
    const failed = reachProxy(reach, contextOf(signal), () => Promise.reject(refused));
    expect(await failed.catch((reason: unknown) => reason)).to.equal(refused);
    expect([stream.destroyed, getEventListeners(signal, 'abort')]).to.deep.equal([true, []]);
  });

  it('ends a handshake in the middle of silence when the signal aborts, with its reason', async () => {
    const { reach, stream } = lineSaying('x');
    const controller = new AbortController();
    const reason = new Error('enough');
    const failed = reachProxy(reach, contextOf(controller.signal), (peer) => {
      queueMicrotask(() => controller.abort(reason));
      return peer.read(2, 'the reply');
    });
    expect(await failed.catch((error: unknown) => error)).to.equal(reason);
    expect(stream.destroyed).to.equal(true);
  });

  describe('over a connection that was made in advance', () => {
    /** A reach with one such connection, on which the proxy says `text`, and `next` on a new one. */
    function prepared(text: string, next = 'new') {
      const { reach, stream: later } = lineSaying(next);
      const stream = new PassThrough();
      stream.end(text);
      const taken: { key: string; count: number }[] = [];
      const standby: Standby = {
        take<T>(request: StandbyRequest<T>) {
          taken.push(request);
          return { connection: new StreamConnection(stream), greeting: 'hello' as T };
        },
      };
      const host = { standby, socketDefaults: { keepAlive: true } };
      return { reach: { ...reach, warm: { count: 2, host, key: 'k' } }, stream, later, taken };
    }
    const talk = async (peer: Connection, report: HandshakeReport, greeting: unknown): Promise<string> => {
      const answer = String(await peer.read(3, 'three'));
      report.received(answer);
      if (answer === 'bad') throw new FdpassError('permission', 'refused');
      return `${greeting} ${answer}`;
    };

    it('talks on that, and knows what its greeting gave', async () => {
      const { reach, stream, taken } = prepared('yes');
      expect((await reachProxy(reach, contextOf(), talk)).result).to.equal('hello yes');
      expect(stream.destroyed).to.equal(false);
      expect(taken[0]?.count).to.equal(2);
      expect(JSON.parse(taken[0]?.key ?? '')).to.deep.equal([
        { host: 'proxy.example', port: 3128 },
        { port: 80, tls: false },
        null,
        { keepAlive: true },
        'k',
      ]);
    });

    it('talks on a new one, which has not been greeted, when the proxy does not answer', async () => {
      const { reach, stream, later } = prepared('');
      expect((await reachProxy(reach, contextOf(), talk)).result).to.equal('undefined new');
      expect([stream.destroyed, later.destroyed]).to.deep.equal([true, false]);
    });

    it('takes an answer for an answer, a refusal too', async () => {
      const { reach, stream, later } = prepared('bad');
      const error = await reachProxy(reach, contextOf(), talk).catch((reason: unknown) => reason);
      expect(error).to.include({ message: 'refused' });
      expect([stream.destroyed, later.readableLength]).to.deep.equal([true, 3]);
    });

    it('does nothing of that where none are wanted', async () => {
      const { reach, taken } = prepared('yes');
      for (const count of [0, undefined]) {
        const none = { ...reach, forward: lineSaying('new').reach.forward, warm: { ...reach.warm, count } };
        expect((await reachProxy(none, contextOf(), talk)).result).to.equal('undefined new');
      }
      expect(taken).to.deep.equal([]);
    });

    it('is for the first hop of a route only', () => {
      expect(() => checkWarm(2, { isFirst: false })).to.throw(/option "warm": only the first hop/);
      for (const warm of [0, undefined]) checkWarm(warm, { isFirst: false });
      checkWarm(2, { isFirst: true });
    });
  });

  it('lets go of the signal when the tunnel is open: the connection belongs to the caller', async () => {
    const { reach, stream } = lineSaying('ok');
    const controller = new AbortController();
    await reachProxy(reach, contextOf(controller.signal), (peer) => peer.read(2, 'ok'));
    controller.abort(new Error('later'));
    expect(stream.destroyed).to.equal(false);
    stream.destroy();
  });
});
