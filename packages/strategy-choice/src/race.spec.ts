import { expect } from 'chai';
import { FakeRoutes, optionsOf, TARGET, type World } from './fake-routes.spec.js';
import { race } from './race.js';

interface Case {
  readonly what: string;
  /** In the order of preference. */
  readonly world: World;
  readonly options?: object;
  readonly winner?: string;
  readonly code?: string;
  /** When the dial is over. */
  readonly ends: number;
  readonly log: readonly string[];
}

const CASES: readonly Case[] = [
  {
    what: 'the best route answers before the next one starts',
    world: { a: [249, 'ok'], b: [0, 'ok'] },
    winner: 'a',
    ends: 249,
    log: ['0 start a'],
  },
  {
    what: 'routes join the race one stagger after the other; the first to connect wins, the others are closed',
    world: { a: 'silent', b: 'silent', c: [30, 'ok'], d: [0, 'ok'] },
    winner: 'c',
    ends: 530,
    log: ['0 start a', '250 start b', '500 start c', '530 abort a', '530 abort b'],
  },
  {
    what: 'the failure of the newest starts the next at once, and its stagger anew',
    world: { a: [100, 'unreachable'], b: 'silent', c: [5, 'ok'] },
    winner: 'c',
    ends: 355,
    log: ['0 start a', '100 start b', '350 start c', '355 abort b'],
  },
  {
    what: 'the failure of an older one does not',
    world: { a: [300, 'unreachable'], b: 'silent', c: [0, 'ok'] },
    winner: 'c',
    ends: 500,
    log: ['0 start a', '250 start b', '500 start c', '500 abort b'],
  },
  {
    what: 'without a grace a better route that is a moment later loses',
    world: { a: [261, 'ok'], b: [10, 'ok'] },
    winner: 'b',
    ends: 260,
    log: ['0 start a', '250 start b', '260 abort a'],
  },
  {
    what: 'with a grace it wins, and the other connection is closed',
    world: { a: [300, 'ok'], b: [10, 'ok'] },
    options: { grace: '50ms' },
    winner: 'a',
    ends: 300,
    log: ['0 start a', '250 start b', '300 close b'],
  },
  {
    what: 'the grace does not last for ever',
    world: { a: [311, 'ok'], b: [10, 'ok'] },
    options: { grace: '50ms' },
    winner: 'b',
    ends: 310,
    log: ['0 start a', '250 start b', '310 abort a'],
  },
  {
    what: 'the grace ends when no better route is left, and no further one starts meanwhile',
    world: { a: [700, 'unreachable'], b: [10, 'ok'], c: [0, 'ok'] },
    options: { grace: '10s' },
    winner: 'b',
    ends: 700,
    log: ['0 start a', '250 start b'],
  },
  {
    what: 'a connection closes what is less preferred at once',
    world: { a: 'silent', b: [510, 'ok'], c: 'silent' },
    options: { grace: '1s' },
    winner: 'b',
    ends: 1760,
    log: ['0 start a', '250 start b', '500 start c', '760 abort c', '1760 abort a'],
  },
  {
    what: 'a second connection within the grace is kept for the rest of it, not longer',
    world: { a: [1000, 'ok'], b: [400, 'ok'], c: [10, 'ok'] },
    options: { grace: '300ms' },
    winner: 'b',
    ends: 810,
    log: ['0 start a', '250 start b', '500 start c', '650 close c', '810 abort a'],
  },
  {
    what: 'no grace is needed when the best connects first',
    world: { a: [300, 'ok'], b: 'silent' },
    options: { grace: '1s' },
    winner: 'a',
    ends: 300,
    log: ['0 start a', '250 start b', '300 abort b'],
  },
  {
    what: 'a stagger of nothing starts all at once',
    world: { a: 'silent', b: 'silent', c: [1, 'ok'] },
    options: { stagger: '0ms' },
    winner: 'c',
    ends: 1,
    log: ['0 start a', '0 start b', '0 start c', '1 abort a', '1 abort b'],
  },
  {
    what: 'of two that connect in the same moment the first to tell wins',
    world: { a: [20, 'ok'], b: [20, 'ok'] },
    options: { stagger: '0ms' },
    winner: 'a',
    ends: 20,
    log: ['0 start a', '0 start b', '20 abort b'],
  },
  {
    what: 'all routes fail',
    world: { a: [10, 'unknown-host'], b: [600, 'unreachable'], c: [10, 'timeout'] },
    code: 'unreachable',
    ends: 610,
    log: ['0 start a', '10 start b', '260 start c'],
  },
  {
    what: 'a single route fails with its own error',
    world: { a: [10, 'protocol'] },
    code: 'protocol',
    ends: 10,
    log: ['0 start a'],
  },
];

