import { type DialContext, fdpassVersion, startDeadline } from '@fdpass/core';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { type Script, type ScriptedLine, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { type DialSpec, dialProxy, drain, requestsOf, withProxy } from './proxy.spec.helper.js';

const BANNER = 'SSH-2.0-test\r\n\u0000\u00ff\n\nHTTP/1.1 500 no\r\n\r\n';
const REQUEST_END = '\r\n\r\n';

/** Answers the request with `reply` in one segment, then ends. */
const answering =
  (reply: string | Buffer): Script =>
  async (line) => {
    await line.takeThrough(REQUEST_END);
    await line.send(reply);
    line.end();
  };

const oneByOne =
  (reply: string): Script =>
  async (line) => {
    await line.takeThrough(REQUEST_END);
    await line.sendOneByOne(reply);
    line.end();
  };

describe('http-connect against a scripted proxy', () => {
  let before: string[];
  beforeEach(() => {
    before = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(before));

  describe('opens the tunnel and leaves every byte of it', () => {
    const HEADS: Readonly<Record<string, string>> = {
      '200': 'HTTP/1.1 200 Connection established\r\n\r\n',
      '200 of HTTP/1.0': 'HTTP/1.0 200 OK\r\nVia: x\r\n\r\n',
      '200 without a reason': 'HTTP/1.1 200\r\n\r\n',
      '201': 'HTTP/1.1 201 Created\r\n\r\n',
      '204': 'HTTP/1.1 204 No Content\r\n\r\n',
      '299': 'HTTP/1.1 299 Odd\r\n\r\n',
      '200 with Content-Length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n',
      '200 with Content-Length: 0': 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      '200 with Transfer-Encoding': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n',
      '200 with Connection: close': 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n',
      'bare LF': 'HTTP/1.1 200 OK\nA: 1\n\n',
      'bare LF without headers': 'HTTP/1.1 200 OK\n\n',
      'folded headers': 'HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\n\t3\r\n\r\n',
      'odd header lines': 'HTTP/1.1 200 OK\r\nno colon\r\n: no name\r\nB\u0001: \u001b[31m\r\n\r\n',
      '100 before': 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
      '103 and 100 before': 'HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\nHTTP/1.1 100 C\n\nHTTP/1.1 200 OK\r\n\r\n',
      '60 KiB of headers': `HTTP/1.1 200 OK\r\n${`X-Filler: ${'x'.repeat(988)}\r\n`.repeat(60)}\r\n`,
    };
    for (const [name, head] of Object.entries(HEADS)) {
      it(`${name}, the banner in the same segment`, () =>
        withProxy(answering(Buffer.from(head + BANNER, 'latin1')), {}, async (outcome) => {
          expect(await drain(outcome)).to.equal(BANNER);
        }));
      if (head.length > 1000) continue;
      it(`${name}, one byte at a time`, () =>
        withProxy(oneByOne(head + BANNER), {}, async (outcome) => expect(await drain(outcome)).to.equal(BANNER)));
    }

    it('and sends what the caller writes, after the request and nothing else', async () => {
      let rest = '';
      await withProxy(
        async (line) => {
          await line.takeThrough(REQUEST_END);
          await line.send('HTTP/1.1 200 OK\r\n\r\n');
          rest = (await line.rest()).toString('latin1');
          line.end();
        },
        {},
        async (outcome) => {
          outcome.stream?.end(BANNER, 'latin1');
          await drain(outcome);
          expect(rest).to.equal(BANNER);
        },
      );
    });

    it('and reports both sides line by line, without secrets, cookies and control characters', async () => {
      await withProxy(
        answering(
          `HTTP/1.1 200 Op\x1b[31mened\r\nVia: \x07proxy\r\nset-cookie: marker=1\r\nX-Long: ${'x'.repeat(500)}\r\n\r\n`,
        ),
        {
          userInfo: 'me:marker-1234@',
          options: { auth: 'basic', headers: { 'User-Agent': '', 'X-Key': 'marker-5678' } },
        },
        async (outcome) => {
          await drain(outcome);
          const said = outcome.events.filter(({ event }) => event === 'sent' || event === 'received');
          expect(said).to.deep.equal([
            {
              event: 'sent',
              text: 'CONNECT host.example:22 HTTP/1.1',
              details: ['Host: host.example:22', 'X-Key: ***', 'Proxy-Authorization: Basic ***'],
            },
            {
              event: 'received',
              text: 'HTTP/1.1 200 Op [31mened',
              details: ['Via:  proxy', 'set-cookie: ***', `X-Long: ${'x'.repeat(192)}…`],
            },
          ]);
        },
      );
    });

    it('in two round trips: TCP and the request, which is one flight', () => {
      let flights = 0;
      return withProxy(
        async (line) => {
          await line.takeThrough(REQUEST_END);
          flights = line.flights;
          await line.send('HTTP/1.1 200 OK\r\n\r\n');
          line.end();
        },
        {},
        async (outcome, proxy) => {
          await drain(outcome);
          expect([flights, proxy.connections()]).to.deep.equal([1, 1]);
          expect(requestsOf(proxy)).to.deep.equal([
            `CONNECT host.example:22 HTTP/1.1\r\nHost: host.example:22\r\nUser-Agent: fdpass/${fdpassVersion()}\r\n\r\n`,
          ]);
        },
      );
    });

    it('to an IPv6 literal, with headers of the options', () =>
      withProxy(
        answering('HTTP/1.1 200 OK\r\n\r\n'),
        {
          target: { host: '2001:db8::1', port: 2222 },
          options: { headers: { 'User-Agent': 'fdpass', 'X-Zone': 'a' } },
        },
        async (outcome, proxy) => {
          await drain(outcome);
          expect(requestsOf(proxy)).to.deep.equal([
            'CONNECT [2001:db8::1]:2222 HTTP/1.1\r\nHost: [2001:db8::1]:2222\r\nUser-Agent: fdpass\r\nX-Zone: a\r\n\r\n',
          ]);
        },
      ));
  });

  describe('fails, and says why', () => {
    const PAGE =
      '<html><head><title>x</title><style>b{}</style></head><body><h1>Blocked</h1>\n<p>by \u001b[31mpolicy</p>';
    const html = (status: string, body = PAGE): string =>
      `HTTP/1.1 ${status}\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const CASES: readonly [name: string, script: Script, code: string, text: RegExp, spec?: DialSpec][] = [
      [
        '403',
        answering(html('403 Forbidden')),
        'permission',
        /the proxy answered 403 Forbidden \(Blocked by \[31mpolicy\); .*ports/,
      ],
      [
        '502',
        answering(html('502 Bad Gateway')),
        'unreachable',
        /502 Bad Gateway \(Blocked by .*check the target: the proxy could not reach it/,
      ],
      ['503', answering(html('503 Service Unavailable')), 'unreachable', /503 Service Unavailable \(Blocked/],
      ['504', answering(html('504 Gateway Timeout')), 'timeout', /504 Gateway Timeout .*check the target/],
      [
        'a page in chunks',
        answering('HTTP/1.1 403 No\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'),
        'permission',
        /403 No \(hello\)/,
      ],
      [
        'a page that ends with the connection',
        answering('HTTP/1.0 403 No\r\n\r\nhello'),
        'permission',
        /403 No \(hello\)/,
      ],
      [
        'a page that breaks off',
        answering('HTTP/1.1 403 No\r\nContent-Length: 99\r\n\r\nhello'),
        'permission',
        /403 No \(hello\)/,
      ],
      ['no page', answering('HTTP/1.1 403 No\r\n\r\n'), 'permission', /answered 403 No;/],
      [
        'control characters',
        answering('HTTP/1.1 403 \u001b[2Jno\u0007\u009b\r\nX: \u0001\r\n\r\n'),
        'permission',
        /answered 403 \[2Jno;/,
      ],
      ['300', answering('HTTP/1.1 302 Found\r\nLocation: http://x\r\n\r\n'), 'protocol', /answered 302 Found/],
      ['400', answering('HTTP/1.1 400 Bad Request\r\n\r\n'), 'protocol', /answered 400 Bad Request/],
      [
        'a redirect of a network that wants a login',
        answering('HTTP/1.1 302 Found\r\nLocation: http://u:hush@login.hotel.example/in?token=hush\r\n\r\n'),
        'protocol',
        /answered 302 Found, see http:\/\/\*\*\*@login\.hotel\.example\/in\?\*\*\*; open that page in a browser/,
      ],
      [
        "nginx's port for https",
        answering(html('400 Bad Request', '<h1>The plain HTTP request was sent to HTTPS port</h1>')),
        'protocol',
        /400 Bad Request \(The plain HTTP .*; this port wants TLS: use https:\/\//,
      ],
      [
        "Apache's port for https",
        answering(html('400 Bad Request', "<p>You're speaking plain HTTP to an SSL-enabled server port.")),
        'protocol',
        /this port wants TLS: use https:\/\//,
      ],
      [
        "Go's port for https",
        answering('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n'),
        'protocol',
        /this port wants TLS: use https:\/\//,
      ],
      [
        "squid's name for what went wrong",
        answering('HTTP/1.1 503 Service Unavailable\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\n<p>Unable</p>'),
        'unreachable',
        /503 Service Unavailable \(Unable; ERR_DNS_FAIL\); check the target: the proxy could not reach it/,
      ],
      [
        '404 of Privoxy',
        answering('HTTP/1.1 404 No such domain\r\n\r\n'),
        'unreachable',
        /404 No such domain; check the target: the proxy could not reach it/,
      ],
      ['404 of a web server', answering('HTTP/1.1 404 Not Found\r\n\r\n'), 'unreachable', /not a web server/],
      ['401', answering('HTTP/1.1 401 Unauthorized\r\n\r\n'), 'permission', /web server/],
      [
        '405 of a web server',
        answering('HTTP/1.1 405 Not Allowed\r\n\r\n'),
        'protocol',
        /check that this is a proxy, not a web server/,
      ],
      ['101', answering('HTTP/1.1 101 Switching Protocols\r\n\r\n'), 'protocol', /answered 101 Switching Protocols/],
      [
        'endless interim responses',
        answering('HTTP/1.1 100 C\r\n\r\n'.repeat(100)),
        'protocol',
        /endless interim responses/,
      ],
      ['garbage', answering('\u0001\u0002\u0003garbage'), 'protocol', /does not speak HTTP; check that it is/],
      [
        'an ssh server',
        answering('SSH-2.0-OpenSSH_9.9\r\n'),
        'protocol',
        /speak HTTP; it is an ssh server, not a proxy/,
      ],
      ['a SOCKS 5 server', answering(Buffer.of(5, 0xff)), 'protocol', /socks5h:\/\//],
      ['a SOCKS 4 server', answering(Buffer.of(0, 91, 0, 0, 0, 0, 0, 0)), 'protocol', /socks5h:\/\//],
      ['a TLS server', answering(Buffer.of(0x15, 3, 1, 0, 2, 2, 22)), 'protocol', /https:\/\//],
      ['HTTP/2', answering(Buffer.of(0, 0, 0x12, 4, 0, 0, 0, 0, 0)), 'protocol', /does not speak HTTP/],
      [
        'a status line that is none',
        answering('HTTP/1.1 OK\r\n\r\n'),
        'protocol',
        /status line is malformed: "HTTP\/1.1 OK"/,
      ],
      [
        '64 KiB without an end',
        answering(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`),
        'protocol',
        /no end within 65536 bytes/,
      ],
      [
        'a close at once, as by a SOCKS proxy',
        (line) => line.end(),
        'unreachable',
        /the connection closed before the proxy's response; check that it is an HTTP proxy, not a SOCKS or TLS one/,
      ],
      ['a close after the request', answering(''), 'unreachable', /the connection closed before the proxy's response/],
      ['a 407 without a challenge', answering('HTTP/1.1 407 Auth\r\n\r\n'), 'protocol', /does not say which/],
      [
        'a 407 and no credentials',
        answering('HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n'),
        'permission',
        /wants a user name and a password \(basic\); add "credentials"/,
      ],
      [
        'a 407 for a scheme we lack',
        answering('HTTP/1.1 407 A\r\nProxy-Authenticate: NTLM\r\n\r\n'),
        'permission',
        /authentication that fdpass cannot do: ntlm; .*use a plugin/,
        { userInfo: 'u:p@' },
      ],
      ...['Negotiate', 'NTLM', 'Bearer realm="x"', 'Digest realm="x", nonce="n", qop="auth-int"'].map(
        (challenge): (typeof CASES)[number] => [
          `a 407 for ${challenge} alone, and no credentials`,
          answering(`HTTP/1.1 407 A\r\nProxy-Authenticate: ${challenge}\r\n\r\n`),
          'permission',
          /the proxy asks for authentication that fdpass cannot do: \w+; .*use a plugin/,
        ],
      ),
    ];
    for (const [name, script, code, text, spec = {}] of CASES) {
      it(name, () =>
        withProxy(script, spec, (outcome, proxy) => {
          expect(outcome.text).to.match(text);
          expect(outcome.code).to.equal(code);
          expect(outcome.text).to.match(/^[ -~\u2026]*$/);
          expect(proxy.connections()).to.equal(1);
        }),
      );
    }

    const REASONS: readonly [reason: Buffer, shown: string][] = [
      [Buffer.from('Acc\u00e8s refus\u00e9'), 'Acc\u00e8s refus\u00e9'],
      [Buffer.from('Acc\u00e8s refus\u00e9', 'latin1'), 'Acc\u00e8s refus\u00e9'],
      [Buffer.from('\u041d\u0435\u0442'), '\u041d\u0435\u0442'],
    ];
    for (const [reason, shown] of REASONS) {
      it(`a reason that is not ASCII: ${shown}`, () =>
        withProxy(
          answering(Buffer.concat([Buffer.from('HTTP/1.1 403 '), reason, Buffer.from('\r\n\r\n')])),
          {},
          ({ text }) => expect(text).to.match(new RegExp(`answered 403 ${shown};`)),
        ));
    }

    it('a page that never comes: the status all the same', () =>
      withProxy(
        async (line) => {
          await line.takeThrough(REQUEST_END);
          await line.send('HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhe');
          await line.stall();
        },
        {},
        ({ text, code }) =>
          expect([code, text.split(';')[0]]).to.deep.equal(['permission', 'the proxy answered 403 No (he)']),
      ));

    it('a page that repeats what we sent: without the secrets', () =>
      withProxy(
        async (line) => {
          const request = (await line.takeThrough(REQUEST_END)).toString('latin1').replaceAll('\r\n', ' ');
          await line.send(`HTTP/1.1 403 ${request}\r\nContent-Length: ${request.length}\r\n\r\n${request}`);
          line.end();
        },
        {
          userInfo: 'me:marker-1234@',
          options: { auth: 'basic', headers: { 'User-Agent': '', 'X-Key': 'marker-5678' } },
        },
        ({ text, events }) => {
          expect(text).to.contain('X-Key: ***').and.contain('Basic ***');
          expect(text + JSON.stringify(events)).to.not.match(/marker|bWU6/);
        },
      ));

    const CUT = 'HTTP/1.1 200 OK\r\nVia: x\r\n\r\n';
    it(`an answer of ${CUT.length} bytes that ends after each of them`, async () => {
      for (let length = 0; length < CUT.length; length++) {
        await withProxy(answering(CUT.slice(0, length)), {}, ({ code, text }) => {
          expect(text, `after ${length}`).to.match(
            /the connection closed (before|after \d+ bytes of) the proxy's response/,
          );
          expect(code, `after ${length}`).to.equal(length === 0 ? 'unreachable' : 'protocol');
        });
      }
    });

    it('an answer that is reset in the middle', async () => {
      for (const part of ['', 'HTTP/1.1 200 OK\r\nVia']) {
        const script = async (line: ScriptedLine): Promise<void> => {
          await line.takeThrough(REQUEST_END);
          await line.send(part);
          line.reset();
        };
        await withProxy(script, {}, ({ code, text }) => {
          expect(code).to.equal('unreachable');
          expect(text).to.match(/the connection broke \(connection reset/);
        });
      }
    });

    it('silence until the time is over: that the proxy was reached', async () => {
      const clock = new VirtualClock();
      const deadline = startDeadline(9000, undefined, clock);
      const context: DialContext = {
        signal: deadline.signal,
        trace: ({ event }) => void (event === 'waiting' && clock.advance(9000)),
      };
      await withProxy(
        (line) => line.stall(),
        { context },
        ({ text, code }) => {
          expect(text).to.match(
            /^timed out after 9 s: connected to 127\.0\.0\.1:\d+, but no HTTP response came; check that it is an HTTP proxy, not/,
          );
          expect(code).to.equal('timeout');
        },
      );
      deadline.release();
    });

    it('silence, with the reason of whoever ends it', async () => {
      const reason = new Error('enough');
      const abort = new AbortController();
      const script = async (line: ScriptedLine): Promise<void> => {
        await line.takeThrough(REQUEST_END);
        abort.abort(reason);
        await line.stall();
      };
      await withProxy(script, { context: { signal: abort.signal } }, ({ text }) => {
        expect(text).to.equal('not ours: Error: enough');
      });
    });

    it('a signal that is aborted already, without a connection', () =>
      withProxy(
        () => {},
        { context: { signal: AbortSignal.abort(new Error('before')) } },
        ({ text }, proxy) => expect([text, proxy.connections()]).to.deep.equal(['not ours: Error: before', 0]),
      ));

    it('a target that is not a host, without a connection', async () => {
      const outcome = await dialProxy(1, { target: { host: '/run/socket', port: 1 } });
      expect([outcome.code, outcome.text]).to.deep.equal([
        'config',
        '"/run/socket" is not a host that an HTTP proxy could reach',
      ]);
    });
  });
});
