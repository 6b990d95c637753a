import { expect } from 'chai';
import { makeSys } from './koffi.js';
import { constantsFor, layoutFor, type MessageLayout, type PlatformName } from './layouts.js';

/** The calls that it makes of C functions that all return 9, on a system that tests do not run on. */
function callsOn(name: PlatformName, use: (sys: ReturnType<typeof makeSys>) => void): unknown[][] {
  const calls: unknown[][] = [];
  const func = (prototype: string): unknown => {
    const [, called] = /(\w+)\(/.exec(prototype) ?? [];
    return (...args: unknown[]): number => {
      calls.push([called, ...args]);
      return 9;
    };
  };
  const koffi = { load: () => ({ func }), node: { poll: () => {} } } as unknown as Parameters<typeof makeSys>[0];
  const layout = layoutFor(name, 8, true) as MessageLayout;
  use(makeSys(koffi, { name, layout, constants: constantsFor(name) }));
  return calls;
}

describe('a client is accepted close-on-exec and non-blocking', () => {
  it('by one call where the system has accept4(2)', () => {
    for (const [name, flags] of [
      ['linux-glibc', 0x8_0800],
      ['linux-musl', 0x8_0800],
      ['freebsd', 0x3000_0000],
    ] as const) {
      const calls = callsOn(name, (sys) => expect(sys.accept(5)).to.equal(9));
      expect(calls).to.deep.equal([['accept4', 5, null, null, flags]]);
    }
  });

  it('by four more on macOS', () => {
    const calls = callsOn('darwin', (sys) => expect(sys.accept(5)).to.equal(9));
    expect(calls).to.deep.equal([
      ['accept', 5, null, null],
      ['fcntl', 9, 1, 'int', 0],
      ['fcntl', 9, 2, 'int', 9 | 1],
      ['fcntl', 9, 3, 'int', 0],
      ['fcntl', 9, 4, 'int', 9 | 0x4],
    ]);
  });
});
