import { expect } from 'chai';
import { VirtualClock } from './virtual-clock.js';

describe('virtual clock', () => {
  it('runs timers in the order they are due, then in the order they were set', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    for (const [name, delay] of [
      ['c', 30],
      ['a', 10],
      ['b', 10],
    ] as const) {
      clock.after(delay, () => ran.push(`${clock.now()} ${name}`));
    }
    await clock.runAll();
    expect(ran).to.deep.equal(['10 a', '10 b', '30 c']);
    expect(clock.now()).to.equal(30);
  });

  it('moves exactly as far as it is told', async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    for (const delay of [10, 20, 21]) clock.after(delay, () => ran.push(delay));
    await clock.advance(20);
    expect([ran, clock.now(), clock.pending]).to.deep.equal([[10, 20], 20, 1]);
    await clock.advance(5);
    expect([ran, clock.now(), clock.pending]).to.deep.equal([[10, 20, 21], 25, 0]);
  });

  it('runs timers that are set on the way, by promises too', async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    const pause = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));
    const work = async (): Promise<void> => {
      for (const ms of [5, 5, 0]) {
        await pause(ms);
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        ran.push(clock.now());
      }
    };
    void work();
    await clock.advance(10);
    expect(ran).to.deep.equal([5, 10, 10]);
  });

  it('forgets a cancelled timer, and takes cancelling at any time', async () => {
    const clock = new VirtualClock();
    let ran = 0;
    const cancelFirst = clock.after(1, () => ran++);
    const cancelSecond = clock.after(2, () => ran++);
    cancelFirst();
    expect(clock.pending).to.equal(1);
    await clock.runAll();
    cancelSecond();
    cancelSecond();
    expect(ran).to.equal(1);
  });

  it('stops at timers without end', async () => {
    const clock = new VirtualClock();
    const again = (): void => void clock.after(0, again);
    again();
    const error = await clock.runAll(500).catch((reason: unknown) => reason);
    expect(error).to.match(/500 timers ran and there are still more/);
  });
});
