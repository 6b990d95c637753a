import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import * as v from 'valibot';
import type { Connection } from '../connection/connection.js';
import { nextBytes } from '../connection/socket-pair.spec.helper.js';
import { StreamConnection } from '../connection/stream.js';
import { allFailed } from '../dial/failures.js';
import { TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import type { Clock } from '../ground/clock.js';
import { FdpassError, formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { caught, rejection } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { routeList } from '../options/values.js';
import type { SpawnOptions, Strategy } from '../strategy/strategy.js';
import type { Router } from './router.js';

/*
 * `expect` on rules and hops. Servers are called after what they say; one that is `closing` says nothing and closes, a `silent`
 * one says nothing.
 */

const SAYS: Readonly<Record<string, string>> = { ssh: 'SSH-2.0-x\r\n', http: 'HTTP/1.1 400 Bad Request\r\n' };

/** The routes of one test, and the connections that they have opened. */
class Servers {
  readonly opened: string[] = [];
  readonly streams: PassThrough[] = [];
  readonly clock: HandClock = new HandClock();

  get net(): Strategy<{ to?: string }> {
    return {
      name: 'net',
      firstOnly: true,
      optionsSchema: v.strictObject({ to: v.optional(v.string()) }),
      create: ({ to }) => ({ dial: async ({ host }) => this.#open(to ?? host) }),
    } as Strategy<{ to?: string }>;
  }

  #open(name: string): Connection {
    this.opened.push(name);
    const stream = new PassThrough();
    this.streams.push(stream);
    if (name === 'closing') stream.end();
    else if (SAYS[name] !== undefined) stream.write(SAYS[name]);
    return new StreamConnection(stream, { clock: this.clock });
  }

  /** How many of them are open. */
  get open(): number {
    return this.streams.filter(({ destroyed }) => !destroyed).length;
  }
}

/** A proxy that says nothing before it is asked, as most do. Then its server greets. */
const via: Strategy = {
  name: 'via',
  schemes: ['via'],
  create: (_, { forward }) => ({
    dial: async ({ host }, context) => {
      const connection = await forward.dial({ host: 'silent', port: 1080 }, context);
      await connection.write(Buffer.from(SAYS[host] ?? ''));
      return connection;
    },
  }),
};

const any: Strategy<{ routes: readonly unknown[] }> = {
  name: 'any',
  shorthand: 'routes',
  optionsSchema: v.strictObject({ routes: routeList }),
  async create({ routes }, host) {
    const chains = await Promise.all(routes.map((use) => host.route(use)));
    return {
      dial: (target, context) =>
        host.race(
          chains.map(({ label, dial }) => ({ label, open: (inner) => dial(target, inner) })),
          { of: 'route', lost: (failures) => allFailed('no route works', failures) },
          context,
        ),
    };
  },
};

interface Tried {
  readonly router: Router;
  readonly servers: Servers;
  readonly events: TraceEvent[];
  dial(host?: string, port?: number): Promise<Connection>;
}

async function tryConfig(content: object): Promise<Tried> {
  const servers = new Servers();
  const events: TraceEvent[] = [];
  const strategies = [servers.net as Strategy, via, any as Strategy];
  const parts = { strategies, defaultStrategy: 'net', config: { content, baseDir: '/' } };
  const { router } = await loadFramework(parts, (container) =>
    container.register(TOKENS.clock, { useValue: servers.clock }),
  );
  const dial = async (host = 'ssh', port = 2222): Promise<Connection> => {
    const dialling = router.dial(await router.route({ host, port }), {
      timeoutMs: 0,
      trace: (event) => void events.push(event),
    });
    return servers.clock.passUntil(dialling);
  };
  return { router, servers, events, dial };
}

const to = (name: string) => ({ net: { to: name } });

/** Where it can be written, each for a route to the target by `net`. */
const PLACES: readonly (readonly [where: string, rule: object])[] = [
  ['a rule', { use: 'net', expect: 'SSH-' }],
  ['a rule, as a list', { use: 'net', expect: ['220 ', 'SSH-'] }],
  ['a hop', { use: { strategy: 'net', expect: 'SSH-' } }],
  ['a hop in its short form', { use: { net: { expect: 'SSH-' } } }],
  ['a hop beside its short form', { use: { net: {}, expect: 'SSH-' } }],
  ['the hop of a chain', { use: ['net', { via: { expect: 'SSH-' } }] }],
  ['a rule with a chain', { use: ['net', 'via'], expect: 'SSH-' }],
  ['a rule with several routes', { use: { any: ['net', 'via'] }, expect: 'SSH-' }],
  ['routes beside their short form', { use: { any: ['net'], expect: 'SSH-' } }],
];

describe('what a server has to say first', () => {
  for (const [where, rule] of PLACES) {
    it(`is taken from ${where}, and not a byte of it from the connection`, async () => {
      const { dial, events } = await tryConfig({ rules: [rule] });
      const stream = (await dial('ssh')).toStream();
      expect(await nextBytes(stream, 11)).to.equal('SSH-2.0-x\r\n');
      stream.destroy();
      const greeted = events.filter(({ event }) => event === 'greeted');
      expect(greeted.map((event) => 'text' in event && event.text)).to.include('"SSH-2.0-x"');
    });

    it(`is refused if ${where} says otherwise, and the connection closed`, async () => {
      const { dial, servers } = await tryConfig({ rules: [rule] });
      for (const [host, message] of [
        ['http', /greeted with "HTTP\/1.1 400 Bad Request", not with "SSH-"|not with "220 " or "SSH-"/],
        ['silent', /has not greeted within 5 s/],
      ] as const) {
        expect(formatError(await rejection(dial(host)))).to.match(message);
        expect(servers.open).to.equal(0);
      }
      expect(servers.clock.pending).to.equal(0);
    });
  }

  it('names the rule and the hop that has connected', async () => {
    const hops = { far: ['net', 'via'] };
    const { dial } = await tryConfig({ hops, rules: [{ use: 'far', expect: 'SSH-' }] });
    expect(formatError(await rejection(dial('http')))).to.equal(
      'http:2222: rule 1 (config.rules[0]): far (via): the server greeted with "HTTP/1.1 400 Bad Request", not with "SSH-"; check the host and the port',
    );
  });

  const RACES: readonly (readonly [what: string, rule: object, opened: readonly string[]])[] = [
    ['the first that says it wins', { use: { any: [to('closing'), to('ssh')] } }, ['closing', 'ssh']],
    ['one that says something else has failed', { use: { any: [to('http'), to('ssh')] } }, ['http', 'ssh']],
    ['one that is silent too', { use: { any: [to('silent'), to('ssh')] } }, ['silent', 'ssh']],
    ['routes in routes', { use: { any: [{ any: [to('http'), to('ssh')] }, to('closing')] } }, ['http', 'ssh']],
    [
      'a route with an expectation of its own',
      { use: { any: [{ net: { to: 'http', expect: 'HTTP/' } }, to('ssh')] } },
      ['http', 'ssh'],
    ],
  ];
  for (const [what, rule, opened] of RACES) {
    it(`of several routes: ${what}`, async () => {
      const { dial, servers } = await tryConfig({ rules: [{ ...rule, expect: 'SSH-' }] });
      const connection = await dial();
      expect([servers.opened, servers.open]).to.deep.equal([opened, 1]);
      connection.destroy();
    });
  }

  it('of several routes, none of which says it: why, for each', async () => {
    const use = { any: [to('closing'), to('http'), to('silent')] };
    const { dial, servers } = await tryConfig({ rules: [{ use, expect: 'SSH-' }] });
    const { code, routes } = await rejection(dial());
    expect([code, ...routes.map(({ message }) => message)]).to.deep.equal([
      'protocol',
      'the server closed the connection before it greeted',
      'the server greeted with "HTTP/1.1 400 Bad Request", not with "SSH-"',
      'connected, but the server has not greeted within 5 s',
    ]);
    expect(servers.open).to.equal(0);
  });

  it('is not asked of the proxies on the way', async () => {
    const { dial, servers } = await tryConfig({ rules: [{ use: 'via://x', expect: 'SSH-' }] });
    (await dial()).destroy();
    expect(servers.opened).to.deep.equal(['silent']);
  });

  it('of a hop counts before that of a rule, and a limit with it', async () => {
    const use = { net: { to: 'silent', expectTimeout: '2s' } };
    const { dial } = await tryConfig({ rules: [{ use, expect: 'SSH-', expectTimeout: '1s' }] });
    expect((await rejection(dial())).message).to.equal('connected, but the server has not greeted within 2 s');
    const other = await tryConfig({ rules: [{ use: { net: { expect: 'HTTP/' } }, expect: 'SSH-' }] });
    (await other.dial('http')).destroy();
  });

  const PATIENCE: readonly (readonly [what: string, rule: object, port: number, patienceMs: number])[] = [
    ['as its server has to greet', { expect: 'SSH-', expectTimeout: '7s' }, 2222, 7000],
    ['ten seconds to port 22, where servers greet', {}, 22, 10_000],
    ['a second to port 22 if nobody looks', { expect: false }, 22, 1000],
    ['a second to other ports', {}, 2222, 1000],
    ['what it is given', { use: { program: { patienceMs: 3000 } } }, 22, 3000],
  ];
  for (const [what, rule, port, patienceMs] of PATIENCE) {
    it(`gives a program as long for its first byte: ${what}`, async () => {
      const limits: number[] = [];
      const clock = {
        now: () => 0,
        after(delayMs: number) {
          limits.push(delayMs);
          return () => {};
        },
      };
      const program: Strategy<SpawnOptions> = {
        name: 'program',
        firstOnly: true,
        create: (options, host) => ({ dial: (_, context) => host.spawn(['echo', 'SSH-2.0-x'], context, options) }),
      };
      const config = { content: { rules: [{ use: 'program', ...rule }] }, baseDir: '/' };
      const parts = { strategies: [program as Strategy], defaultStrategy: 'program', config };
      const { router } = await loadFramework(parts, (container) =>
        container.register<Clock>(TOKENS.clock, { useValue: clock }),
      );
      (await router.dial(await router.route({ host: 'h', port }), { timeoutMs: 0 })).destroy();
      expect(limits[0]).to.equal(patienceMs);
    });
  }

  const AT_22: readonly (readonly [what: string, rule: object, opened: readonly string[]])[] = [
    ['by default', {}, ['closing', 'ssh']],
    ['with a limit of its own', { expectTimeout: '1s' }, ['closing', 'ssh']],
    ['unless the rule does not want it', { expect: false }, ['closing']],
  ];
  for (const [what, rule, opened] of AT_22) {
    it(`is what ssh says where several routes lead to port 22, ${what}`, async () => {
      const { dial, servers } = await tryConfig({ rules: [{ use: { any: [to('closing'), to('ssh')] }, ...rule }] });
      (await dial('host', 22)).destroy();
      expect(servers.opened).to.deep.equal(opened);
    });
  }

  it('makes nothing worse where only the port asks for it', async () => {
    const { dial, servers } = await tryConfig({ rules: [{ use: { any: [to('silent'), to('silent')] } }] });
    (await dial('host', 22)).destroy();
    expect(servers.open).to.equal(0);
  });

  it('ends with the dial', async () => {
    const { router, servers } = await tryConfig({ rules: [{ use: to('silent'), expect: 'SSH-' }] });
    const controller = new AbortController();
    const reason = new Error('enough');
    const trace = ({ event }: TraceEvent): void => void (event === 'waiting' && controller.abort(reason));
    const dialling = router.dial(await router.route({ host: 'h', port: 1 }), { signal: controller.signal, trace });
    expect(await caught(dialling)).to.equal(reason);
    expect([servers.open, servers.clock.pending]).to.deep.equal([0, 0]);
  });

  it('is part of what the deadline of the dial says', async () => {
    const { router, servers } = await tryConfig({ rules: [{ use: to('silent'), expect: 'SSH-', timeout: '3s' }] });
    const dialling = rejection(router.dial(await router.route({ host: 'h', port: 1 })));
    while (servers.open === 0) await new Promise(setImmediate);
    await servers.clock.pass(3000);
    expect((await dialling).message).to.equal('timed out after 3 s: connected, but the server has not greeted');
    expect([servers.open, servers.clock.pending]).to.deep.equal([0, 0]);
  });

  it('is told by explain: of the rule, and among the options of a hop', async () => {
    const use = { net: { expect: ['SSH-', 'hunter2'], expectTimeout: '2s' } };
    const { router } = await tryConfig({ rules: [{ use, expect: ['SSH-', 'hunter2'] }] });
    const { route, decisions } = await router.explain(await router.route({ host: 'h', port: 1 }));
    expect(route.map(({ options }) => options)).to.deep.equal([{ expect: ['SSH-', '***'], expectTimeout: '2s' }]);
    expect(decisions).to.deep.equal(['the server has to begin with "SSH-" or "***" within 5 s']);
  });

  const WRONG: readonly (readonly [what: string, rule: object, message: string])[] = [
    [
      'a number, in a rule',
      { use: 'net', expect: 22 },
      'config.rules[0].expect: expect: must be the text that the server begins with, such as "SSH-", a list of such texts, or false',
    ],
    [
      'a number, in a hop',
      { use: { strategy: 'net', expect: 22 } },
      'config.rules[0].use.expect: option "expect": must be the text that the server begins with, such as "SSH-", a list of such texts, or false',
    ],
    [
      'an empty list, beside the short form',
      { use: { net: {}, expect: [] } },
      'config.rules[0].use.expect: option "expect": must be the text that the server begins with, such as "SSH-", a list of such texts, or false',
    ],
    [
      'a limit that is none, in the short form',
      { use: { net: { expectTimeout: 0 } } },
      'config.rules[0].use.net.expectTimeout: option "expectTimeout": must be longer than 0',
    ],
    [
      'a misspelt key',
      { use: { net: { expct: 'SSH-' } } },
      'config.rules[0].use.net.expct: unknown option "expct"; did you mean "expect"?',
    ],
  ];
  for (const [what, rule, message] of WRONG) {
    it(`refuses ${what}`, async () => {
      const refused = await rejection(tryConfig({ rules: [rule] }).then(({ dial }) => dial()));
      expect(refused).to.be.instanceOf(FdpassError);
      expect([refused.message, refused.hint].filter(Boolean).join('; ')).to.equal(message);
    });
  }
});
