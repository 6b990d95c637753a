import type { Duplex } from 'node:stream';
import { allFailed, type DialContext, type LostWay, messageOf, startDeadline } from '@fdpass/core';
import type { Way } from './way.js';

export interface OrderedTries {
  readonly ways: readonly Way[];
  /** What they are, in the plural, for errors. */
  readonly what: string;
  /** Milliseconds for each; undefined or 0: no limit but that of the whole dial. */
  readonly timeoutMs: number | undefined;
}

/**
 * Tries one way after the other; resolves to the stream of the first that leads there.
 *
 * @throws FdpassError that holds why each one failed, or `context.signal.reason` unchanged when that aborts.
 */
export async function tryInOrder({ ways, what, timeoutMs }: OrderedTries, context: DialContext): Promise<Duplex> {
  const lost: LostWay[] = [];
  for (const way of ways) {
    context.signal.throwIfAborted();
    try {
      return await tryOne(way, timeoutMs ?? 0, context);
    } catch (error) {
      context.signal.throwIfAborted();
      lost.push({ label: way.label, error });
    }
  }
  throw allFailed(`none of ${lost.length} ${what} leads there`, lost);
}

async function tryOne(way: Way, timeoutMs: number, context: DialContext): Promise<Duplex> {
  const { clock, signal, trace } = context;
  const startedAt = clock.now();
  const report = (event: string, details: object = {}): void =>
    trace({ event, route: way.label, ms: clock.now() - startedAt, ...details });
  const deadline = startDeadline(timeoutMs, signal, clock);
  trace({ event: 'try', route: way.label });
  try {
    const stream = await way.open({ ...context, signal: deadline.signal });
    report('try-connected');
    return stream;
  } catch (error) {
    if (signal.aborted) report('try-cancelled');
    else report('try-failed', { reason: messageOf(error) });
    throw error;
  } finally {
    deadline.release();
  }
}