describe('race', () => {
  for (const { what, world, options, winner, code, ends, log } of CASES) {
    it(what, async () => {
      const fake = new FakeRoutes(world);
      const dial = fake.start(race, { routes: Object.keys(world), ...options });
      await fake.clock.runAll();
      expect([fake.nameOf(dial.connection), fake.clock.now()]).to.deep.equal([winner, ends]);
      if (code !== undefined) expect(dial.failure.code).to.equal(code);
      expect(fake.log).to.deep.equal(log);
      fake.expectClean(dial.connection);
    });
  }

  it('gives a route a delay of its own, which a failure cuts short', async () => {
    const routes = ['a', { use: 'b', delay: '2s' }, { use: 'c', delay: 0 }, { use: 'd' }, { use: 'e', delay: '9s' }];
    const fake = new FakeRoutes({ d: [100, 'unreachable'], e: [1, 'ok'] });
    const dial = fake.start(race, { routes });
    await fake.clock.runAll();
    expect(fake.log.slice(0, 5)).to.deep.equal([
      '0 start a',
      '2000 start b',
      '2000 start c',
      '2250 start d',
      '2350 start e',
    ]);
    expect(fake.nameOf(dial.connection)).to.equal('e');
    fake.expectClean(dial.connection);
  });

  it('delays even the first route if it is told to', async () => {
    const fake = new FakeRoutes({ a: [0, 'ok'] });
    fake.start(race, { routes: [{ use: 'a', delay: '1s' }] });
    await fake.clock.runAll();
    expect(fake.log).to.deep.equal(['1000 start a']);
  });

  for (const how of ['fails', 'closes'] as const) {
    it(`goes on when a connection ${how} while it waits for a better one`, async () => {
      const fake = new FakeRoutes({ a: 'silent', b: [10, 'ok'], c: [400, 'ok'] });
      const dial = fake.start(race, { routes: ['a', 'b', 'c'], grace: '500ms' });
      await fake.clock.advance(300);
      fake.streams.get('b')?.destroy(how === 'fails' ? new Error('reset') : undefined);
      await fake.clock.runAll();
      expect(fake.log).to.have.members([
        '0 start a',
        '250 start b',
        '300 close b',
        '300 start c',
        '1200 abort a', // the grace of the connection that took its place
      ]);
      expect([fake.nameOf(dial.connection), fake.clock.now()]).to.deep.equal(['c', 1200]);
      fake.expectClean(dial.connection);
    });
  }

  it('keeps every error, in the order in which the routes failed', async () => {
    const fake = new FakeRoutes({ a: [400, 'timeout'], b: [10, 'config'] });
    const dial = fake.start(race, { routes: ['a', 'b'] });
    await fake.clock.runAll();
    expect([dial.failure.code, dial.failure.hint]).to.deep.equal(['config', 'mend b']);
    expect(dial.failure.attempts).to.deep.equal([
      { address: 'b', reason: 'b is config' },
      { address: 'a', reason: 'a is timeout' },
    ]);
    expect((dial.failure.cause as AggregateError).errors).to.have.length(2);
  });

  it('can be aborted at every point: its reason unchanged, nothing left', async () => {
    const world: World = { a: 'silent', b: [300, 'ok'], c: 'silent', d: [0, 'unreachable'] };
    for (const at of [0, 1, 249, 250, 499, 500, 549, 550, 551, 1000, 1549]) {
      const fake = new FakeRoutes(world);
      const dial = fake.start(race, { routes: Object.keys(world), grace: '1s' });
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
    const dial = fake.start(race, { routes: ['a'] });
    await fake.clock.runAll();
    expect([fake.log, String(dial.error)]).to.deep.equal([[], 'Error: before']);
  });

  it('needs a relay only if no route could do without', async () => {
    const needsRelay = async (...routes: string[]): Promise<boolean | undefined> =>
      (await race.create(optionsOf(race, { routes }), new FakeRoutes({}).host)).needsRelay?.(TARGET);
    expect([await needsRelay('a', 'tls'), await needsRelay('tls', 'tls2')]).to.deep.equal([false, true]);
  });

  it('traces every try', async () => {
    const fake = new FakeRoutes({ a: 'silent', b: [0, 'unreachable'], c: [5, 'ok'] });
    fake.start(race, { routes: ['a', 'b', 'c'] });
    await fake.clock.runAll();
    expect(fake.events).to.deep.equal([
      '0 try a',
      '250 try b',
      '250 try-failed b',
      '250 try c',
      '255 try-connected c',
      '255 try-cancelled a',
    ]);
  });
});
