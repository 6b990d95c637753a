import type { Strategy } from '@fdpass/core';
import { expect } from 'chai';
import { END, FakeRoutes, type World } from './fake-routes.spec.js';
import { firstOf } from './first-of.js';
import { hosts } from './hosts.js';
import { race } from './race.js';

/* Routes to port 22, where a server that does not greet as ssh does makes room for the next route. */

const SSH = 'SSH-2.0-x\r\n';
const HTTP = 'HTTP/1.1 400 Bad Request\r\n';

interface Case {
  readonly what: string;
  readonly strategy?: Strategy<never>;
  readonly world: World;
  readonly options?: object;
  readonly winner?: string;
  /** The message, if none wins. */
  readonly error?: RegExp;
  readonly ends: number;
  readonly log: readonly string[];
  readonly note?: string;
}

const CASES: readonly Case[] = [
  {
    what: 'a route that greets wins when it does',
    world: { a: [10, 'ok', [20, SSH]], b: [0, 'ok', [0, SSH]] },
    winner: 'a',
    ends: 30,
    log: ['0 start a'],
  },
  {
    what: 'one that is slow to greet works, within the limit',
    world: { a: [10, 'ok', [4999, SSH]], b: [0, 'ok', [0, SSH]] },
    winner: 'a',
    ends: 5009,
    log: ['0 start a'],
  },
  {
    what: 'one that closes has failed',
    world: { a: [10, 'ok', [20, END]], b: [0, 'ok', [0, SSH]] },
    winner: 'b',
    ends: 30,
    log: ['0 start a', '30 close a', '30 start b'],
  },
  {
    what: 'one that says something else makes room for the next',
    world: { a: [10, 'ok', [20, HTTP]], b: [0, 'ok', [70, SSH]] },
    winner: 'b',
    ends: 100,
    log: ['0 start a', '30 start b', '100 close a'],
  },
  {
    what: 'one that stays silent makes room after five seconds',
    world: { a: [10, 'ok'], b: [0, 'ok', [70, SSH]] },
    winner: 'b',
    ends: 5080,
    log: ['0 start a', '5010 start b', '5080 close a'],
  },
  {
    what: 'one that greets while the next is tried wins after all',
    world: { a: [10, 'ok', [6000, SSH]], b: 'silent' },
    winner: 'a',
    ends: 6010,
    log: ['0 start a', '5010 start b', '6010 abort b'],
    note: 'a has greeted after all',
  },
  {
    what: 'one that is silent wins if no other works',
    world: { a: [10, 'ok'], b: [0, 'unreachable'] },
    winner: 'a',
    ends: 5010,
    log: ['0 start a', '5010 start b'],
    note: 'a has connected, and no other route works',
  },
  {
    what: 'of several the first that is silent, then the first that says something else',
    world: { a: [0, 'ok', [0, HTTP]], b: [0, 'ok'], c: [0, 'ok'], d: [0, 'unreachable'] },
    winner: 'b',
    ends: 10_000,
    log: ['0 start a', '0 start b', '5000 start c', '10000 start d', '10000 close a', '10000 close c'],
    note: 'b has connected, and no other route works',
  },
  {
    what: 'one that says something else wins if all others fail',
    world: { a: [0, 'ok', [0, HTTP]], b: [5, 'timeout'] },
    winner: 'a',
    ends: 5,
    log: ['0 start a', '0 start b'],
    note: 'a has connected, and no other route works',
  },
  {
    what: 'one that closes while the next is tried is lost',
    world: { a: [0, 'ok', [6000, END]], b: [2000, 'unreachable'] },
    error: /^none of 2 routes works$/,
    ends: 7000,
    log: ['0 start a', '5000 start b', '6000 close a'],
  },
  {
    what: 'the only one that is left is taken at once',
    world: { a: [10, 'unreachable'], b: [20, 'ok'] },
    winner: 'b',
    ends: 30,
    log: ['0 start a', '10 start b'],
  },
  { what: 'the only one is taken at once', world: { a: [20, 'ok'] }, winner: 'a', ends: 20, log: ['0 start a'] },
  {
    what: 'after silence within the limit of a route the next one is tried, and the first taken if that fails',
    world: { a: [10, 'ok'], b: [50, 'unreachable'] },
    options: { timeout: '2s' },
    winner: 'a',
    ends: 2050,
    log: ['0 start a', '2000 start b'],
    note: 'a has connected, and no other route works',
  },
  {
    what: 'a race goes on while a route is silent',
    strategy: race as Strategy<never>,
    world: { a: [10, 'ok'], b: [0, 'ok', [30, SSH]] },
    winner: 'b',
    ends: 280,
    log: ['0 start a', '250 start b', '280 close a'],
  },
  {
    what: 'a race takes the one that is left as soon as the others have failed',
    strategy: race as Strategy<never>,
    world: { a: [10, 'ok'], b: [100, 'unreachable'] },
    winner: 'a',
    ends: 350,
    log: ['0 start a', '250 start b'],
  },
  {
    what: 'a race that starts later too',
    strategy: race as Strategy<never>,
    world: { a: [10, 'ok', [0, END]], b: [0, 'ok'] },
    options: { routes: [{ use: 'a', delay: '100ms' }, 'b'] },
    winner: 'b',
    ends: 110,
    log: ['100 start a', '110 close a', '110 start b'],
  },
];

