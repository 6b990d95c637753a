import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import type { Target } from '../ground/target.js';
import type { Trace } from '../ground/trace.js';

/** What one dial is given besides its target. */
export interface DialContext {
  /** Aborts the whole dial, handshakes included, when the caller or the deadline says so. Its reason is what to throw. */
  readonly signal: AbortSignal;
  /** Reports progress (`fdpass -v`, `--log`, `trace`). It must never be given a secret. */
  readonly trace: Trace;
}

/**
 * Opens connections: what every strategy creates and every chain is made of.
 *
 * `dial` resolves to a {@link Connection} or to a connected stream, which belongs to the caller from then on. A stream is
 * paused, and a plain `net.Socket` has nothing read ahead. It rejects with an FdpassError, or with
 * `context.signal.reason` unchanged when the signal aborts. What was dialled through the host during a dial that rejects
 * is destroyed by core.
 */
export interface Dialer {
  /** Connects to `target`. */
  dial(target: Target, context: DialContext): Promise<Connection | Duplex>;
  /**
   * True if the connection to this target will certainly not be a kernel socket (TLS, a library's own stream), so that
   * the process that relays it should be the one that dials. Default: core finds out by dialling.
   */
  needsRelay?(target: Target): boolean;
  /** What it decides for this target and why, one line each, for `explain`. Never a secret. Default: nothing. */
  explain?(target: Target): readonly string[];
}

/** A `use` value ready to dial: a chain of hops, each of which dials through the one before it. */
export interface Chain {
  /** Its hops in travel order, as errors and traces show them. Holds no secret. */
  readonly label: string;
  /** Connects to `target` through all hops; the connection belongs to the caller. Rejects as {@link Dialer.dial} does. */
  dial(target: Target, context: DialContext): Promise<Connection>;
  /** As {@link Dialer.needsRelay}, for the whole chain. */
  needsRelay(target: Target): boolean;
  /** As {@link Dialer.explain}, for the whole chain. */
  explain?(target: Target): readonly string[];
}

/** What belongs to a dial, by its context. */
const OWNED = Symbol.for('fdpass.owned.v1');

interface Owned {
  /** The connections that were opened inside the dial; they are destroyed if it rejects. */
  readonly connections: Set<Connection>;
  /** The dials of further hops inside the dial that are under way, with their signals. */
  readonly dials: Map<Promise<unknown>, AbortSignal>;
  /** Why the dial is over, if it rejected: what is opened in it later is destroyed at once. */
  over?: { readonly reason: unknown };
  /** What the dial is to connect to. */
  readonly target: Target | undefined;
}

type OwningContext = DialContext & { readonly [OWNED]?: Owned };

/** A dial's context together with what was opened in it. */
export interface OwningDial {
  /** A spread copy of it (`{ ...context, signal }`) owns the same. */
  readonly context: DialContext;
  /** Destroys all connections that were opened in the dial, and those that are still to come. */
  destroyOwned(reason: unknown): void;
  /**
   * For an abort: resolves when the dials inside the dial that were aborted with it have settled, to the error of the only
   * one, or to undefined if there were none or several.
   */
  innerFailure(): Promise<unknown>;
}

/** A context for a dial that owns what is opened in it. */
export function owningDial({ signal, trace }: DialContext, target?: Target): OwningDial {
  const owned: Owned = { connections: new Set(), dials: new Map(), target };
  const context: OwningContext = { signal, trace, [OWNED]: owned };
  return {
    context,
    destroyOwned(reason) {
      owned.over ??= { reason };
      for (const connection of owned.connections) connection.destroy(reason);
    },
    async innerFailure() {
      const dials = [...owned.dials];
      await undefined; // an abort reaches the signals of inner dials in this turn; one with another signal never settles
      const aborted = dials.flatMap(([dial, signal]) => (signal.aborted ? [dial] : []));
      const results = await Promise.allSettled(aborted);
      const [only] = results;
      return results.length === 1 && only?.status === 'rejected' ? only.reason : undefined;
    },
  };
}

/**
 * Makes a new connection the property of the dial that it was opened in, if core knows that dial. One that comes after
 * that dial has failed is destroyed.
 */
export function ownConnection(connection: Connection, context: DialContext): Connection {
  const owned = (context as OwningContext)[OWNED];
  if (owned?.over !== undefined) connection.destroy(owned.over.reason);
  else owned?.connections.add(connection);
  return connection;
}

/** What the dial that `context` belongs to is to connect to, if core knows that dial. */
export function dialledTarget(context: DialContext): Target | undefined {
  return (context as OwningContext)[OWNED]?.target;
}

/** Tells the dial around it, if core knows that, of a dial that has begun. Returns the same promise. */
export function ownDial<T>(dial: Promise<T>, context: DialContext): Promise<T> {
  const dials = (context as OwningContext)[OWNED]?.dials;
  if (dials === undefined) return dial;
  dials.set(dial, context.signal);
  const settled = (): void => void dials.delete(dial);
  dial.then(settled, settled);
  return dial;
}
