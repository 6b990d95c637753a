import { detectPlatform } from './platform.js';
import type { Sys } from './sys.js';

/** A system error as the kernel's would be. */
export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'test' });
}

/** System calls of a test's own; those it does not give fail. */
export function fakeSys(calls: Partial<Sys>): Sys {
  const missing = new Proxy({} as Sys, {
    get(_, name) {
      return () => {
        throw new Error(`${String(name)} was not expected`);
      };
    },
  });
  return new Proxy({ platform: detectPlatform(), ...calls } as Sys, {
    get: (target, name) => (name in target ? target[name as keyof Sys] : missing[name as keyof Sys]),
  });
}
