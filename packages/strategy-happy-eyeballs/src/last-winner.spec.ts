import { expect } from 'chai';
import { FakeNetwork, type World } from './fake-network.spec.js';
import type { HappyEyeballsOptions } from './index.js';

interface Row {
  readonly what: string;
  /** Who has won before, where all others were silent. */
  readonly won: string;
  readonly world: World;
  readonly options?: HappyEyeballsOptions;
  /** Every attempt of the second dial with the time it starts. */
  readonly tries: string;
}

const OK: World['hosts'] = { '6a': [1, 'ok'], '6b': [1, 'ok'], '4a': [1, 'ok'], '4b': [1, 'ok'] };
const WORLD: World = { aaaa: [0, ['6a', '6b']], a: [0, ['4a', '4b']], hosts: OK };

const TABLE: readonly Row[] = [
  { what: 'goes first, with its family', won: '4b', world: WORLD, tries: '0 4b' },
  { what: 'goes first of its own family', won: '6b', world: WORLD, tries: '0 6b' },
  {
    what: 'is followed by the other family, then by the rest',
    won: '4b',
    world: { ...WORLD, hosts: { '6b': [1, 'ok'] } },
    tries: '0 4b, 250 6a, 500 4a, 750 6b',
  },
  {
    what: 'is waited for as the first family is',
    won: '4a',
    world: { ...WORLD, a: [30, ['4a']] },
    tries: '30 4a',
  },
  {
    what: 'is not waited for longer than the resolution delay',
    won: '4a',
    world: { ...WORLD, a: [90, ['4a']] },
    tries: '50 6a',
  },
  {
    what: 'leaves its family first when it is no longer among the addresses',
    won: '4b',
    world: { ...WORLD, a: [0, ['4a']] },
    tries: '0 4a',
  },
  {
    what: 'makes no difference when its family has no address any more',
    won: '4b',
    world: { ...WORLD, a: [0, 'ENOTFOUND'] },
    tries: '0 6a',
  },
  {
    what: 'does not change the family that the options put first',
    won: '4b',
    world: { ...WORLD, hosts: {} },
    options: { firstFamily: 6, attemptTimeout: 900 },
    tries: '0 6a, 250 4b, 500 6b, 750 4a',
  },
  { what: 'is not one of another question', won: '4b', world: WORLD, options: { family: 6 }, tries: '0 6a' },
];

describe('the address that has won last time', () => {
  for (const { what, won, world, options = {}, tries } of TABLE) {
    it(what, async () => {
      const before = new FakeNetwork({ ...WORLD, hosts: { [won]: [1, 'ok'] } });
      const { family: _, ...others } = options;
      const first = before.dial({ ...others, attemptTimeout: 5000 });
      await before.clock.runAll();
      before.expectClean(await first);
      const network = new FakeNetwork(world);
      network.winners = before.winners;
      const second = network.dial(options).catch(() => undefined);
      await network.clock.runAll();
      expect(network.tries().join(', ')).to.equal(tries);
      network.expectClean(await second);
    });
  }
});
