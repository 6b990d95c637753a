import { expect } from 'chai';
import { FdpassError } from '../ground/errors.js';
import { Random } from '../ground/random.spec.helper.js';
import type { Candidate } from './attempt.js';
import { Arriving, type FakeConnection, type Outcome, type Outcomes, type Table, World } from './world.spec.helper.js';

/*
 * Races in random worlds. Times are in steps of 50 ms, so that much happens in the same moment. What must hold in every
 * world is said in plain words below, without regard to how `race.ts` does it.
 */

const STEP_MS = 50;
const WORLDS = 1500;

interface RandomWorld {
  readonly world: World;
  readonly random: Random;
  readonly names: readonly string[];
  readonly table: Table;
  readonly headStarts: Readonly<Record<string, number | undefined>>;
  readonly graceMs: number;
  readonly timeoutMs: number;
  /** When each arrives; undefined if all are there from the start. */
  readonly arrivals: readonly number[] | undefined;
  start(): Outcomes;
}

function randomOutcome(random: Random): Outcome {
  if (random.chance(25)) return 'silent';
  return [random.below(12) * STEP_MS, random.chance(50) ? 'ok' : random.pick(['unreachable', 'timeout', 'config'])];
}

/** Addresses: one head start for all, no grace. Routes: a head start of its own for each, and a grace. */
function randomWorld(seed: number): RandomWorld {
  const random = new Random(seed);
  const areRoutes = random.chance(50);
  const names = Array.from({ length: 1 + random.below(6) }, (_, index) => `c${index}`);
  const table = Object.fromEntries(names.map((name) => [name, randomOutcome(random)]));
  const common = random.chance(20) ? undefined : random.below(6) * STEP_MS;
  const headStarts = Object.fromEntries(
    names.map((name) => [name, areRoutes && random.chance(30) ? random.below(6) * STEP_MS : common]),
  );
  const graceMs = areRoutes ? random.below(6) * STEP_MS : 0;
  const timeoutMs = random.chance(50) ? (1 + random.below(8)) * STEP_MS : 0;
  const arrivals = random.chance(40) ? names.map(() => random.below(8) * STEP_MS).toSorted((a, b) => a - b) : undefined;
  const world = new World(table);
  const candidates = names.map((name): Candidate<FakeConnection> => world.candidate(name, headStarts[name]));
  const due = candidates.map((candidate, index) => [arrivals?.[index] ?? 0, candidate] as const);
  return {
    world,
    random,
    names,
    table,
    headStarts,
    graceMs,
    timeoutMs,
    arrivals,
    start() {
      const closesAt = (arrivals?.at(-1) ?? 0) + random.below(4) * STEP_MS;
      const source = arrivals === undefined ? candidates : new Arriving(world.clock, due, closesAt);
      return world.race(source, { of: areRoutes ? 'route' : 'address', graceMs, timeoutMs });
    },
  };
}

/** When each candidate was started, in that order. */
function startsOf({ world }: RandomWorld): { readonly name: string; readonly at: number }[] {
  return world.log.flatMap((line) => {
    const [at, what, name = ''] = line.split(' ');
    return what === 'start' ? [{ name, at: Number(at) }] : [];
  });
}

/** How long a candidate runs by itself, at most as long as its limit; infinite if it is silent. */
function ownTime({ table, timeoutMs }: RandomWorld, name: string): number {
  const outcome = table[name] ?? 'silent';
  const limit = timeoutMs > 0 ? timeoutMs : Number.POSITIVE_INFINITY;
  return Math.min(outcome === 'silent' ? Number.POSITIVE_INFINITY : outcome[0], limit);
}

/** Whether it works, if it is started and nobody stops it. What is due in the moment of its limit is not looked at. */
function works({ table, timeoutMs }: RandomWorld, name: string): boolean | undefined {
  const outcome = table[name] ?? 'silent';
  if (outcome === 'silent' || outcome[1] !== 'ok') return false;
  if (timeoutMs > 0 && outcome[0] === timeoutMs) return undefined;
  return timeoutMs === 0 || outcome[0] < timeoutMs;
}

/** Each starts when its turn has come, no later and no earlier. */
function expectTurns(made: RandomWorld, what: string): void {
  const starts = startsOf(made);
  expect(
    starts.map(({ name }) => name),
    `${what}: in order of preference`,
  ).to.deep.equal(made.names.slice(0, starts.length));
  for (const [index, { name, at }] of starts.entries()) {
    const before = starts[index - 1];
    const arrived = made.arrivals?.[index] ?? 0;
    const headStart = before && (made.headStarts[before.name] ?? Number.POSITIVE_INFINITY);
    const turn = before === undefined ? 0 : before.at + Math.min(headStart ?? 0, ownTime(made, before.name));
    // A connection that wins ends the head start too, but then nobody starts.
    expect(at, `${what}: ${name} starts`).to.equal(Math.max(arrived, turn));
  }
}

