import { CHECK_TIMEOUT_MS, checksFor } from './all-checks.js';
import { Lab } from './lab.js';
import type { StrategySubject } from './subject.js';

/**
 * Describes a strategy to mocha: everything that fdpass asks of one, each as a test of its own, on loopback and without
 * any other program. Call it where `describe` may be called. A failing test says what was wrong and what to do about it.
 */
export function describeStrategy(subject: StrategySubject): void {
  describe(`strategy ${subject.strategy.name}${subject.title === undefined ? '' : ` ${subject.title}`}`, function () {
    this.timeout(CHECK_TIMEOUT_MS);
    let lab: Lab;
    before(async () => {
      lab = await Lab.start(subject);
    });
    afterEach(() => lab?.cut());
    after(() => lab?.close());

    for (const check of checksFor(subject)) {
      it(check.name, async function () {
        const reason = subject.skip?.[check.name];
        if (reason !== undefined) {
          Object.assign(this.test ?? {}, { skipReason: reason }); // for reporters: mocha has no place for it
          this.skip();
        }
        await check.run(lab);
      });
    }
  });
}