describe('several routes to port 22', () => {
  before('what looks at greetings is loaded', async () => {
    const fake = new FakeRoutes({ a: [0, 'ok', [0, SSH]], b: 'silent' });
    const dial = fake.startAsHop(firstOf, { routes: ['a', 'b'] });
    while (!dial.settled) await fake.clock.advance(1);
    fake.expectClean(dial.connection);
  });

  for (const { what, strategy = firstOf as Strategy<never>, world, options, ...expected } of CASES) {
    it(what, async () => {
      const fake = new FakeRoutes(world);
      const dial = fake.startAsHop(strategy, { routes: Object.keys(world), ...options });
      await fake.clock.advance(expected.ends - 1);
      expect(dial.settled, 'settled too early').to.equal(false);
      await fake.clock.advance(1);
      expect(dial.settled, 'settled too late').to.equal(true);
      expect(fake.nameOf(dial.connection)).to.equal(expected.winner);
      if (expected.error !== undefined) expect(dial.failure.message).to.match(expected.error);
      expect(fake.log).to.deep.equal(expected.log);
      const notes = fake.events.filter((event) => event.includes(' note '));
      expect(notes).to.deep.equal(expected.note === undefined ? [] : [`${expected.ends} note ${expected.note}`]);
      fake.expectClean(dial.connection);
    });
  }

  it('hosts by several names are looked at as well', async () => {
    const fake = new FakeRoutes({ one: [0, 'ok', [0, END]], two: [0, 'ok', [5, SSH]] }, (_, { host }) => host);
    const dial = fake.startAsHop(hosts, { hosts: ['one', 'two'] });
    await fake.clock.runAll();
    expect(fake.nameOf(dial.connection)).to.equal('two');
    fake.expectClean(dial.connection);
  });

  it('another port is not looked at', async () => {
    const fake = new FakeRoutes({ a: [0, 'ok', [0, END]], b: [0, 'ok', [0, SSH]] });
    const dial = fake.startAsHop(firstOf, { routes: ['a', 'b'] }, { host: 'host.example', port: 443 });
    await fake.clock.advance(0);
    expect(fake.nameOf(dial.connection)).to.equal('a');
  });

  it('an abort leaves nothing, whenever it comes', async () => {
    const world: World = { a: [10, 'ok'], b: [0, 'ok', [0, HTTP]], c: [100, 'ok', [100, SSH]] };
    for (const at of [0, 5, 10, 11, 5009, 5010, 5011, 5110, 5111, 5209]) {
      const fake = new FakeRoutes(world);
      const dial = fake.startAsHop(firstOf, { routes: ['a', 'b', 'c'] });
      await fake.clock.advance(at);
      expect(dial.settled).to.equal(false);
      const reason = new Error(`enough at ${at}`);
      fake.controller.abort(reason);
      await fake.clock.advance(0);
      expect([dial.settled, dial.error], `at ${at}`).to.deep.equal([true, reason]);
      fake.expectClean();
    }
  });
});
