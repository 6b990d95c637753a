import { KeptWinners } from '@fdpass/core/host';
import { expect } from 'chai';
import { type Dial, FakeRoutes, type World } from './fake-routes.spec.js';
import { firstOf } from './first-of.js';
import { hosts } from './hosts.js';
import { race } from './race.js';

interface Case {
  readonly what: string;
  readonly start: (fake: FakeRoutes) => Dial;
  readonly world: World;
  /** What the first dial does, and what the second does, its times counted anew. */
  readonly logs: readonly [readonly string[], readonly string[]];
  readonly winner: string;
}

/** Long after all others. */
const KEEP_MS = 600_000;

const CASES: readonly Case[] = [
  {
    what: 'first-of',
    start: (fake) => fake.start(firstOf, { routes: ['a', 'b', 'c'] }),
    world: { a: [500, 'unreachable'], b: [5, 'ok'], c: [1, 'ok'] },
    logs: [['0 start a', '500 start b'], ['0 start b']],
    winner: 'b',
  },
  {
    what: 'race',
    start: (fake) => fake.start(race, { routes: ['a', 'b', 'c'], stagger: '100ms' }),
    world: { a: [500, 'ok'], b: 'silent', c: [5, 'ok'] },
    logs: [['0 start a', '100 start b', '200 start c', '205 abort a', '205 abort b'], ['0 start c']],
    winner: 'c',
  },
  {
    what: 'race, whose first route waits too, but not the one that goes before it',
    start: (fake) =>
      fake.start(race, { routes: [{ use: 'a', delay: '30ms' }, { use: 'b', delay: '70ms' }, 'c'], grace: '1s' }),
    world: { a: 'silent', b: [80, 'ok'], c: 'silent' },
    logs: [
      ['30 start a', '100 start b', '1180 abort a'],
      ['0 start b', '30 start a', '80 abort a'],
    ],
    winner: 'b',
  },
  {
    what: 'hosts',
    start: (fake) => fake.start(hosts, { hosts: ['a', 'b'] }),
    world: { a: [500, 'unreachable'], b: [5, 'ok'] },
    logs: [['0 start a', '500 start b'], ['0 start b']],
    winner: 'b',
  },
];

describe('what worked last time goes first:', () => {
  for (const { what, start, world, logs, winner } of CASES) {
    it(what, async () => {
      const byHost = (use: unknown, { host }: { readonly host: string }): string =>
        use === 'forward' ? host : `${use}`;
      const dials = [...logs, logs[0]];
      let winners: KeptWinners | undefined;
      for (const [index, log] of dials.entries()) {
        const fake = new FakeRoutes(world, byHost);
        winners ??= new KeptWinners(fake.clock, () => 'here', KEEP_MS);
        fake.winners = index === 2 ? new KeptWinners(fake.clock, () => 'there', KEEP_MS) : winners;
        const dial = start(fake);
        await fake.clock.runAll();
        expect(fake.log).to.deep.equal(log);
        expect(fake.nameOf(dial.connection)).to.equal(winner);
        fake.expectClean(dial.connection);
      }
    });
  }

  const REMEMBERING: readonly (readonly [
    what: string,
    remember: string | undefined,
    programMs: number,
    isFirst: boolean,
  ])[] = [
    ['if the route says so', '1h', 0, true],
    ['for as long as the route says', '5s', KEEP_MS, false],
    ['longer than the program does', '1h', 5000, true],
    ['but not if the route says never', '0', KEEP_MS, false],
    ['but not if nobody says so', undefined, 0, false],
  ];
  for (const [what, remember, programMs, isFirst] of REMEMBERING) {
    for (const strategy of [firstOf, race, hosts]) {
      it(`${strategy.name}, ${what}`, async () => {
        const of = strategy === hosts ? 'hosts' : 'routes';
        const written = { [of]: ['a', 'b'], ...(remember !== undefined && { remember }) };
        const byHost = (use: unknown, { host }: { readonly host: string }): string =>
          use === 'forward' ? host : `${use}`;
        const first = new FakeRoutes({ a: [1, 'unreachable'], b: [2, 'ok'] }, byHost);
        first.winners = new KeptWinners(first.clock, () => 'here', programMs);
        const won = first.start(strategy as typeof firstOf, written as never);
        await first.clock.runAll();
        await first.clock.advance(10_000);
        first.expectClean(won.connection);
        const later = new FakeRoutes({ a: [1, 'unreachable'], b: [2, 'ok'] }, byHost);
        later.winners = first.winners;
        const dial = later.start(strategy as typeof firstOf, written as never);
        await later.clock.runAll();
        expect(later.log[0]).to.equal(isFirst ? '0 start b' : '0 start a');
        later.expectClean(dial.connection);
      });
    }
  }

  it('and if it does not work any more, the others in their order', async () => {
    const fake = new FakeRoutes({ a: [1, 'unreachable'], b: [2, 'ok'] });
    fake.winners = new KeptWinners(fake.clock, () => 'here', KEEP_MS);
    const written = { routes: ['a', 'b', 'c'] };
    fake.start(firstOf, written);
    await fake.clock.runAll();
    const later = new FakeRoutes({ a: [3, 'ok'], b: [4, 'unreachable'] });
    later.winners = fake.winners;
    const dial = later.start(firstOf, written);
    await later.clock.runAll();
    expect(later.log).to.deep.equal(['0 start b', '4 start a']);
    expect(later.events[0]).to.equal('0 note b goes first: it worked last time');
    later.expectClean(dial.connection);
  });
});
