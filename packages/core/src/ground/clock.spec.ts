import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { startDeadline, systemClock, untilAborted } from './clock.js';
import { isFdpassError } from './errors.js';
import { HandClock } from './hand-clock.spec.helper.js';
import { caught } from './rejection.spec.helper.js';

const listenersOf = (signal: AbortSignal): number => getEventListeners(signal, 'abort').length;

describe('the clock of the machine', () => {
  it('calls in order, and not what was cancelled', async () => {
    const calls: string[] = [];
    const cancel = systemClock.after(1, () => calls.push('cancelled'));
    await new Promise<void>((resolve) => {
      systemClock.after(2, () => {
        calls.push('called');
        resolve();
      });
      cancel();
    });
    cancel();
    expect(calls).to.deep.equal(['called']);
  });

  it('never goes backwards', () => {
    const times = Array.from({ length: 100 }, () => systemClock.now());
    expect(times).to.deep.equal(times.toSorted((a, b) => a - b));
  });

  it('does not take a delay that is too long for a timer as none', async () => {
    const calls: string[] = [];
    const warnings: Error[] = [];
    const warned = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warned);
    const cancel = systemClock.after(2 ** 40, () => calls.push('too early'));
    await new Promise<void>((resolve) => void systemClock.after(5, resolve));
    cancel();
    process.off('warning', warned);
    expect([calls, warnings]).to.deep.equal([[], []]);
  });
});

describe('a deadline', () => {
  it('aborts when its time is over, and says what to check', () => {
    const clock = new HandClock();
    const { signal, remainingMs, release } = startDeadline(2000, undefined, clock);
    expect(remainingMs()).to.equal(2000);
    clock.advance(1999);
    expect([signal.aborted, remainingMs()]).to.deep.equal([false, 1]);
    clock.advance(1);
    expect(signal.reason).to.satisfy(isFdpassError).and.include({ code: 'timeout', message: 'timed out after 2 s' });
    expect(signal.reason.hint).to.match(/^check that something answers/);
    clock.advance(1000);
    expect(remainingMs()).to.equal(1); // never 0, which would mean no limit
    release();
  });

  it('of 0 has no limit', () => {
    const clock = new HandClock();
    const { signal, remainingMs, release } = startDeadline(0, new AbortController().signal, clock);
    expect([clock.pending, remainingMs(), signal.aborted]).to.deep.equal([0, 0, false]);
    release();
  });

  it("passes on the reason of the first of the caller's signals", () => {
    const [first, second] = [new AbortController(), new AbortController()];
    const clock = new HandClock();
    const { signal, release } = startDeadline(100, [first.signal, undefined, second.signal], clock);
    const reason = new Error('enough');
    second.abort(reason);
    first.abort(new Error('too late'));
    clock.advance(100);
    expect(signal.reason).to.equal(reason);
    release();
    const late = startDeadline(100, second.signal, clock);
    expect(late.signal.reason).to.equal(reason);
    late.release();
  });

  it('leaves no timer and no listener once it is released', () => {
    const clock = new HandClock();
    const controllers = [new AbortController(), new AbortController()];
    const signals = controllers.map(({ signal }) => signal);
    const { signal, release } = startDeadline(100, signals, clock);
    expect([clock.pending, ...signals.map(listenersOf)]).to.deep.equal([1, 1, 1]);
    release();
    release();
    for (const controller of controllers) controller.abort();
    expect([clock.pending, signal.aborted, ...signals.map(listenersOf)]).to.deep.equal([0, false, 0, 0]);
  });
});

describe('work until an abort', () => {
  const reason = new Error('enough');

  it('settles as it does by itself, and leaves no listener', async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(signal, Promise.resolve(7))).to.equal(7);
    expect(await caught(untilAborted(signal, Promise.reject(reason)))).to.equal(reason);
    expect(await untilAborted(undefined, Promise.resolve(7))).to.equal(7);
    expect(listenersOf(signal)).to.equal(0);
  });

  it('is left behind at the abort, and its late result is dropped', async () => {
    for (const isEarly of [true, false]) {
      const controller = new AbortController();
      const dropped: number[] = [];
      let finish: (value: number) => void = () => {};
      const work = new Promise<number>((resolve) => (finish = resolve));
      if (isEarly) controller.abort(reason);
      const failed = caught(untilAborted(controller.signal, work, (late) => dropped.push(late)));
      controller.abort(reason);
      expect(await failed).to.equal(reason);
      expect(dropped).to.deep.equal([]);
      finish(7);
      await new Promise(setImmediate);
      expect([dropped, listenersOf(controller.signal)]).to.deep.equal([[7], 0]);
    }
  });

  it('drops a result that arrives in the moment of the abort, rather than lose it', async () => {
    const controller = new AbortController();
    const dropped: number[] = [];
    let finish: (value: number) => void = () => {};
    const work = new Promise<number>((resolve) => (finish = resolve));
    const failed = caught(untilAborted(controller.signal, work, (late) => dropped.push(late)));
    finish(7);
    controller.abort(reason);
    expect(await failed).to.equal(reason);
    expect(dropped).to.deep.equal([7]);
  });
});