describe('races in random worlds', () => {
  it('are won if anyone works, lost when all have failed, and leave nothing', async () => {
    for (let seed = 1; seed <= WORLDS; seed++) {
      const made = randomWorld(seed);
      const { world, names } = made;
      const race = made.start();
      await world.clock.runAll();
      const what = `world ${seed}`;
      expectTurns(made, what);
      const starts = startsOf(made);
      const canWork = starts.map(({ name }) => works(made, name));
      if (canWork.includes(true)) expect(race.winner, what).to.not.equal(undefined);
      if (race.winner !== undefined) expect(works(made, race.winner.name), what).to.not.equal(false);
      if (race.error !== undefined) {
        expect(starts, `${what}: all were tried`).to.have.length(names.length);
        expect(race.failure, what).to.be.instanceOf(FdpassError);
        if (names.length > 1) expect(race.failure.attempts, what).to.have.length(names.length);
      }
      if (race.endedAt === undefined) {
        // Only a candidate that is silent without a limit can keep a race from its end.
        expect(
          starts.some(({ name }) => ownTime(made, name) === Number.POSITIVE_INFINITY),
          what,
        ).to.equal(true);
        world.controller.abort(new Error('never'));
        await world.clock.pass(0);
      }
      world.expectClean(race.winner, what);
    }
  });

  it('are won by the best that connects within the grace of the first', async () => {
    for (let seed = 1; seed <= WORLDS; seed++) {
      const made = randomWorld(seed);
      const race = made.start();
      await made.world.clock.runAll();
      if (race.winner === undefined || race.endedAt === undefined) continue;
      const connected = startsOf(made)
        .filter(({ name }) => works(made, name) === true)
        .map(({ name, at }) => ({ index: made.names.indexOf(name), at: at + ownTime(made, name) }));
      const first = Math.min(...connected.map(({ at }) => at));
      if (!Number.isFinite(first)) continue;
      const what = `world ${seed}`;
      expect(race.endedAt, what).to.be.within(first, first + made.graceMs);
      const winner = made.names.indexOf(race.winner.name);
      // In the same moment either can be first; before it, the better one must have won.
      const better = connected.filter(({ index, at }) => index < winner && at < (race.endedAt ?? 0));
      expect(better, `${what}: nobody better connected before the end`).to.deep.equal([]);
    }
  });

  it('end at once with the reason when they are aborted, and leave nothing', async () => {
    for (let seed = 1; seed <= WORLDS; seed++) {
      const made = randomWorld(seed);
      const { world, random } = made;
      const race = made.start();
      await world.clock.pass(random.below(40) * (STEP_MS / 2));
      const wasOver = race.endedAt !== undefined;
      const reason = new Error(`world ${seed}`);
      world.controller.abort(reason);
      await world.clock.pass(0);
      expect(race.endedAt, `world ${seed}`).to.not.equal(undefined);
      if (!wasOver) expect(race.error).to.equal(reason);
      world.expectClean(race.winner, `world ${seed}`);
      const { length } = world.log;
      await world.clock.runAll();
      expect(world.log, `world ${seed}: nothing happens later`).to.have.length(length);
    }
  });

  it('hand out no connection when whoever listens aborts, at any event', async () => {
    for (let seed = 1; seed <= WORLDS; seed++) {
      const made = randomWorld(seed);
      const { world, random } = made;
      const at = random.below(10);
      const reason = new Error(`world ${seed}`);
      world.onEvent = () => void (world.events.length > at && world.controller.abort(reason));
      const race = made.start();
      await world.clock.runAll();
      if (world.controller.signal.aborted) expect([race.winner, race.error]).to.deep.equal([undefined, reason]);
      else if (race.endedAt === undefined) world.controller.abort(reason);
      await world.clock.pass(0);
      world.expectClean(race.winner, `world ${seed}`);
    }
  });

  it('go on when a connection breaks while it waits for a better one', async () => {
    let broken = 0;
    for (let seed = 1; seed <= WORLDS; seed++) {
      const made = randomWorld(seed);
      const { world, random } = made;
      const race = made.start();
      for (let moment = 0; moment < 30 && race.endedAt === undefined; moment++) {
        await world.clock.pass(STEP_MS);
        const waiting = [...world.connections.values()].filter(({ listeners }) => listeners.size > 0);
        expect(waiting.length, `world ${seed}: one waits at most`).to.be.at.most(1);
        if (waiting[0] === undefined || random.chance(50)) continue;
        waiting[0].break(random.chance(50) ? new Error('reset') : undefined);
        broken++;
        expect(waiting[0].isDestroyed, `world ${seed}`).to.equal(true);
      }
      await world.clock.runAll();
      if (race.endedAt === undefined) world.controller.abort('never');
      await world.clock.pass(0);
      world.expectClean(race.winner, `world ${seed}`);
    }
    expect(broken).to.be.greaterThan(50);
  });
});
