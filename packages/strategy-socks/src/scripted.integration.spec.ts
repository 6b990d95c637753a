import type { Duplex } from 'node:stream';
import {
  type Chain,
  type Clock,
  type DialContext,
  FdpassError,
  type StrategyHost,
  startDeadline,
  systemClock,
  type Target,
  type TraceEvent,
} from '@fdpass/core';
import type { Resolver } from '@fdpass/core/host';
import { expectNoDescriptorLeft, openDescriptors } from '@fdpass/test-lab';
import {
  contextOf,
  networkChain,
  refusalOf,
  type Script,
  type ScriptedLine,
  type ScriptedServer,
  startScriptedServer,
  streamOf,
  testHost,
  VirtualClock,
} from '@fdpass/testkit';
import { expect } from 'chai';
import { type SocksOptions, socks } from './index.js';

const BANNER = 'SSH-2.0-banner\r\n';
const TARGET: Target = { host: 'host.example', port: 22 };
const OK = '\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00';

/** Dials the proxy itself, regardless of its host. */
const forward: Chain = {
  ...networkChain,
  dial: ({ port }, context) => networkChain.dial({ host: '127.0.0.1', port }, context),
};

const resolve: Resolver = (host, family) =>
  Promise.resolve(
    family === 4
      ? [{ family: 4, host: '192.0.2.4' }]
      : [{ family: 6, host: host === 'six.example' ? '2001:db8::6' : '::ffff:192.0.2.7' }],
  );

async function dial(
  server: ScriptedServer,
  options: Partial<SocksOptions> = {},
  target = TARGET,
  context: DialContext = contextOf(),
  scheme = 'socks5h',
  clock: Clock = systemClock,
): Promise<Duplex> {
  const all = { url: `${scheme}://127.0.0.1:${server.port}`, ...options };
  const dialer = await socks.create(all, testHost({ resolve, forward, clock }));
  return streamOf(await dialer.dial(target, context));
}

async function readToEnd(stream: Duplex): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += (chunk as Buffer).toString('latin1');
  stream.destroy(); // its other half may be open, and Node 24 leaves it so
  return text;
}

/** Takes greeting and request of a polite client, and gives the request. */
async function polite(line: ScriptedLine, method = '\x00'): Promise<Buffer> {
  const [, count = 0] = await line.take(2);
  await line.take(count);
  await line.send(`\x05${method}`);
  if (method === '\x02') {
    const [, userLength = 0] = await line.take(2);
    const [passwordLength = 0] = (await line.take(userLength + 1)).subarray(-1);
    await line.take(passwordLength);
    await line.send('\x01\x00');
  }
  return takeRequest(line);
}

async function takeRequest(line: ScriptedLine): Promise<Buffer> {
  const head = await line.take(5);
  const length = { 1: 3, 3: head[4] ?? 0, 4: 15 }[head[3] ?? 0] ?? 0;
  return Buffer.concat([head, await line.take(length + 2)]);
}

