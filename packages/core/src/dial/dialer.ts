import type { Duplex } from 'node:stream';
import type { Clock } from '../ground/clock.js';
import type { Target } from '../ground/target.js';
import type { Trace } from '../ground/trace.js';
import type { Resolver } from '../lookup/resolver.js';

/** What a dial is given besides its target. */
export interface DialContext {
  /** Aborts the whole dial, handshakes included, by the caller's wish or by the deadline; its reason is what to throw. */
  readonly signal: AbortSignal;
  /** Reports progress (`fdpass -v`, `--log`, `trace`); never a secret. */
  readonly trace: Trace;
  /** What delays run on; tests move one by hand. */
  readonly clock: Clock;
  /** How the host program finds the addresses of names. Default: `dns.lookup`, the system's own way. */
  readonly resolve?: Resolver | undefined;
}

/**
 * Opens connections: the one thing every strategy produces and every chain is made of.
 *
 * `dial` resolves to a connected stream that is paused, has nothing read ahead if it is a plain `net.Socket`,
 * and belongs to the caller from then on. It rejects with an {@link FdpassError}, or with `context.signal.reason`
 * unchanged when that aborts, and then leaves nothing open.
 */
export interface Dialer {
  /** Connects to `target`; the stream is the caller's to close. */
  dial(target: Target, context: DialContext): Promise<Duplex>;
  /**
   * True if the stream will certainly not be a kernel socket (TLS, a library's own stream), so that the process
   * that relays it should be the one that dials. Default: false, and core finds out by dialling.
   */
  readonly needsRelay?: boolean;
}
