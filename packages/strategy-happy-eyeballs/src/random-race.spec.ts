import { isFdpassError } from '@fdpass/core';
import { expect } from 'chai';
import { type Answer, FakeNetwork, type Outcome, type World } from './fake-network.spec.js';
import type { HappyEyeballsOptions } from './index.js';

/* Worlds nobody thought of: whatever happens, the laws of the race hold. The seed makes every run the same. */

const WORLDS = 400;
const ATTEMPT_DELAY = 100;

/** A small generator of numbers below `below` (Numerical Recipes' linear congruential one). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function randomWorld(random: (below: number) => number): World {
  const hosts: Record<string, Outcome> = {};
  const answer = (family: string): Answer => {
    const names = ['a', 'b', 'c', 'd'].slice(0, random(5)).map((letter) => family + letter);
    for (const name of names) {
      hosts[name] = random(4) === 0 ? 'silent' : [random(500), random(3) === 0 ? 'ok' : 'ECONNREFUSED'];
    }
    return [random(400), names.length > 0 ? names : 'ENOTFOUND'];
  };
  return { aaaa: answer('6'), a: answer('4'), hosts };
}

/** Law of §5: an attempt starts when the delay of the one before has passed, or when that one has failed. */
function expectStaggered(network: FakeNetwork, world: World): void {
  const tries = network.tries().map((line) => line.split(' ') as [string, string]);
  for (const [index, [at, name]] of tries.slice(1).entries()) {
    const [beforeAt, before] = tries[index] as [string, string];
    const outcome = world.hosts[before] ?? 'silent';
    const failedAt = outcome === 'silent' || outcome[1] === 'ok' ? Number.POSITIVE_INFINITY : outcome[0];
    const gap = Number(at) - Number(beforeAt);
    expect(gap, `${name} after ${before}`).to.be.at.least(Math.min(ATTEMPT_DELAY, failedAt));
  }
}

describe('happy eyeballs in random worlds', () => {
  it(`keeps its laws in ${WORLDS} of them`, async () => {
    const options: HappyEyeballsOptions = { attemptDelay: ATTEMPT_DELAY, attemptTimeout: 600 };
    for (let seed = 1; seed <= WORLDS; seed++) {
      const world = randomWorld(randomNumbers(seed));
      const network = new FakeNetwork(world);
      const dialling = network.dial(options).catch((error: unknown) => error);
      await network.clock.runAll();
      const result = await dialling;
      const canConnect = Object.values(world.hosts).some((outcome) => outcome !== 'silent' && outcome[1] === 'ok');
      expect(isFdpassError(result), `world ${seed}`).to.equal(!canConnect);
      network.expectClean([...network.connections.values()].find((connection) => connection === result));
      expectStaggered(network, world);
      if (!canConnect) expect(network.tries(), `world ${seed}`).to.have.length(Object.keys(world.hosts).length);
    }
  });
});
