import type { HostAddress, Resolver } from './resolver.js';

/**
 * A resolver that asks `resolve` once for what several dials want to know at the same time: a thousand dials to one host
 * would otherwise wait for two thousand answers from the few threads that look names up. Nothing is kept once it is
 * answered. Each caller's signal lets go of its own wait only.
 */
export function shareLookups(resolve: Resolver): Resolver {
  const underWay = new Map<string, Promise<readonly HostAddress[]>>();
  const never = new AbortController().signal; // a look-up cannot be interrupted, and others may wait for it too
  const ask = (host: string, family: 0 | 4 | 6): Promise<readonly HostAddress[]> => {
    const key = `${family} ${host}`;
    const asked = underWay.get(key);
    if (asked !== undefined) return asked;
    const asking = resolve(host, family, never).finally(() => underWay.delete(key));
    underWay.set(key, asking);
    return asking;
  };
  return (host, family, signal) =>
    new Promise((settle, reject) => {
      signal.throwIfAborted();
      const abort = (): void => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      ask(host, family)
        .finally(() => signal.removeEventListener('abort', abort))
        .then(settle, reject);
    });
}
