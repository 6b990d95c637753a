import { PassThrough } from 'node:stream';
import { DnsServer } from '@fdpass/test-lab';
import { expect } from 'chai';
import * as v from 'valibot';
import { useFolder } from '../config/folder.spec.helper.js';
import { TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import { FdpassError, formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { makeTarget } from '../ground/read-target.js';
import { noTrace, type TraceEvent } from '../ground/trace.js';
import type { Resolver } from '../lookup/resolver.js';
import { routeSchema } from '../options/values.js';
import type { Strategy } from '../strategy/strategy.js';
import type { Router } from './router.js';

/*
 * Where names are looked up: `dns` and `resolve` on rules and hops, and `canonical`. The system knows `*.system` and nothing else;
 * two name servers know the same name by other addresses.
 */

const system: Resolver = async (host, family) => {
  if (host.endsWith('.system'))
    return [{ family: family === 6 ? 6 : 4, host: family === 6 ? '2001:db8::99' : '192.0.2.99' }];
  throw new FdpassError('unknown-host', `cannot look up ${host}: no such host`, { cause: { code: 'ENOTFOUND' } });
};

describe('names', () => {
  const folder = useFolder();
  let inside: DnsServer;
  let outside: DnsServer;
  beforeEach(async () => {
    [inside, outside] = [await DnsServer.start(), await DnsServer.start()];
    inside.answers.set('db.example', ['192.0.2.1']).set('proxy.example', ['192.0.2.3']);
    inside.answers.set('many.example', ['2001:db8::1', '2001:db8::2', '192.0.2.11', '192.0.2.12']);
    inside.answers
      .set('host.lab.example', ['192.0.2.21'])
      .set('both.corp.example', ['192.0.2.22'])
      .set('both.lab.example', ['192.0.2.23']);
    outside.answers.set('db.example', ['192.0.2.2']);
  });
  afterEach(() => Promise.all([inside.close(), outside.close()]));

  /** What was opened: an address, with the way in front of it. */
  const opened: string[] = [];
  beforeEach(() => void opened.splice(0));

  /** Looks names up by itself; addresses that end in `.12` or `::2` accept connections, and those that are alone. */
  const net: Strategy<{ open?: string }> = {
    name: 'net',
    firstOnly: true,
    optionsSchema: v.strictObject({ open: v.optional(v.string()) }) as never,
    create: ({ open }, host) => ({
      dial: async (target, context) => {
        const isAddress = /^[\d.]+$|:/.test(target.host);
        const address = isAddress ? target.host : ((await host.lookUp(target.host, 0, context))[0]?.host ?? '');
        opened.push(address);
        if (open !== undefined && open !== address) throw new FdpassError('unreachable', 'refused');
        return new PassThrough();
      },
    }),
  };

  /** Reaches its proxy through the hops before, and is told the target as it is. */
  const proxy: Strategy = {
    name: 'proxy',
    create: (_, host) => ({
      dial: async (target, context) => {
        const connection = await host.forward.dial({ host: 'proxy.example', port: 1080 }, context);
        opened.push(`> ${target.host} (${host.namesAt ?? 'as it likes'})`);
        if (target.host.endsWith('1')) throw new FdpassError('unreachable', 'the proxy cannot reach that');
        return connection;
      },
    }),
  };

  const around: Strategy<{ use: unknown }> = {
    name: 'around',
    optionsSchema: v.strictObject({ use: routeSchema }) as never,
    create: async ({ use }, host) => {
      const chain = await host.route(use);
      return { dial: (target, context) => chain.dial(target, context) };
    },
  };

  async function load(config: string, clock = new HandClock()): Promise<Router> {
    const text = config.replaceAll('INSIDE', `"${inside.address}"`).replaceAll('OUTSIDE', `"${outside.address}"`);
    const file = folder.write('config.yaml', text);
    const { router } = await loadFramework(
      { strategies: [net, proxy, around], defaultStrategy: 'net', config: { file } },
      (container) => {
        container.register(TOKENS.clock, { useValue: clock });
        container.register(TOKENS.resolve, { useValue: system });
        container.register(TOKENS.compareAddresses, { useValue: (a, b) => b.family - a.family });
      },
    );
    return router;
  }

  /** What a dial opens, or why it fails. */
  async function dial(config: string, host: string): Promise<string> {
    const router = await load(config);
    try {
      const connection = await router.dial(await router.route(makeTarget({ host, port: 22 })));
      connection.destroy();
      return opened.join(' ');
    } catch (error) {
      return formatError(error as Error);
    }
  }

  const DIALS: readonly (readonly [what: string, config: string, host: string, expected: string | RegExp])[] = [
    ['of a rule', 'rules: [{ dns: INSIDE, use: net }]', 'db.example', '192.0.2.1'],
    ['of another rule', 'rules: [{ dns: [OUTSIDE], use: net }]', 'db.example', '192.0.2.2'],
    ['of a hop', 'rules: [{ use: { strategy: net, dns: [INSIDE] } }]', 'db.example', '192.0.2.1'],
    [
      'of a hop before that of its rule',
      'rules: [{ dns: OUTSIDE, use: { strategy: net, dns: INSIDE } }]',
      'db.example',
      '192.0.2.1',
    ],
    ['of a named hop', 'hops: { a: { strategy: net, dns: INSIDE } }\nrules: [{ use: a }]', 'db.example', '192.0.2.1'],
    [
      'of a rule with a route inside',
      'rules: [{ dns: INSIDE, use: { strategy: around, use: net } }]',
      'db.example',
      '192.0.2.1',
    ],
    [
      'of a hop with a route inside',
      'rules: [{ use: { strategy: around, use: net, dns: INSIDE } }]',
      'db.example',
      '192.0.2.1',
    ],
    [
      'of a proxy, for its own name',
      'rules: [{ use: { strategy: proxy, dns: INSIDE } }]',
      'x2',
      '192.0.2.3 > x2 (as it likes)',
    ],
    [
      'of the hop before only',
      'rules: [{ use: [{ strategy: net, dns: INSIDE }, proxy] }]',
      'x2',
      '192.0.2.3 > x2 (as it likes)',
    ],
    [
      'and not those of the system',
      'rules: [{ dns: INSIDE, use: net }]',
      'a.system',
      /cannot look up a\.system: no such host/,
    ],
    ['or else those of the system', 'rules: [{ use: net }]', 'a.system', '192.0.2.99'],
  ];
  for (const [what, config, host, expected] of DIALS) {
    it(`are looked up by the name servers ${what}`, async () => {
      const found = await dial(config, host);
      if (typeof expected === 'string') expect(found).to.equal(expected);
      else expect(found).to.match(expected);
    });
  }

  const PLACES: readonly (readonly [what: string, config: string, host: string, expected: string | RegExp])[] = [
    [
      'here, for a proxy',
      'rules: [{ dns: INSIDE, use: { strategy: proxy, resolve: here } }]',
      'db.example',
      /> 192\.0\.2\.1 .*the proxy cannot reach/,
    ],
    [
      'here, for a route',
      'rules: [{ dns: INSIDE, resolve: here, use: [{ strategy: net, open: 192.0.2.3 }, proxy] }]',
      'db.example',
      /the proxy cannot reach/,
    ],
    [
      'there, for a proxy',
      'rules: [{ use: [{ strategy: net, dns: INSIDE }, { strategy: proxy, resolve: there }] }]',
      'db.x',
      '192.0.2.3 > db.x (there)',
    ],
    [
      'there, for a route',
      'rules: [{ resolve: there, use: [{ strategy: around, use: net, dns: INSIDE }, proxy] }]',
      'db.x',
      '192.0.2.3 > db.x (there)',
    ],
    [
      'nowhere, if it is an address',
      'rules: [{ dns: INSIDE, resolve: here, use: proxy }]',
      '192.0.2.12',
      '192.0.2.3 > 192.0.2.12 (here)',
    ],
    [
      'nowhere else by a hop that opens sockets',
      'rules: [{ use: { strategy: net, resolve: there } }]',
      'x',
      /"resolve: there" is for hops that connect through something/,
    ],
  ];
  for (const [what, config, host, expected] of PLACES) {
    it(`of targets are looked up ${what}`, async () => {
      const found = await dial(config, host);
      if (typeof expected === 'string') expect(found).to.equal(expected);
      else expect(`${opened.join(' ')} ${found}`).to.match(expected);
    });
  }

  it('of targets that are looked up here have all their addresses tried, the families in turn, a delay apart', async () => {
    const clock = new HandClock();
    const router = await load(
      'rules: [{ dns: INSIDE, use: [{ strategy: net, dns: INSIDE }, { strategy: proxy, resolve: here }] }]',
      clock,
    );
    const events: TraceEvent[] = [];
    const route = await router.route(makeTarget({ host: 'many.example', port: 22 }));
    const connection = await router.dial(route, { trace: (event) => void events.push(event) });
    connection.destroy();
    const asked = opened.filter((entry) => entry.startsWith('>'));
    expect(asked[0]).to.match(/2001:db8::[12]/);
    const attempts = events.flatMap((event) => (event.event === 'attempt' ? [event.address] : []));
    expect(attempts[0]).to.match(/^\[2001:db8::[12]\]:22$/);
    if (attempts.length > 1) expect(attempts[1]).to.match(/^192\.0\.2\.1[12]:22$/);
    const lookUps = events.flatMap((event) =>
      event.event === 'look-up' && event.host === 'many.example' ? [event.servers] : [],
    );
    expect(lookUps).to.deep.equal([[inside.address]]);
    expect(clock.pending).to.equal(0);
  });

  it('are said to be looked up elsewhere by an explanation', async () => {
    const router = await load('rules: [{ dns: [INSIDE, OUTSIDE], resolve: here, use: proxy }]');
    const { decisions } = await router.explain(await router.route(makeTarget({ host: 'a', port: 22 })));
    expect(decisions).to.deep.equal([
      `names are looked up by ${inside.address}, ${outside.address}`,
      'the name of the target is looked up here',
    ]);
  });

  const CANONICAL = 'canonical: { domains: [corp.example, .lab.example], dns: INSIDE }\nrules:\n';
  const SHORT: readonly (readonly [host: string, expected: string])[] = [
    ['host', 'host.lab.example'],
    ['both', 'both.corp.example'], // the first domain
    ['none', 'none'],
    ['a.host', 'a.host'],
    ['host.', 'host.'], // absolute
    ['x.y.host', 'x.y.host'], // too many dots
    ['192.0.2.1', '192.0.2.1'],
    ['localhost', 'localhost'],
    ['unix/run/x', 'unix/run/x'],
  ];
  for (const [host, expected] of SHORT) {
    it(`that are short are made whole: ${host} is ${expected}`, async () => {
      const router = await load(`${CANONICAL}  - { name: lab, host: "*.lab.example", use: net }\n`);
      const route = await router.route(makeTarget({ host, port: 22, alias: host === 'unix/run/x' ? 'x' : host }));
      expect(route.target.host).to.equal(expected);
      expect(route.rule?.name).to.equal(expected.endsWith('lab.example') ? 'lab' : undefined);
      const { decisions } = await router.explain(route);
      expect(decisions).to.deep.equal(expected === host ? [] : [`${host} is short for ${expected}`]);
    });
  }

  it('that are short are looked up once for a dial, also by the process that relays, and with hops named by hand', async () => {
    const router = await load(`${CANONICAL}  - { use: net }\n`);
    const target = makeTarget({ host: 'host', port: 22 });
    const route = await router.route(target);
    const { length } = inside.questions;
    expect(length).to.be.greaterThan(0);
    const again = await router.route(target, { answers: JSON.parse(JSON.stringify(route.answers)) });
    expect([again.target.host, inside.questions.length]).to.deep.equal(['host.lab.example', length]);
    const byHand = await router.routeVia(target, 'net', '/', '--via');
    expect(byHand.target.host).to.equal('host.lab.example');
  });

  it('whose domains have silent name servers stay as they are, in the end', async () => {
    const clock = new HandClock();
    inside.answers.set('slow.corp.example', 'silent');
    inside.answers.set('slow.lab.example', ['192.0.2.30']);
    const router = await load(`${CANONICAL}  - { use: net }\n`, clock);
    const asked = inside.nextQuestion();
    const routing = router.route(makeTarget({ host: 'slow', port: 22 }), { trace: noTrace });
    await asked;
    await clock.pass(2000);
    expect((await routing).target.host).to.equal('slow.lab.example');
    expect(clock.pending).to.equal(0);
  });

  it('of name servers and domains are refused where they are wrong, with the place', async () => {
    const wrong: readonly (readonly [config: string, expected: RegExp])[] = [
      ['rules: [{ dns: ns.example, use: net }]', /config\.yaml:1:\d+: dns: must be the address of a name server/],
      ['rules: [{ dns: [], use: net }]', /must name at least one name server/],
      ['rules: [{ resolve: far, use: net }]', /resolve: must be here or there/],
      ['rules: [{ use: { strategy: net, dns: [5] } }]', /config\.yaml:1:\d+: option "dns(?:\.0)?": must be/],
      ['canonical: []\nrules: []', /an empty list completes no name/],
      ['canonical: 10.0.0.1\nrules: []', /this is an address, not a domain/],
      ['canonical: { domains: a.example, maxDots: 1.5 }\nrules: []', /expected a whole number from 0 to 100/],
      ['canonical: { dns: 10.0.0.1 }\nrules: []', /"canonical" needs "domains"/],
      ['canonical: "a b"\nrules: []', /the host has a space/],
    ];
    for (const [config, expected] of wrong) {
      const failure = await load(config)
        .then((router) => router.route(makeTarget({ host: 'a', port: 22 })))
        .catch((error: unknown) => error);
      expect(String(failure), config).to.match(expected);
    }
  });
});
