import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { expect } from 'chai';

/** The sockets and pipes this process has open; nothing where the system does not tell. */
export function openDescriptors(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
      } catch {
        return []; // the descriptor of this very listing
      }
    })
    .filter((entry) => /socket:|pipe:/.test(entry));
}

/**
 * Every test of the suite that calls this must leave the descriptors as they were, so many turns of the event loop after
 * it. What a suite tidies up itself belongs into an `afterEach` before the call.
 */
export function expectDescriptorsBack(turns: number): void {
  let openBefore: readonly string[];
  beforeEach(() => {
    openBefore = openDescriptors();
  });
  afterEach(async () => {
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    expect(openDescriptors()).to.deep.equal(openBefore);
  });
}
