import { expect } from 'chai';
import { openSocketsAndPipes } from './processes.js';

/**
 * Every test of the suite that calls this must leave the sockets and pipes of this process as they were. The comparison
 * comes `turns` turns of the event loop after the test. What a suite tidies up itself belongs in an `afterEach` before the
 * call.
 */
export function expectDescriptorsBack(turns: number): void {
  let openBefore: readonly string[];
  beforeEach(() => {
    openBefore = openSocketsAndPipes();
  });
  afterEach(async () => {
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    expect(openSocketsAndPipes()).to.deep.equal(openBefore);
  });
}