describe('socks against a scripted proxy', () => {
  let openBefore: readonly string[];
  let server: ScriptedServer | undefined;
  beforeEach(() => {
    openBefore = openDescriptors();
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await expectNoDescriptorLeft(openBefore);
  });

  async function start(script: Script): Promise<ScriptedServer> {
    server = await startScriptedServer(script);
    return server;
  }

  const replies: Readonly<Record<string, string>> = {
    IPv4: OK,
    IPv6: `\x05\x00\x00\x04${'\x00'.repeat(18)}`,
    'domain name': '\x05\x00\x00\x03\x0bproxy.local\x00\x16',
    'empty domain name': '\x05\x00\x00\x03\x00\x00\x16',
  };
  for (const [type, reply] of Object.entries(replies)) {
    for (const deliver of ['in one segment with the banner', 'one byte at a time'] as const) {
      it(`takes a reply with an address of type ${type}, ${deliver}, and not a byte more`, async () => {
        const proxy = await start(async (line) => {
          await polite(line);
          await (deliver === 'one byte at a time' ? line.sendOneByOne(reply + BANNER) : line.send(reply + BANNER));
          line.end();
        });
        expect(await readToEnd(await dial(proxy))).to.equal(BANNER);
      });
    }
  }

  it('says how far a reply came that breaks off, at every byte', async () => {
    const whole = `\x05\x00${OK}`;
    for (let count = 0; count < whole.length; count++) {
      const proxy = await startScriptedServer(async (line) => {
        await line.take(3);
        await line.send(whole.slice(0, Math.min(count, 2)));
        if (count >= 2) await takeRequest(line);
        await line.send(whole.slice(2, Math.max(2, count)));
        line.end();
      });
      const message = await refusalOf(dial(proxy));
      expect(message, `${count} bytes`).to.match(
        count === 0
          ? /^unreachable: the connection closed before the method selection; check that it is a SOCKS 5 proxy/
          : count === 2
            ? /^unreachable: the connection closed before the reply: the target refused or is unreachable; /
            : /^protocol: the connection closed (before|after)/,
      );
      await proxy.close();
    }
  });

  const failures: readonly (readonly [what: string, script: Script, message: RegExp])[] = [
    [
      'a wrong version',
      (line) => line.send('\x04\x5a\0\0\0\0\0\0'),
      /^protocol: the proxy does not speak SOCKS5: it answered with version 4/,
    ],
    [
      'an HTTP proxy',
      (line) => line.send('HTTP/1.1 400 Bad Request\r\n\r\n'),
      /^protocol: .*looks like an HTTP proxy: use http:\/\//,
    ],
    ['garbage', (line) => line.send('\xff\xfe\xfd garbage'), /^protocol: the proxy does not speak SOCKS5/],
    [
      '64 KiB without an end',
      (line) => line.send('z'.repeat(65_536)).catch(() => {}),
      /^protocol: the proxy does not speak SOCKS5/,
    ],
    [
      'no acceptable method',
      (line) => line.send('\x05\xff'),
      /^permission: .*accepts none .*; .*it probably wants a user name and a password/,
    ],
    [
      'a method that was not offered',
      (line) => line.send('\x05\x01'),
      /^protocol: .*method 0x1, which was not offered/,
    ],
    [
      'a password that is wanted, though it was not offered',
      (line) => line.send('\x05\x02'),
      /^permission: .*accepts none .*; add "credentials"/,
    ],
    ['an ssh server', (line) => line.send('SSH-2.0-x\r\n'), /^protocol: .*; it is an ssh server, not a proxy/],
    [
      'a TLS server',
      (line) => line.send('\x15\x03\x01\0\x02\x02\x0a'),
      /^protocol: .*; it wants TLS: use socks5h\+tls:/,
    ],
    [
      'a SOCKS 4 proxy',
      (line) => line.send('\x00\x5b\0\0\0\0\0\0'),
      /^protocol: .*looks like a SOCKS proxy: .*socks4a:\/\//,
    ],
    ['a mail server', (line) => line.send('220 x\r\n'), /^protocol: .*; check that it is a SOCKS5 proxy/],
    [
      'a reset in place of the reply, as by ssh -D',
      async (line) => {
        await polite(line);
        line.reset();
      },
      /^unreachable: the connection broke \(connection reset\) before the reply: the target refused or is unreachable/,
    ],
    ['a reset', (line) => line.reset(), /^unreachable: .*(broke|closed|reset)/],
    [
      'an unknown address type',
      async (line) => {
        await polite(line);
        await line.send('\x05\x00\x00\x09');
      },
      /^protocol: .*unknown address type 0x9/,
    ],
    [
      'a refusal cut short after its code',
      async (line) => {
        await polite(line);
        await line.send('\x05\x05');
        line.end();
      },
      /^unreachable: .*connection refused \(SOCKS5 reply 0x05\)/,
    ],
  ];
  for (const [what, script, message] of failures) {
    it(`says what is wrong with ${what}`, async () => {
      const proxy = await start(script);
      expect(await refusalOf(dial(proxy))).to.match(message);
    });
  }
  const silences: readonly (readonly [scheme: string, greeted: boolean, message: RegExp])[] = [
    [
      'socks5h',
      false,
      /^timeout: timed out after 9 s: connected to 127\.0\.0\.1:\d+, but no SOCKS reply came; check that it is a SOCKS 5 proxy, not an HTTP or TLS one$/,
    ],
    [
      'socks5h',
      true,
      /^timeout: timed out after 9 s: connected to .*, but no reply to the request came; check the target: .*$/,
    ],
    [
      'socks4a',
      false,
      /^timeout: timed out after 9 s: connected to .*, but no SOCKS reply came; check that it is a SOCKS 4 proxy/,
    ],
  ];
  for (const [scheme, greeted, message] of silences) {
    it(`says that a ${scheme} proxy was reached but stays silent${greeted ? ' after its greeting' : ''}`, async () => {
      const proxy = await start(async (line) => {
        if (greeted) await polite(line);
        await line.stall();
      });
      const clock = new VirtualClock();
      const deadline = startDeadline(9000, undefined, clock);
      let waits = 0;
      const context: DialContext = {
        signal: deadline.signal,
        trace: ({ event }) => {
          if (event === 'waiting' && ++waits === (greeted ? 2 : 1)) void clock.advance(9000);
        },
      };
      expect(await refusalOf(dial(proxy, {}, TARGET, context, scheme))).to.match(message);
      deadline.release();
    });
  }

  it('ends with its signal in the middle of silence', async () => {
    const proxy = await start((line) => line.stall());
    const controller = new AbortController();
    const reason = new Error('enough');
    const context = contextOf(controller.signal);
    const failed = dial(proxy, {}, TARGET, {
      ...context,
      trace: ({ event }) => void (event === 'waiting' && controller.abort(reason)),
    });
    expect(await failed.catch((error: unknown) => error)).to.equal(reason);
  });

  it('sends a password where the proxy wants one, and says when it is wrong', async () => {
    const right = await start(async (line) => {
      await polite(line, '\x02');
      await line.send(OK + BANNER);
      line.end();
    });
    const url = `socks5h://me:s%C3%BC%C3%9F@127.0.0.1:${right.port}`;
    expect(await readToEnd(await dial(right, { url }))).to.equal(BANNER);
    expect(right.received[0]?.subarray(4, 14).toString()).to.equal('\x01\x02me\x05süß');
  });

  it('sends an empty password, an empty user name, or octets that are not UTF-8, where the URL has them', async () => {
    for (const [userInfo, sent] of [
      ['me@', '\x01\x02me\x00'],
      ['me:@', '\x01\x02me\x00'],
      [':pw@', '\x01\x00\x02pw'],
      ['m%E9:%FF@', '\x01\x02m\xe9\x01\xff'],
    ] as const) {
      const proxy = await startScriptedServer(async (line) => {
        await polite(line, '\x02');
        await line.send(OK + BANNER);
        line.end();
      });
      const url = `socks5h://${userInfo}127.0.0.1:${proxy.port}`;
      expect(await readToEnd(await dial(proxy, { url }))).to.equal(BANNER);
      expect(proxy.received[0]?.subarray(4, 4 + sent.length).toString('latin1'), userInfo).to.equal(sent);
      await proxy.close();
    }
  });

  it('asks for a password when the proxy wants one, and not before', async () => {
    for (const [method, questions] of [
      ['\x00', 0],
      ['\x02', 1],
    ] as const) {
      const proxy = await startScriptedServer(async (line) => {
        await polite(line, method);
        await line.send(OK + BANNER);
        line.end();
      });
      let asked = 0;
      const host: StrategyHost = {
        ...testHost({ forward }),
        credentials: async () => {
          asked++;
          return { username: 'me', password: 'pw' };
        },
      };
      const options = { url: `socks5h://127.0.0.1:${proxy.port}`, credentials: { username: 'me', ask: true } };
      const dialer = await socks.create(options, host);
      expect(await readToEnd(streamOf(await dialer.dial(TARGET, contextOf())))).to.equal(BANNER);
      expect(asked).to.equal(questions);
      await proxy.close();
    }
  });

  it('says that a password is wanted where credentials come to none', async () => {
    const proxy = await start(async (line) => {
      await line.take(4);
      await line.send('\x05\x02');
    });
    expect(await refusalOf(dial(proxy, { credentials: {} }))).to.match(
      /^permission: .*it probably wants a user name and a password/,
    );
  });

  it('refuses a wrong password in words that do not hold it', async () => {
    const proxy = await start(async (line) => {
      await line.take(4);
      await line.send('\x05\x02');
      await line.take(5);
      await line.send('\x01\x01');
      line.end();
    });
    const message = await refusalOf(dial(proxy, { url: `socks5h://me:hush@127.0.0.1:${proxy.port}` }));
    expect(message).to.equal(
      'permission: the proxy refused the user name or the password; check the "credentials" of the hop',
    );
  });

  /** How a server can end a conversation in place of a refusal of the password. */
  const CLOSES: Readonly<Record<string, readonly [end: (line: ScriptedLine) => unknown, how: string]>> = {
    closes: [(line) => line.end(), 'closed before the authentication status'],
    resets: [(line) => line.reset(), 'broke (connection reset) before the authentication status'],
    'closes in the middle': [
      (line) => line.send('\x01').then(() => line.end()),
      'closed after 1 of 2 bytes of the authentication status',
    ],
  };
  for (const [what, [end, how]] of Object.entries(CLOSES)) {
    it(`takes it for a refusal if the proxy ${what} after the password`, async () => {
      const proxy = await start(async (line) => {
        await line.take(4);
        await line.send('\x05\x02');
        await line.take(1 + 1 + 2 + 1 + 4);
        await end(line);
      });
      const message = await refusalOf(dial(proxy, { url: `socks5h://me:hush@127.0.0.1:${proxy.port}` }));
      expect(message).to.equal(
        `permission: the connection ${how}: the proxy probably refused the user name or the password; check the "credentials" of the hop`,
      );
    });
  }

  it('ends with its signal while it waits for the answer to the password', async () => {
    const proxy = await start(async (line) => {
      await line.take(4);
      await line.send('\x05\x02');
      await line.stall();
    });
    const controller = new AbortController();
    const reason = new Error('enough');
    const failed = dial(proxy, { url: `socks5h://me:hush@127.0.0.1:${proxy.port}` }, TARGET, {
      ...contextOf(controller.signal),
      trace(step) {
        if (step.event === 'waiting' && step.for === 'the authentication status') controller.abort(reason);
      },
    });
    expect(await failed.catch((error: unknown) => error)).to.equal(reason);
  });

  const CONVERSATIONS: readonly (readonly [what: string, url: string, script: Script, said: readonly string[]])[] = [
    [
      'without a password',
      'socks5h://127.0.0.1',
      async (line) => {
        await polite(line);
        await line.send(OK);
      },
      [
        'sent SOCKS5 greeting, offers no authentication',
        'received method: no authentication',
        'sent CONNECT host.example:22',
        'received succeeded',
      ],
    ],
    [
      'with a password, and a refusal',
      'socks5h://me:marker@127.0.0.1',
      async (line) => {
        await polite(line, '\x02');
        await line.send('\x05\x05\x00\x01');
      },
      [
        'sent SOCKS5 greeting, offers no authentication or user name and password',
        'received method: user name and password',
        'sent user name and password',
        'received authenticated',
        'sent CONNECT host.example:22',
        'received connection refused (SOCKS5 reply 0x05)',
      ],
    ],
    [
      'that breaks off',
      'socks5h://127.0.0.1',
      async (line) => {
        await line.take(3);
        await line.send('\x05\xff');
      },
      ['sent SOCKS5 greeting, offers no authentication', 'received method: none of them'],
    ],
    [
      'of version 4',
      'socks4a://marker@127.0.0.1',
      async (line) => {
        await line.take(8);
        await line.send('\x00\x5a\x00\x00\x00\x00\x00\x00');
      },
      ['sent SOCKS4 CONNECT host.example:22', 'received granted'],
    ],
  ];
  for (const [what, url, script, said] of CONVERSATIONS) {
    it(`reports a conversation ${what}, and no secret`, async () => {
      const proxy = await start(async (line) => {
        await script(line);
        line.end();
      });
      const events: TraceEvent[] = [];
      await dial(proxy, { url: `${url}:${proxy.port}` }, TARGET, contextOf(undefined, events)).then(
        readToEnd,
        () => {},
      );
      const texts = events.flatMap((event) =>
        event.event === 'sent' || event.event === 'received' ? `${event.event} ${event.text}` : [],
      );
      expect(texts).to.deep.equal(said);
      expect(JSON.stringify(texts)).to.not.contain('marker');
    });
  }

  const destinations: readonly (readonly [scheme: string, host: string, request: string])[] = [
    ['socks5h', 'host.example', `050100030c${Buffer.from('host.example').toString('hex')}0016`],
    ['socks5h', '192.0.2.9', '05010001c00002090016'],
    ['socks5h', '2001:db8::9', `0501000420010db8${'00'.repeat(11)}090016`],
    ['socks5', '192.0.2.9', '05010001c00002090016'],
    ['socks5', 'six.example', `0501000420010db8${'00'.repeat(11)}060016`],
  ];
  for (const [scheme, host, request] of destinations) {
    it(`asks by ${scheme} for ${host}`, async () => {
      let seen = '';
      const proxy = await start(async (line) => {
        seen = (await polite(line)).toString('hex');
        await line.send(OK);
        line.end();
      });
      await readToEnd(await dial(proxy, {}, { host, port: 22 }, contextOf(), scheme));
      expect(seen).to.equal(request);
    });
  }

  it('SOCKS 4 resolves names here, 4a there, and neither carries IPv6', async () => {
    for (const [scheme, length, expected] of [
      ['socks4', 9, '04010016c000020400'],
      ['socks4a', 22, `040100160000000100${Buffer.from('host.example').toString('hex')}00`],
    ] as const) {
      const proxy = await startScriptedServer(async (line) => {
        const request = await line.take(length);
        expect(request.toString('hex')).to.equal(expected);
        await line.send(`\x00\x5a\0\0\0\0\0\0${BANNER}`);
        line.end();
      });
      expect(await readToEnd(await dial(proxy, {}, TARGET, contextOf(), scheme))).to.equal(BANNER);
      expect(await refusalOf(dial(proxy, {}, { host: '::1', port: 22 }, contextOf(), scheme))).to.match(
        /^config: SOCKS 4 cannot carry an IPv6 address/,
      );
      await proxy.close();
    }
  });

  it('leaves names to the proxy where the user says so, as 4a and 5h do', async () => {
    const name = Buffer.from('host.example').toString('hex');
    const asked: string[] = [];
    const proxy = await start(async (line) => {
      asked.push((await polite(line)).toString('hex'));
      await line.send(OK);
      line.end();
    });
    const old = await startScriptedServer(async (line) => {
      asked.push((await line.take(22)).toString('hex'));
      await line.send('\x00\x5a\0\0\0\0\0\0');
      line.end();
    });
    for (const [scheme, { port }] of [
      ['socks5', proxy],
      ['socks4', old],
    ] as const) {
      const host = testHost({ resolve, forward, namesAt: 'there' });
      const dialer = await socks.create({ url: `${scheme}://127.0.0.1:${port}` }, host);
      await readToEnd(streamOf(await dialer.dial(TARGET, contextOf())));
    }
    expect(asked).to.deep.equal([`050100030c${name}0016`, `040100160000000100${name}00`]);
    await old.close();
  });

  it('SOCKS 4 takes the user name of the URL for its user id, unless the options name one', async () => {
    for (const [userInfo, options, userId, version] of [
      ['m%C3%A9', {}, 'm\u00e9', '\x00'],
      ['m%C3%A9', { userId: 'other' }, 'other', '\x00'],
      ['me:', {}, 'me', '\x04'], // an empty password is none; some proxies answer with version 4
    ] as const) {
      const proxy = await startScriptedServer(async (line) => {
        await line.take(9 + Buffer.byteLength(userId));
        await line.send(`${version}\x5a\0\0\0\0\0\0${BANNER}`);
        line.end();
      });
      const url = `socks4://${userInfo}@127.0.0.1:${proxy.port}`;
      expect(await readToEnd(await dial(proxy, { ...options, url }))).to.equal(BANNER);
      expect(String(proxy.received[0]?.subarray(8))).to.equal(`${userId}\0`);
      await proxy.close();
    }
  });

  it('needs a relay for TLS to the proxy, or where the hops before do', async () => {
    const needsRelay = async (url: string, before: boolean): Promise<boolean | undefined> => {
      const host = testHost({ forward: { ...forward, needsRelay: () => before } });
      return (await socks.create({ url }, host)).needsRelay?.(TARGET);
    };
    expect(await needsRelay('socks5h://proxy.example', false)).to.equal(false);
    expect(await needsRelay('socks5h+tls://proxy.example', false)).to.equal(true);
    expect(await needsRelay('socks5h://proxy.example', true)).to.equal(true);
  });

  const failures4: readonly (readonly [what: string, script: Script, message: RegExp])[] = [
    [
      'a close',
      (line) => line.end(),
      /^unreachable: .*before the reply: the target refused or is unreachable; check that/,
    ],
    [
      'an HTTP proxy',
      (line) => line.send('HTTP/1.1 400 No\r\n\r\n'),
      /^protocol: .*begins with byte 72; .*use http:\/\//,
    ],
    ['a SOCKS 5 proxy', (line) => line.send('\x05\xff'), /^protocol: .*; it looks like a SOCKS 5 proxy: use socks5h/],
    ['an ssh server', (line) => line.send('SSH-2.0-x\r\n'), /^protocol: .*; it is an ssh server, not a proxy/],
    ['garbage', (line) => line.send('zz'), /^protocol: .*; try socks5h:\/\//],
  ];
  for (const [what, script, message] of failures4) {
    it(`SOCKS 4 says what is wrong with ${what}`, async () => {
      const proxy = await start(async (line) => {
        await line.take(9);
        await script(line);
      });
      expect(await refusalOf(dial(proxy, {}, TARGET, contextOf(), 'socks4'))).to.match(message);
    });
  }

  it('SOCKS 4 says why it was refused', async () => {
    const proxy = await start(async (line) => {
      await line.take(9);
      await line.send('\x00\x5b\0\0\0\0\0\0');
    });
    expect(await refusalOf(dial(proxy, {}, TARGET, contextOf(), 'socks4'))).to.match(
      /^unreachable: .*rejected or failed \(SOCKS4 reply 0x5b\)/,
    );
  });

  it('isolates targets by user names and passwords of their own', async () => {
    const proxy = await start(async (line) => {
      await polite(line, '\x02');
      await line.send(OK);
      line.end();
    });
    for (const host of ['a.example', 'a.example', 'b.example'])
      await readToEnd(await dial(proxy, { isolate: true }, { host, port: 22 }));
    const [first, second, third] = proxy.received.map((bytes) => bytes.subarray(4, 60).toString('hex'));
    expect(first).to.equal(second);
    expect(first).to.not.equal(third);
  });

  describe('round trips (flights from us, the TCP handshake not counted)', () => {
    async function flights(options: Partial<SocksOptions>, url = ''): Promise<number> {
      let count = 0;
      const proxy = await start(async (line) => {
        const greeting = await line.take(2);
        const [method = 0] = (await line.take(greeting[1] ?? 0)).subarray(-1);
        await line.send(Buffer.from([5, method]));
        if (method === 2) {
          await line.take(2 + 2 + 1 + 2);
          await line.send('\x01\x00');
        }
        await takeRequest(line);
        count = line.flights;
        await line.send(OK);
        line.end();
      });
      await readToEnd(
        await dial(proxy, { ...options, ...(url !== '' && { url: url.replace('PORT', String(proxy.port)) }) }),
      );
      await proxy.close();
      return count;
    }

    it('are two without a password, three with one, and one if optimistic', async () => {
      const withPassword = 'socks5h://me:pw@127.0.0.1:PORT';
      expect(await flights({})).to.equal(2);
      expect(await flights({}, withPassword)).to.equal(3);
      expect(await flights({ optimistic: true })).to.equal(1);
      expect(await flights({ optimistic: true }, withPassword)).to.equal(1);
    });
  });

  it('tries politely where an optimistic request is dropped, refused or met with silence', async () => {
    const first: Readonly<Record<string, Script>> = {
      closes: (line) => line.end(),
      resets: (line) => line.reset(),
      'is silent': (line) => line.stall(),
      'drops what came with the greeting': async (line) => {
        await line.send('\x05\x00');
        await line.stall();
      },
      'wants no password': async (line) => {
        await line.send('\x05\xff');
        line.end();
      },
    };
    for (const [what, script] of Object.entries(first)) {
      const clock = new VirtualClock();
      const proxy = await startScriptedServer(async (line) => {
        if (proxy.connections() > 1) {
          await polite(line);
          await line.send(OK + BANNER);
          line.end();
          return;
        }
        await line.take(3);
        await script(line);
      });
      const events: string[] = [];
      const context: DialContext = {
        ...contextOf(),
        trace: ({ event }) => {
          events.push(event);
          // Nothing more will come of the first conversation: let its patience end.
          if (event === 'waiting' && !events.includes('note')) setImmediate(() => void clock.advance(10_000));
        },
      };
      const stream = await dial(proxy, { optimistic: true }, TARGET, context, 'socks5h', clock);
      expect(await readToEnd(stream), what).to.equal(BANNER);
      expect(clock.pending, what).to.equal(0);
      await proxy.close();
    }
  });

  it('does not ask again what was clearly refused, or where no proxy was reached', async () => {
    const refusing = await start(async (line) => {
      await line.take(3);
      await takeRequest(line);
      await line.send(`\x05\x00${OK.replace('\x05\x00', '\x05\x02')}`);
      line.end();
    });
    expect(await refusalOf(dial(refusing, { optimistic: true }))).to.match(/^permission: .*not allowed by the ruleset/);
    expect(refusing.connections()).to.equal(1);

    let dials = 0;
    const attempts = [{ address: '127.0.0.1:1', reason: 'connection refused' }];
    const unreachable: Chain = {
      ...networkChain,
      dial: () => {
        dials++;
        return Promise.reject(new FdpassError('unreachable', 'connection refused', { attempts }));
      },
    };
    const options: SocksOptions = { url: 'socks5h://127.0.0.1:1', optimistic: true };
    const dialer = await socks.create(options, testHost({ forward: unreachable }));
    expect(await refusalOf(dialer.dial(TARGET, contextOf()))).to.match(/^unreachable: .*connection refused/);
    expect(dials).to.equal(1);
  });

  it('does not ask again what failed in a way that is not about the proxy', async () => {
    const bug = new TypeError('a bug');
    let dials = 0;
    const broken: Chain = {
      ...networkChain,
      dial: () => {
        dials++;
        return Promise.reject(bug);
      },
    };
    const options: SocksOptions = { url: 'socks5h://127.0.0.1:1', optimistic: true };
    const dialer = await socks.create(options, testHost({ forward: broken }));
    const error = await Promise.resolve(dialer.dial(TARGET, contextOf())).catch((reason: unknown) => reason);
    expect([error, dials]).to.deep.equal([bug, 1]);
  });

  it('does not begin again when the caller aborts an optimistic request that meets silence', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const proxy = await start(async (line) => {
      await line.take(3);
      controller.abort(reason);
      await line.stall();
    });
    const clock = new VirtualClock();
    const events: string[] = [];
    const context: DialContext = { ...contextOf(controller.signal), trace: ({ event }) => void events.push(event) };
    const failed = dial(proxy, { optimistic: true }, TARGET, context, 'socks5h', clock);
    expect(await failed.catch((error: unknown) => error)).to.equal(reason);
    expect([proxy.connections(), clock.pending]).to.deep.equal([1, 0]);
    expect(events).to.not.include('note'); // which would say that it tries again
  });

  it('asks once by SOCKS 4, which has no greeting to be optimistic about', async () => {
    const proxy = await start((line) => line.end());
    const failed = refusalOf(dial(proxy, { optimistic: true }, TARGET, contextOf(), 'socks4a'));
    expect(await failed).to.match(/^(unreachable|protocol): /);
    expect(proxy.connections()).to.equal(1);
  });

  const refusedOptions: readonly (readonly [options: SocksOptions, message: RegExp])[] = [
    [{ url: 'socks5://h', tls: {} }, /"tls": needs a URL whose scheme ends in \+tls/],
    [{ url: 'socks4://h', isolate: true }, /"isolate": needs SOCKS5/],
    [{ url: 'socks5://h', isolate: true, credentials: { username: 'x' } }, /cannot go with credentials/],
    [{ url: 'socks5://h', userId: 'x' }, /"userId": is for SOCKS 4/],
    [{ url: 'socks4://h', credentials: { username: 'x' } }, /SOCKS 4 has no password/],
    [{ url: 'socks4a://me:hush@h' }, /^the URL has a password, which SOCKS 4 does not support$/],
  ];
  for (const [options, message] of refusedOptions) {
    it(`refuses ${JSON.stringify(options)}`, () => {
      expect(() => socks.create(options, testHost({ resolve, forward })))
        .to.throw(message)
        .with.property('code', 'config');
    });
  }
});
