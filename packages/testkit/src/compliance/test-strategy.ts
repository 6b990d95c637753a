import { messageOf, systemClock } from '@fdpass/core';
import { CHECK_TIMEOUT_MS, checksFor } from './all-checks.js';
import type { Check } from './checks.js';
import { Lab, PATIENCE_MS } from './lab.js';
import type { StrategySubject } from './subject.js';

/** How a strategy did in one check. */
export interface CheckResult {
  /** What a good strategy does. */
  readonly name: string;
  /** Skipped are those that the subject leaves out; the ones that cannot be asked of the strategy at all are not reported. */
  readonly outcome: 'passed' | 'failed' | 'skipped';
  /** What was wrong and what to do about it, or why it was skipped; undefined if it passed. */
  readonly reason?: string;
}

/**
 * Tests a strategy as {@link describeStrategy} does, without a test runner: yields the result of each check as soon as it
 * has ended. One check runs at a time, and an error that nobody catches fails the one that runs.
 *
 * @throws What starting the server throws, an Error for refused options, and the error of a plain dial that fails, since then
 * no check would say more.
 */
export async function* testStrategy(subject: StrategySubject): AsyncGenerator<CheckResult, void, undefined> {
  const lab = await Lab.start(subject);
  try {
    await catchingStrayErrors(() => tryOnce(lab));
    lab.cut();
    for (const check of checksFor(subject)) {
      yield await resultOf(check, lab);
      lab.cut();
    }
  } finally {
    await lab.close();
  }
}

/**
 * Makes a plain dial. An echo shows that everything on the way is there, which a check would else see appear. Whether it comes
 * unchanged is for the checks to say.
 */
async function tryOnce(lab: Lab): Promise<void> {
  const connection = await lab.guardedDial();
  const cancel = systemClock.after(PATIENCE_MS, () => connection.destroy());
  try {
    await connection.write(Buffer.from('echo'));
    await connection.read('echo'.length, 'the echo');
  } catch {
    // It is for the checks to say.
  } finally {
    cancel();
    connection.destroy();
  }
}

async function resultOf({ name, run }: Check, lab: Lab): Promise<CheckResult> {
  const skipped = lab.subject.skip?.[name];
  if (skipped !== undefined) return { name, outcome: 'skipped', reason: skipped };
  try {
    await catchingStrayErrors(() => run(lab));
    return { name, outcome: 'passed' };
  } catch (error) {
    return { name, outcome: 'failed', reason: messageOf(error) };
  }
}

/** Settles as `work` does, or rejects with an error that nobody catches in the meantime, or when it takes too long. */
async function catchingStrayErrors(work: () => Promise<void>): Promise<void> {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  let stop = (): void => {};
  const disturbed = new Promise<never>((_, reject) => {
    process.on('uncaughtException', (error) =>
      reject(new Error(`an error that nobody catches: ${messageOf(error)}; await or catch what can fail`)),
    );
    stop = systemClock.after(CHECK_TIMEOUT_MS, () =>
      reject(
        new Error(
          `it did not end within ${CHECK_TIMEOUT_MS / 1000} s; end what a dial waits for when its signal aborts`,
        ),
      ),
    );
  });
  try {
    await Promise.race([work(), disturbed]);
  } finally {
    stop();
    process.removeAllListeners('uncaughtException');
    for (const listener of others) process.on('uncaughtException', listener);
  }
}
