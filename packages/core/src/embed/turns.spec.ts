import { expect } from 'chai';
import { Turns } from './turns.js';

describe('turns of the event loop', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('are shared by many who want to begin at once, in their order', async () => {
    const turns = new Turns();
    const begun: number[] = [];
    const begin = async (number: number): Promise<void> => {
      await turns.next();
      begun.push(number);
    };
    const all = Array.from({ length: 100 }, (_, number) => begin(number));
    const counts: number[] = [];
    for (let count = 0; count < 7; count++) {
      await Promise.resolve();
      counts.push(begun.length);
      if (count === 0) all.push(begin(100)); // it came later than those that wait
      await turn();
    }
    await Promise.all(all);
    expect(counts).to.deep.equal([16, 32, 48, 64, 80, 96, 101]);
    expect(begun).to.deep.equal(Array.from({ length: 101 }, (_, number) => number));
  });

  it('let one begin at once', async () => {
    const turns = new Turns();
    for (let count = 0; count < 3; count++) {
      for (let number = 0; number < 16; number++) expect(turns.next()).to.equal(undefined);
      await turn();
    }
  });
});
