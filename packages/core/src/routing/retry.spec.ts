import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import * as v from 'valibot';
import type { Connection } from '../connection/connection.js';
import { StreamConnection } from '../connection/stream.js';
import { allFailed } from '../dial/failures.js';
import { TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import { type ErrorCode, FdpassError, formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { rejection } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { routeList } from '../options/values.js';
import type { Strategy } from '../strategy/strategy.js';
import type { Route, Router } from './router.js';

/* `retry` on rules and hops. Each try of the network ends as the test says: with an error, or with a server that says something. */

type Outcome = ErrorCode | 'ssh' | 'closes' | 'says nothing' | 'hangs';

class Network {
  readonly clock: HandClock = new HandClock();
  readonly events: TraceEvent[] = [];
  readonly streams: PassThrough[] = [];
  tries = 0;
  #outcomes: readonly Outcome[];

  /** @param outcomes The last one of all further tries too. */
  constructor(...outcomes: readonly Outcome[]) {
    this.#outcomes = outcomes;
  }

  get strategy(): Strategy {
    return { name: 'net', firstOnly: true, create: () => ({ dial: () => this.#dial() }) };
  }

  async #dial(): Promise<Connection> {
    const outcome = this.#outcomes[Math.min(this.tries++, this.#outcomes.length - 1)];
    if (outcome === 'hangs') return new Promise(() => {});
    const isServer = outcome === 'ssh' || outcome === 'closes' || outcome === 'says nothing';
    if (!isServer) throw new FdpassError(outcome ?? 'internal', `it is ${outcome}`);
    const stream = new PassThrough();
    this.streams.push(stream);
    if (outcome === 'ssh') stream.write('SSH-2.0-x\r\n');
    if (outcome === 'closes') stream.end();
    return new StreamConnection(stream, { clock: this.clock });
  }

  async router(content: object): Promise<Router> {
    const any: Strategy<{ routes: readonly unknown[] }> = {
      name: 'any',
      shorthand: 'routes',
      optionsSchema: v.strictObject({ routes: routeList }),
      async create({ routes }, host) {
        const chains = await Promise.all(routes.map((use) => host.route(use)));
        const lost = (failures: Parameters<typeof allFailed>[1]): FdpassError => allFailed('no route works', failures);
        return {
          dial: (target, context) =>
            host.race(
              chains.map(({ label, dial }) => ({ label, open: (inner) => dial(target, inner) })),
              { of: 'route', lost },
              context,
            ),
        };
      },
    };
    const strategies = [this.strategy, any as Strategy];
    const parts = { strategies, defaultStrategy: 'net', config: { content, baseDir: '/' } };
    const { router } = await loadFramework(parts, (container) => {
      container.register(TOKENS.clock, { useValue: this.clock });
      container.register(TOKENS.random, { useValue: () => 0.5 });
    });
    return router;
  }

  /** Dials, and lets time pass until that is over. */
  async dial(content: object, port = 2222): Promise<Connection> {
    const router = await this.router(content);
    const route = await router.route({ host: 'host.example', port });
    const dialling = router.dial(route, { trace: (event) => void this.events.push(event) });
    return this.clock.passUntil(dialling);
  }

  expectNothingLeft(): void {
    expect(this.clock.pending).to.equal(0);
    expect(this.streams.filter(({ destroyed }) => !destroyed)).to.deep.equal([]);
  }
}

const PLACES: readonly (readonly [where: string, rule: object])[] = [
  ['a rule', { use: 'net', retry: 2 }],
  ['a rule with several routes', { use: { any: ['net'] }, retry: { times: 2 } }],
  ['a hop', { use: { strategy: 'net', retry: { times: 2 } } }],
  ['a hop in its short form', { use: { net: { retry: 2 } } }],
  ['a route of several', { use: { any: [{ net: { retry: 2 } }] } }],
];

describe('a dial that is tried again', () => {
  for (const [where, rule] of PLACES) {
    it(`because ${where} says so`, async () => {
      const network = new Network('unreachable', 'timeout', 'ssh');
      (await network.dial({ rules: [rule] })).destroy();
      expect(network.tries).to.equal(3);
      expect(network.events.filter(({ event }) => event === 'retry')).to.have.length(2);
      network.expectNothingLeft();
    });

    it(`not more often than ${where} says`, async () => {
      const network = new Network('unreachable');
      const error = await rejection(network.dial({ rules: [rule] }));
      expect(formatError(error)).to.match(/^host\.example:2222: rule 1 .*: net: it is unreachable \(tried 3 times\)$/);
      expect(network.tries).to.equal(3);
      network.expectNothingLeft();
    });

    it(`but not after a wrong password, whatever ${where} says`, async () => {
      const network = new Network('permission');
      expect((await rejection(network.dial({ rules: [rule] }))).message).to.equal('it is permission');
      expect(network.tries).to.equal(1);
    });
  }

  const GREETINGS: readonly (readonly [what: string, rule: object, port: number, tries: number])[] = [
    ['of the expected greeting', { expect: 'SSH-', retry: 2 }, 2222, 2],
    ['that is expected at port 22', { retry: 2 }, 22, 2],
    ['that nobody looks at', { retry: 2 }, 2222, 1],
    ['that the user does not want to be looked at', { retry: 2, expect: false }, 22, 1],
    ['if closing does not count', { retry: { on: 'refused' } }, 22, 1],
  ];
  for (const [what, rule, port, tries] of GREETINGS) {
    it(`by a server that closes instead ${what}: ${tries}`, async () => {
      const network = new Network('closes', 'ssh');
      (await network.dial({ rules: [{ use: 'net', ...rule }] }, port)).destroy();
      expect(network.tries).to.equal(tries);
      network.expectNothingLeft();
    });

    it(`by a hop alone, ${what}: ${tries}`, async () => {
      const network = new Network('closes', 'ssh');
      (await network.dial({ rules: [{ use: { net: rule } }] }, port)).destroy();
      expect(network.tries).to.equal(tries);
      network.expectNothingLeft();
    });
  }

  it('takes a server at port 22 that says nothing as it is', async () => {
    const network = new Network('says nothing');
    (await network.dial({ rules: [{ use: 'net', retry: 2 }] }, 22)).destroy();
    expect(network.tries).to.equal(1);
    expect(network.clock.now()).to.be.within(5000, 5500);
    network.expectNothingLeft();
  });

  const LIMITS: readonly (readonly [what: string, rule: object, timeoutMs: number])[] = [
    ['that of the rule', { use: 'net', timeout: '10s', retry: 2 }, 10_000],
    ['more if all tries have more', { use: 'net', timeout: '10s', retry: { within: '2m' } }, 120_000],
    ['that of the rule if all tries have less', { use: 'net', timeout: '10s', retry: { within: '2s' } }, 10_000],
    ['none where the rule has none', { use: 'net', timeout: 0, retry: { within: '2m' } }, 0],
    ['more if those of a hop have more', { use: { net: { retry: { within: '2m' } } } }, 120_000],
    ['more if those of a route have more', { use: { any: ['net', { net: { retry: { within: '3m' } } }] } }, 180_000],
  ];
  for (const [what, rule, timeoutMs] of LIMITS) {
    it(`has a limit: ${what}`, async () => {
      const router = await new Network('ssh').router({ rules: [rule] });
      const route: Route = await router.route({ host: 'h', port: 1 });
      expect([route.timeoutMs, (await router.explain(route)).timeoutMs]).to.deep.equal([timeoutMs, timeoutMs]);
    });
  }

  it('lets each try take what the rule has for a dial, if all have more', async () => {
    const network = new Network('hangs', 'ssh');
    (await network.dial({ rules: [{ use: 'net', timeout: '10s', retry: { within: '2m' } }] })).destroy();
    expect(network.tries).to.equal(2);
    expect(network.clock.now()).to.be.within(11_000, 11_500);
    network.expectNothingLeft();
  });

  it('ends at the limit of the dial, with what went wrong', async () => {
    const network = new Network('unreachable');
    const error = await rejection(network.dial({ rules: [{ use: 'net', timeout: '2s', retry: 5 }] }));
    expect(formatError(error)).to.match(
      /: net: timed out after 2 s: tried 2 times, and the last time: it is unreachable$/,
    );
    network.expectNothingLeft();
  });

  it('is told by explain, with what is not shown masked', async () => {
    const retry = { times: 4, backoff: '2s', timeout: '5s', within: '1m' };
    const router = await new Network('ssh').router({ rules: [{ use: { net: { retry } }, retry }] });
    const { route, decisions } = await router.explain(await router.route({ host: 'h', port: 1 }));
    expect(route.map(({ options }) => options)).to.deep.equal([{ retry }]);
    expect(decisions).to.deep.equal([
      'tries 4 times more after 2 s and longer if it fails for one of: refused, unreachable, timeout, closed, each try for at most 5 s',
    ]);
  });

  const WRONG: readonly (readonly [what: string, rule: object, message: RegExp])[] = [
    ['no times', { use: 'net', retry: 0 }, /rules\[0\]\.retry: retry: must be (a whole number|how many times)/],
    ['an unknown cause', { use: 'net', retry: { on: ['bug'] } }, /retry\.on\[0\]: on: must be one of refused, /],
    ['no cause', { use: { net: { retry: { on: [] } } } }, /use\.net\.retry\.on: .*empty list/],
    [
      'a wrong key',
      { use: { net: { retry: { time: 3 } } } },
      /use\.net\.retry\.time: unknown option "time" in "retry"/,
    ],
    [
      'a wrong key of a rule',
      { use: 'net', retry: { tries: 3 } },
      /rules\[0\]\.retry: "retry" has an unknown key; use one of: times, /,
    ],
    ['a backoff without a unit', { use: { net: { retry: { backoff: 5 } } } }, /retry\.backoff: .*needs a unit/],
  ];
  for (const [what, rule, message] of WRONG) {
    it(`refuses ${what}`, async () => {
      const { code, message: said } = await rejection(new Network('ssh').dial({ rules: [rule] }));
      expect(code).to.equal('config');
      expect(said).to.match(message);
    });
  }
});
