import { dialRetrying } from '../dial/retrying.js';
import type { RetrySettings } from '../dial/settings.js';
import type { GuardedDialer } from './guard.js';
import type { HostServices } from './strategy-host.js';

/** A dial that is made again after a failure that can pass. */
export function dialAgain(
  dial: GuardedDialer['dial'],
  retry: RetrySettings,
  { clock, random }: HostServices,
): GuardedDialer['dial'] {
  return (target, context) =>
    dialRetrying({ context, clock, random, port: target.port, dial: (inner) => dial(target, inner) }, retry);
}
