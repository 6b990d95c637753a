import { expect } from 'chai';
import { Slots } from './slots.js';

describe('slots', () => {
  it('let so many tasks run at a time, the others in turn, whether they fail or not', async () => {
    const slots = new Slots(2);
    const log: string[] = [];
    const ends = new Map<string, () => void>();
    const task = (name: string): Promise<void> =>
      slots.run(async () => {
        log.push(name);
        await new Promise<void>((resolve) => ends.set(name, resolve));
        if (name === 'b') throw new Error('b failed');
      });
    const all = ['a', 'b', 'c', 'd'].map((name) => task(name).catch((error: Error) => log.push(error.message)));
    const end = async (name: string): Promise<void> => {
      ends.get(name)?.();
      await new Promise(setImmediate);
    };
    await new Promise(setImmediate);
    expect(log).to.deep.equal(['a', 'b']);
    await end('b');
    expect(log).to.deep.equal(['a', 'b', 'c', 'b failed']);
    await end('a');
    await end('c');
    await end('d');
    await Promise.all(all);
    expect(log).to.deep.equal(['a', 'b', 'c', 'b failed', 'd']);
  });
});
