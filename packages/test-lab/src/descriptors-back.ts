import { expect } from 'chai';
import { openSocketsAndPipes, PATIENCE_MS } from './processes.js';

/**
 * Every test of the suite that calls this must leave the sockets and pipes of this process as they were. The end of a child
 * and the news that the other side has closed take their time, so that is waited for. What a suite tidies up itself belongs
 * in an `afterEach` before the call.
 */
export function expectDescriptorsBack(): void {
  let openBefore: readonly string[];
  beforeEach(() => {
    openBefore = openSocketsAndPipes();
  });
  afterEach(async () => {
    const deadline = performance.now() + PATIENCE_MS;
    const isBack = (): boolean => openSocketsAndPipes().join() === openBefore.join();
    while (!isBack() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(openSocketsAndPipes()).to.deep.equal(openBefore);
  });
}
