import { expect } from 'chai';
import { FakeRoutes, type Outcome } from './fake-routes.spec.js';
import { race } from './race.js';

/** A small generator with a seed (mulberry32), so that a failure can be repeated. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function randomOutcome(random: (below: number) => number): Outcome {
  if (random(4) === 0) return 'silent';
  return [random(8) * 100, random(2) === 0 ? 'ok' : 'unreachable'];
}

/** Routes, stagger and grace in steps of 100 ms, so that much happens in the same moment. */
function randomRace(seed: number): {
  fake: FakeRoutes;
  options: object;
  hasOk: boolean;
  random: (below: number) => number;
} {
  const random = randomFrom(seed);
  const outcomes = Array.from({ length: 1 + random(6) }, (_, index) => [`r${index}`, randomOutcome(random)] as const);
  const options = {
    routes: outcomes.map(([name]) => (random(3) === 0 ? { use: name, delay: `${random(4) * 100}ms` } : name)),
    stagger: `${random(4) * 100}ms`,
    grace: `${random(4) * 100}ms`,
  };
  const hasOk = outcomes.some(([, outcome]) => outcome !== 'silent' && outcome[1] === 'ok');
  return { fake: new FakeRoutes(Object.fromEntries(outcomes)), options, hasOk, random };
}

describe('random races', () => {
  it('are won if any route works, end without one only when all have failed, and leave nothing', async () => {
    for (let seed = 1; seed <= 500; seed++) {
      const { fake, options, hasOk } = randomRace(seed);
      const dial = fake.start(race, options);
      await fake.clock.runAll();
      expect(dial.connection !== undefined, `seed ${seed}`).to.equal(hasOk);
      if (!dial.settled) fake.controller.abort(new Error('never'));
      await fake.clock.advance(0); // a race with a silent route is never over
      fake.expectClean(dial.connection);
    }
  });

  it('leave nothing when they are aborted in the middle of it', async () => {
    for (let seed = 1; seed <= 500; seed++) {
      const { fake, options, random } = randomRace(seed);
      const dial = fake.start(race, options);
      await fake.clock.advance(random(20) * 50);
      const wasOver = dial.settled;
      const reason = new Error(`seed ${seed}`);
      fake.controller.abort(reason);
      await fake.clock.advance(0);
      expect(dial.settled, `seed ${seed}`).to.equal(true);
      if (!wasOver) expect(dial.error).to.equal(reason);
      fake.expectClean(dial.connection);
    }
  });
});
