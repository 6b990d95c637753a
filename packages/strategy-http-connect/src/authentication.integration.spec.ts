import { createHash } from 'node:crypto';
import type { StrategyHost } from '@fdpass/core';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import { type Script, type ScriptedLine, type ScriptedServer, testHost, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import type { AuthenticationScheme } from './authentication.js';
import { type Challenge, parseChallenges } from './challenge.js';
import { type DialSpec, drain, HOST, requestsOf, withProxy } from './proxy.spec.helper.js';

const BANNER = 'SSH-2.0-test\r\n';
const OPEN = `HTTP/1.1 200 OK\r\n\r\n${BANNER}`;
const ME = { userInfo: 'me:open%20sesame@' };
const BASIC = `Basic ${Buffer.from('me:open sesame').toString('base64')}`;

const NONCES = ['first', 'second', 'third', 'fourth', 'fifth'];
const digestOf = (nonce: string, more = ''): string =>
  `Proxy-Authenticate: Digest realm="r", nonce="${nonce}", qop="auth", algorithm=SHA-256${more}\r\n`;
const ASK_BASIC = 'Proxy-Authenticate: Basic realm="r"\r\n';

const asking = (headers: string, body = ''): string =>
  `HTTP/1.1 407 Auth\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Answers request after request with these replies; a connection ends after one that says close, or `endAfter`. */
function replying(replies: readonly (string | Buffer)[], endAfter: (reply: string) => boolean = saysClose): Script {
  let next = 0;
  return async (line: ScriptedLine) => {
    for (;;) {
      await line.takeThrough('\r\n\r\n');
      const reply = replies[Math.min(next++, replies.length - 1)] ?? '';
      await line.send(reply);
      const text = reply.toString();
      if (endAfter(text) || text.startsWith('HTTP/1.1 200')) return line.end();
    }
  };
}

function saysClose(reply: string): boolean {
  return /Connection: close|HTTP\/1\.0/.test(reply);
}

function authorizations(proxy: ScriptedServer): (string | undefined)[] {
  return proxy.received
    .flatMap((_, index) => requestsOf(proxy, index))
    .map((request) => /^Proxy-Authorization: (.*)\r$/m.exec(request)?.[1]);
}

/** Checks a Digest answer as a proxy that knows the password does. */
function expectDigest(header: string | undefined, nonce: string): void {
  const [challenge] = parseChallenges([header ?? '']) as [Challenge];
  const get = (name: string): string => challenge.params.get(name) ?? '';
  const hash = (text: string): string => createHash('sha256').update(text).digest('hex');
  const a1 = hash('me:r:open sesame');
  const a2 = hash('CONNECT:host.example:22');
  expect(challenge.scheme).to.equal('digest');
  expect([get('username'), get('realm'), get('nonce'), get('uri')]).to.deep.equal([
    'me',
    'r',
    nonce,
    'host.example:22',
  ]);
  expect(get('response')).to.equal(hash([a1, nonce, get('nc'), get('cnonce'), 'auth', a2].join(':')));
}

describe('http-connect authentication against a scripted proxy', () => {
  let before: string[];
  beforeEach(() => {
    before = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(before));

  const CHUNKS = 'Transfer-Encoding: chunked';
  /** A 407 whose body is still to come. */
  const asked = (length: string): string => `HTTP/1.1 407 Auth\r\n${ASK_BASIC}${length}\r\n\r\n`;
  const CHUNKED = `HTTP/1.1 407 Auth\r\n${ASK_BASIC}Transfer-Encoding: chunked\r\n\r\n4;x\r\npage\r\n0\r\nTrailer: x\r\n\r\n`;
  const UNTIL_CLOSE = `HTTP/1.1 407 Auth\r\n${ASK_BASIC}\r\nsome page`;
  const ONE_OH = `HTTP/1.0 407 Auth\r\n${ASK_BASIC}Content-Length: 4\r\n\r\npage`;
  const KEEPING_ONE_OH = `HTTP/1.0 407 Auth\r\n${ASK_BASIC}Proxy-Connection: keep-alive\r\nContent-Length: 4\r\n\r\npage`;
  const never = (): boolean => false;
  const always = (): boolean => true;

  const WAYS: readonly [
    name: string,
    replies: readonly string[],
    endAfter: (reply: string) => boolean,
    connections: number,
  ][] = [
    ['the same connection, no body', [asking(ASK_BASIC), OPEN], never, 1],
    ['the same connection, after a body', [asking(ASK_BASIC, 'x'.repeat(5000)), OPEN], never, 1],
    ['the same connection, after a body in chunks', [CHUNKED, OPEN], never, 1],
    ['the same connection of HTTP/1.0', [KEEPING_ONE_OH, OPEN], never, 1],
    ['a new one, as the proxy says close', [asking(`${ASK_BASIC}Connection: close\r\n`), OPEN], saysClose, 2],
    [
      'a new one, as the proxy says Proxy-Connection: close',
      [asking(`${ASK_BASIC}Proxy-Connection: close\r\n`), OPEN],
      always,
      2,
    ],
    ['a new one after HTTP/1.0', [ONE_OH, OPEN], saysClose, 2],
    ['a new one after a body that only the end ends', [UNTIL_CLOSE, OPEN], always, 2],
    ['a new one after a body too long to read away', [asking(ASK_BASIC, 'x'.repeat(100_000)), OPEN], always, 2],
    [
      'a new one, though all of a body too long to read away has come',
      [asking(ASK_BASIC, 'x'.repeat(100_000)), OPEN],
      never,
      2,
    ],
    ['a new one, though the proxy said it would keep it', [asking(ASK_BASIC), OPEN], always, 2],
    ['a new one after a body that breaks off', [`${asked('Content-Length: 921')}page`, OPEN], always, 2],
    ['a new one after a body that is missing', [asked('Content-Length: 921'), OPEN], always, 2],
    ['a new one after chunks that break off', [`${asked(CHUNKS)}5\r\nhel`, OPEN], always, 2],
    ['a new one after chunks that are none', [`${asked(CHUNKS)}<html>no`, OPEN], never, 2],
    ['a new one after a trailer without end', [`${asked(CHUNKS)}0\r\n${'X: y\r\n'.repeat(20_000)}`, OPEN], never, 2],
  ];
  for (const [name, replies, endAfter, connections] of WAYS) {
    it(`Basic on ${name}`, () =>
      withProxy(replying(replies, endAfter), ME, async (outcome, proxy) => {
        expect(await drain(outcome)).to.equal(BANNER);
        const sent = authorizations(proxy);
        expect([sent[0], sent.at(-1)]).to.deep.equal([undefined, BASIC]);
        expect(proxy.connections()).to.equal(connections);
      }));
  }

  it('Basic on a new connection half a second after a body that never comes', async () => {
    const clock = new VirtualClock();
    await withProxy(
      replying([asked('Content-Length: 921'), OPEN], never),
      {
        ...ME,
        host: { ...HOST, clock },
        // The body is waited for once the challenge has an answer.
        context: {
          trace: (event) =>
            void (event.event === 'waiting' && event.for === "the response's body" && clock.advance(500)),
        },
      },
      async (outcome, proxy) => {
        expect(await drain(outcome)).to.equal(BANNER);
        expect([authorizations(proxy), proxy.connections()]).to.deep.equal([[undefined, BASIC], 2]);
        expect(clock.pending).to.equal(0);
      },
    );
  });

  describe('where a refusal is not a challenge', () => {
    const REFUSALS: Readonly<Record<string, string>> = {
      401: 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 4\r\n\r\npage',
      405: 'HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n',
      'a 407 without a challenge': 'HTTP/1.1 407 Auth\r\nContent-Length: 0\r\n\r\n',
      'a 407 with an empty challenge': 'HTTP/1.1 407 Auth\r\nProxy-Authenticate: \r\nContent-Length: 0\r\n\r\n',
    };
    const credentials = { username: 'me', passwordEnv: 'PASSWORD' };
    const host = testHost({ forward: HOST.forward, environment: { PASSWORD: 'open sesame' } });
    const NONE = {};
    for (const [name, refusal] of Object.entries(REFUSALS)) {
      it(`${name}: Basic, once, with the password of the URL`, () =>
        withProxy(replying([refusal, OPEN]), ME, async (outcome, proxy) => {
          expect(await drain(outcome)).to.equal(BANNER);
          expect([authorizations(proxy), proxy.connections()]).to.deep.equal([[undefined, BASIC], 1]);
        }));

      it(`${name}, again and again: an error after one retry`, () =>
        withProxy(replying([refusal]), ME, (outcome, proxy) => {
          expect(outcome.text).to.match(name === '405' ? /answered 405 Not Allowed/ : /refused the user name/);
          expect(authorizations(proxy)).to.deep.equal([undefined, BASIC]);
        }));

      it(`${name}: a hint, and no password, where credentials come from elsewhere`, () =>
        withProxy(replying([refusal]), { host, options: { credentials } }, (outcome, proxy) => {
          expect(outcome.text).to.match(/; set "auth: basic" if this proxy wants the password without asking$/);
          expect(authorizations(proxy)).to.deep.equal([undefined]);
        }));

      it(`${name}: one request where it had the password at once`, () =>
        withProxy(replying([refusal]), { host, options: { credentials, auth: 'basic' } }, (outcome, proxy) => {
          expect(outcome.text).to.match(name === '405' ? /answered 405/ : /refused the user name or the password/);
          expect(authorizations(proxy)).to.deep.equal([BASIC]);
        }));

      it(`${name}: one request where there is no password`, () =>
        withProxy(replying([refusal]), NONE, (outcome, proxy) => {
          expect(outcome.text).to.not.match(/refused the user name/);
          expect(authorizations(proxy)).to.deep.equal([undefined]);
        }));
    }

    for (const headers of ['', ASK_BASIC]) {
      it(`a 403 is not one, ${headers === '' ? 'bare' : 'even with a challenge'}`, () =>
        withProxy(replying([`HTTP/1.1 403 No\r\n${headers}Content-Length: 0\r\n\r\n`]), ME, (outcome, proxy) => {
          expect(outcome.text).to.match(/answered 403/);
          expect(authorizations(proxy)).to.deep.equal([undefined]);
        }));
    }
  });

  describe('a password that the proxy repeats is not shown', () => {
    const REPEATED: Readonly<Record<string, Buffer>> = {
      'open%20sesame': Buffer.from('open sesame'),
      'p%C3%A4sswort': Buffer.from('p\u00e4sswort'),
      'p%E4sswort': Buffer.from('p\u00e4sswort', 'latin1'),
    };
    for (const [written, octets] of Object.entries(REPEATED)) {
      it(written, () => {
        const refusal = [Buffer.from('HTTP/1.1 403 not '), octets, Buffer.from('\r\n\r\nWrong: '), octets];
        const spec = { userInfo: `me:${written}@`, options: { auth: 'basic' as const } };
        return withProxy(
          replying([Buffer.concat(refusal)], () => true),
          spec,
          (outcome) => {
            expect(outcome.text).to.contain('answered 403 not *** (Wrong: ***)');
          },
        );
      });
    }
  });

  describe('asks for a password', () => {
    const ASKING = { options: { credentials: { username: 'me', ask: true } } };
    const asking407 = (challenge: string): string =>
      `HTTP/1.1 407 Auth\r\nProxy-Authenticate: ${challenge}\r\nContent-Length: 0\r\n\r\n`;
    const CASES: readonly [name: string, replies: readonly string[], questions: number][] = [
      ['when the proxy wants one, once', [asking407('Basic realm="r"'), OPEN], 1],
      ['once for several rounds', [asking(digestOf('first')), asking(digestOf('second', ', stale=true')), OPEN], 1],
      ['not when the proxy does not ask', [OPEN], 0],
      ['not when it offers only what we cannot do', [asking407('Negotiate, NTLM')], 0],
    ];
    for (const [name, replies, questions] of CASES) {
      it(name, () => {
        let asked = 0;
        const host: StrategyHost = {
          ...HOST,
          credentials: async () => {
            asked++;
            return { username: 'me', password: 'open sesame' };
          },
        };
        return withProxy(replying(replies), { ...ASKING, host }, async () => expect(asked).to.equal(questions));
      });
    }
  });

  it('Basic without waiting for the challenge, where the options say so', () =>
    withProxy(replying([OPEN]), { ...ME, options: { auth: 'basic' } }, async (outcome, proxy) => {
      await drain(outcome);
      expect(authorizations(proxy)).to.deep.equal([BASIC]);
    }));

  it('Basic with octets that are not UTF-8, as the URL has them', () => {
    const userInfo = 'm%E9:%FF@';
    return withProxy(replying([OPEN]), { userInfo, options: { auth: 'basic' } }, async (outcome, proxy) => {
      await drain(outcome);
      expect(authorizations(proxy)).to.deep.equal([`Basic ${Buffer.from('m\xe9:\xff', 'latin1').toString('base64')}`]);
    });
  });

  it('never a password to a proxy that does not ask', () =>
    withProxy(replying([OPEN]), ME, async (outcome, proxy) => {
      await drain(outcome);
      expect(authorizations(proxy)).to.deep.equal([undefined]);
    }));

  it('Digest', () =>
    withProxy(replying([asking(digestOf('first')), OPEN]), ME, async (outcome, proxy) => {
      expect(await drain(outcome)).to.equal(BANNER);
      expectDigest(authorizations(proxy)[1], 'first');
      expect(proxy.connections()).to.equal(1);
    }));

  it('Digest on a new connection', () =>
    withProxy(replying([asking(`${digestOf('first')}Connection: close\r\n`), OPEN]), ME, async (outcome, proxy) => {
      expect(await drain(outcome)).to.equal(BANNER);
      expectDigest(authorizations(proxy)[1], 'first');
      expect(proxy.connections()).to.equal(2);
    }));

  it('Digest with a nonce that has gone stale meanwhile', () =>
    withProxy(
      replying([asking(digestOf('first')), asking(digestOf('second', ', stale=TRUE')), OPEN]),
      ME,
      async (outcome, proxy) => {
        expect(await drain(outcome)).to.equal(BANNER);
        expectDigest(authorizations(proxy)[1], 'first');
        expectDigest(authorizations(proxy)[2], 'second');
      },
    ));

  it('Digest by the octets of the challenge, whatever their encoding', async () => {
    for (const encoding of ['utf8', 'latin1'] as const) {
      const octets = (text: string): string => Buffer.from(text, encoding).toString('latin1');
      const challenge = octets('Digest realm="Acc\u00e8s", nonce="n\u00e9", opaque="\u00f8", qop="auth"');
      const refusal = asking(`Proxy-Authenticate: ${challenge}\r\n`);
      const script = replying([Buffer.from(refusal, 'latin1'), OPEN]);
      await withProxy(script, { userInfo: 'm%C3%A9:s%C3%A9same@' }, async (outcome, proxy) => {
        await drain(outcome);
        const [answer] = parseChallenges([authorizations(proxy)[1] ?? '']);
        const get = (name: string): string => answer?.params.get(name) ?? '';
        expect([get('realm'), get('nonce'), get('opaque')]).to.deep.equal(
          ['Acc\u00e8s', 'n\u00e9', '\u00f8'].map(octets),
        );
        const hash = (...parts: readonly string[]): string =>
          createHash('md5')
            .update(Buffer.from(parts.join(':'), 'latin1'))
            .digest('hex');
        const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
        const a1 = hash(utf8('m\u00e9'), octets('Acc\u00e8s'), utf8('s\u00e9same'));
        const a2 = hash('CONNECT', 'host.example:22');
        expect(get('response')).to.equal(hash(a1, octets('n\u00e9'), get('nc'), get('cnonce'), 'auth', a2));
      });
    }
  });

  const CHOICES: readonly [name: string, headers: string, expected: RegExp][] = [
    ['Digest rather than Basic', ASK_BASIC + digestOf('n'), /^Digest .*SHA-256/],
    [
      'SHA-256 rather than MD5, in one header',
      'Proxy-Authenticate: Digest realm="a, b", nonce="n", algorithm=MD5, qop="auth", Digest realm="r", nonce="m", algorithm=SHA-256, qop="auth", Basic realm="x"\r\n',
      /^Digest .*nonce="m".*algorithm=SHA-256/,
    ],
    [
      'Basic rather than a Digest of auth-int alone',
      `${ASK_BASIC}Proxy-Authenticate: Digest realm="r", nonce="n", qop="auth-int"\r\n`,
      /^Basic /,
    ],
    [
      'Basic rather than a Digest of an unknown hash',
      `${ASK_BASIC}Proxy-Authenticate: Digest realm="r", nonce="n", algorithm=SHA3\r\n`,
      /^Basic /,
    ],
    ['Basic rather than a Digest without a nonce', `${ASK_BASIC}Proxy-Authenticate: Digest realm="r"\r\n`, /^Basic /],
    ['Basic rather than what we lack', `Proxy-Authenticate: Negotiate, NTLM, Basic realm="r"\r\n`, /^Basic /],
    ['a Digest whose qop is empty', 'Proxy-Authenticate: Digest realm="r", nonce="n", qop=""\r\n', /^Digest (?!.*qop)/],
    [
      'a Digest of no qop and blanks',
      'Proxy-Authenticate: Digest realm=A B nonce=a/b== qop=auth\r\n',
      /nonce="a\/b=="/,
    ],
    [
      'a folded challenge',
      'Proxy-Authenticate: Digest realm="r",\r\n nonce="n",\r\n\tqop="auth"\r\n',
      /^Digest .*qop=auth/,
    ],
  ];
  for (const [name, headers, expected] of CHOICES) {
    it(`chooses ${name}`, () =>
      withProxy(replying([asking(headers), OPEN]), ME, async (outcome, proxy) => {
        await drain(outcome);
        expect(authorizations(proxy)[1]).to.match(expected);
      }));
  }

  it('another scheme of a plugin, over several rounds of one connection', () => {
    const rounds: AuthenticationScheme = {
      name: 'x-rounds',
      answer: ({ challenge, round }) => Promise.resolve(`X-Rounds ${challenge.token68 ?? 'start'}-${round}`),
    };
    const ask = (token: string): string => asking(`Proxy-Authenticate: X-Rounds${token}\r\n${ASK_BASIC}`);
    return withProxy(replying([ask(''), ask(' abc'), OPEN]), { ...ME, schemes: [rounds] }, async (outcome, proxy) => {
      await drain(outcome);
      expect(authorizations(proxy)).to.deep.equal([undefined, 'X-Rounds start-0', 'X-Rounds abc-1']);
      expect(proxy.connections()).to.equal(1);
    });
  });

  const REFUSALS: readonly [
    name: string,
    replies: readonly string[],
    spec: DialSpec,
    text: RegExp,
    requests: number,
  ][] = [
    ['Basic refused', [asking(ASK_BASIC)], ME, /refused the user name or the password; check the "credentials"/, 2],
    [
      'Basic refused, on new connections',
      [asking(`${ASK_BASIC}Connection: close\r\n`)],
      ME,
      /refused the user name or the/,
      2,
    ],
    ['Basic refused at once', [asking(ASK_BASIC)], { ...ME, options: { auth: 'basic' } }, /refused the user name/, 1],
    [
      'Basic refused with a 401',
      [asking(ASK_BASIC), 'HTTP/1.1 401 Unauthorized\r\n\r\n'],
      ME,
      /refused the user name/,
      2,
    ],
    ['Digest refused', NONCES.map((nonce) => asking(digestOf(nonce))), ME, /refused the user name or the password/, 2],
    [
      'a nonce stale for ever',
      NONCES.map((nonce) => asking(digestOf(nonce, ', stale=true'))),
      ME,
      /refused the user name/,
      4,
    ],
    ['a user name with a colon', [asking(ASK_BASIC)], { userInfo: 'a%3Ab:p@' }, /a user name with a colon/, 1],
    [
      'a user name of two lines',
      [asking(digestOf('n'))],
      { userInfo: 'a%0D%0AX:p@' },
      /a line break or a control character/,
      1,
    ],
  ];
  for (const [name, replies, spec, text, requests] of REFUSALS) {
    it(`${name}: ends and says so, without the password`, () =>
      withProxy(replying(replies), spec, (outcome, proxy) => {
        expect(outcome.text).to.match(text).and.not.contain('sesame');
        expect(['permission', 'config']).to.include(outcome.code);
        expect(authorizations(proxy)).to.have.lengthOf(requests);
      }));
  }

  it('warns of a password in the URL, without showing it', () =>
    withProxy(replying([OPEN]), ME, async (outcome) => {
      await drain(outcome);
      const notes = outcome.events.flatMap((event) => (event.event === 'note' ? event.text : []));
      expect(notes).to.have.lengthOf(1);
      expect(notes[0]).to.match(/^warning: the password for 127\.0\.0\.1 is in a URL/);
      expect(JSON.stringify(outcome.events)).to.not.contain('sesame').and.not.contain('bWU6');
    }));
});
