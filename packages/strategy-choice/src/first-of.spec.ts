import { formatError } from '@fdpass/core';
import { expect } from 'chai';
import { FakeRoutes, optionsOf, TARGET, type World } from './fake-routes.spec.js';
import { firstOf } from './first-of.js';

interface Case {
  readonly what: string;
  readonly world: World;
  readonly timeout?: string;
  readonly winner?: string;
  readonly code?: string;
  readonly log: readonly string[];
}

const CASES: readonly Case[] = [
  { what: 'the first route works', world: { a: [10, 'ok'], b: [0, 'ok'] }, winner: 'a', log: ['0 start a'] },
  {
    what: 'the next one is tried when one has failed, not before',
    world: { a: [500, 'unreachable'], b: [20, 'unknown-host'], c: [5, 'ok'] },
    winner: 'c',
    log: ['0 start a', '500 start b', '520 start c'],
  },
  {
    what: 'an option that cannot work is a failure like others',
    world: { a: [0, 'config'], b: [0, 'ok'] },
    winner: 'b',
    log: ['0 start a', '0 start b'],
  },
  {
    what: 'a silent route takes no longer than its limit, each anew',
    world: { a: 'silent', b: [900, 'unreachable'], c: [999, 'ok'] },
    timeout: '1s',
    winner: 'c',
    log: ['0 start a', '1000 abort a', '1000 start b', '1900 start c'],
  },
  {
    what: 'all routes are refused',
    world: { a: [1, 'unreachable'], b: [2, 'unreachable'] },
    code: 'unreachable',
    log: ['0 start a', '1 start b'],
  },
  {
    what: 'all routes are silent',
    world: { a: 'silent', b: 'silent' },
    timeout: '50ms',
    code: 'timeout',
    log: ['0 start a', '50 abort a', '50 start b', '100 abort b'],
  },
  {
    what: 'what the user has to mend tells more than a refusal after it',
    world: { a: [0, 'permission'], b: [0, 'unreachable'] },
    code: 'permission',
    log: ['0 start a', '0 start b'],
  },
  {
    what: 'a refusal tells more than silence and unknown names',
    world: { a: [0, 'unknown-host'], b: [0, 'timeout'], c: [0, 'unreachable'] },
    code: 'unreachable',
    log: ['0 start a', '0 start b', '0 start c'],
  },
  {
    what: 'a single route fails with its own error',
    world: { a: [0, 'protocol'] },
    code: 'protocol',
    log: ['0 start a'],
  },
];

describe('first-of', () => {
  for (const { what, world, timeout, winner, code, log } of CASES) {
    it(what, async () => {
      const fake = new FakeRoutes(world);
      const routes = Object.keys(world);
      const dial = fake.start(firstOf, timeout === undefined ? { routes } : { routes, timeout });
      await fake.clock.runAll();
      expect(fake.nameOf(dial.connection)).to.equal(winner);
      if (code !== undefined) expect(dial.failure.code).to.equal(code);
      expect(fake.log).to.deep.equal(log);
      fake.expectClean(dial.connection);
    });
  }

  it('keeps every error: an entry for each route, in order, and the cause', async () => {
    const fake = new FakeRoutes({ a: [0, 'timeout'], 'socks5://me:pw@p': [0, 'unreachable'] });
    const dial = fake.start(firstOf, { routes: ['a', 'socks5://me:pw@p'] });
    await fake.clock.runAll();
    expect(dial.failure.attempts.map(({ address }) => address)).to.deep.equal(['a', 'socks5://***@p']);
    expect((dial.failure.cause as AggregateError).errors.map((error) => error.code)).to.deep.equal([
      'timeout',
      'unreachable',
    ]);
    expect(formatError(dial.failure)).to.match(
      /^none of 2 routes works\n {2}a: a is timeout.*; mend a\n {2}socks5.*; mend socks5[^\n]*$/,
    );
  });

  it('passes the target on as it is', async () => {
    const fake = new FakeRoutes({ a: [0, 'ok'] });
    fake.start(firstOf, { routes: ['a'] });
    await fake.clock.runAll();
    expect(fake.targets).to.deep.equal([TARGET]);
  });

  it('can be aborted at every point: its reason unchanged, nothing left', async () => {
    const world: World = { a: 'silent', b: [10, 'unreachable'], c: [40, 'ok'] };
    for (const at of [0, 1, 29, 30, 31, 40, 41, 69]) {
      const fake = new FakeRoutes(world);
      const dial = fake.start(firstOf, { routes: ['a', 'b', 'c'], timeout: '30ms' });
      await fake.clock.advance(at);
      const reason = new Error(`enough at ${at}`);
      fake.controller.abort(reason);
      await fake.clock.advance(0);
      expect([dial.settled, dial.error]).to.deep.equal([true, reason]);
      fake.expectClean();
    }
  });

  it('starts nothing once the signal has aborted', async () => {
    const fake = new FakeRoutes({ a: [0, 'ok'] });
    fake.controller.abort(new Error('before'));
    const dial = fake.start(firstOf, { routes: ['a'] });
    await fake.clock.runAll();
    expect([fake.log, String(dial.error)]).to.deep.equal([[], 'Error: before']);
  });

  it('needs a relay only if no route could do without', async () => {
    const needsRelay = async (...routes: string[]): Promise<boolean | undefined> =>
      (await firstOf.create({ routes }, new FakeRoutes({}).host)).needsRelay?.(TARGET);
    expect(await needsRelay('a', 'tls')).to.equal(false);
    expect(await needsRelay('tls', 'tls2')).to.equal(true);
    expect(await needsRelay('a')).to.equal(false);
  });

  it('traces every try', async () => {
    const fake = new FakeRoutes({ a: [3, 'timeout'], b: [4, 'ok'] });
    fake.start(firstOf, { routes: ['a', 'b'] });
    await fake.clock.runAll();
    expect(fake.events).to.deep.equal(['0 try a', '3 try-failed a', '3 try b', '7 try-connected b']);
  });

  const WRONG: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{}, /routes/],
    [{ routes: [] }, /at least one route/],
    [{ routes: 'direct' }, /a list of routes/],
    [{ routes: ['a'], timeout: 'soon' }, /must be a duration/],
    [{ routes: ['a'], stagger: '1s' }, /stagger/],
  ];
  for (const [options, message] of WRONG) {
    it(`refuses ${JSON.stringify(options)}`, () => void expect(() => optionsOf(firstOf, options)).to.throw(message));
  }
});
