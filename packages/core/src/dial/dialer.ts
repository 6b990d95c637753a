import type { Duplex } from 'node:stream';
import type { Connection } from '../connection/connection.js';
import { AbortListener, type AbortState, abortStateOf } from '../ground/abortable.js';
import { withAdded } from '../ground/lists.js';
import type { Target } from '../ground/target.js';
import { type DialContext, type HopContext, type InnerDial, OWNED, type Owned, withOwned } from './context.js';

export type { DialContext } from './context.js';

/** Where TLS is done on a connection. */
export type TlsPlace =
  /** In the kernel, on the very socket that is passed. */
  | { readonly by: 'kernel' }
  /** In the process that dials. `why`: the kernel was wanted, but cannot. */
  | { readonly by: 'process'; readonly why?: string | undefined };

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
  /**
   * Where TLS is done on the connection to this target, if there is any; `undefined` for none. Default: core finds out by
   * dialling.
   */
  tls?(target: Target): TlsPlace | undefined;
  /**
   * How long a dial can naturally take, in milliseconds, for example because a machine has to boot first. The time limit is then
   * at least this, unless the command line sets one. Default: no longer than other dials.
   */
  readonly patienceMs?: number | undefined;
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
  /** As {@link Dialer.tls}, for the whole chain. */
  tls?(target: Target): TlsPlace | undefined;
  /** As {@link Dialer.explain}, for the whole chain. */
  explain?(target: Target): readonly string[];
}

/**
 * A dial that owns what is opened in it. To save memory, one object serves as the `Owned` of its context, the `InnerDial` of the
 * dial around it, and the listener for an abort.
 */
export class OwningDial extends AbortListener implements Owned, InnerDial {
  readonly target: Target | undefined;
  connections?: Connection[];
  dials?: InnerDial[];
  over?: { readonly reason: unknown };
  dial: Promise<unknown> | undefined;
  /** What the signal of its context says. */
  readonly state: AbortState;
  /** A spread copy of it (`{ ...context, signal }`) owns the same. */
  readonly context: DialContext;
  /** Of whoever dials. */
  protected readonly outer: DialContext;
  #isOver = false;

  /** @param outer The context of whoever dials. */
  constructor(outer: DialContext, target?: Target) {
    super();
    this.target = target;
    this.outer = outer;
    this.context = withOwned(outer, this);
    this.state = abortStateOf(outer);
  }

  /** Lets the dial around it know that this one has begun. Returns the same promise. */
  began<T>(dial: Promise<T>): Promise<T> {
    const around = this.#around;
    if (around === undefined || this.#isOver) return dial;
    this.dial = dial;
    around.dials = withAdded(around.dials, this);
    return dial;
  }

  /** Has to be called at the end of a dial, or the dial around it would wait for this one when it is aborted. */
  ended(): void {
    this.#isOver = true;
    const dials = this.#around?.dials ?? [];
    const at = dials.indexOf(this);
    if (at !== -1) dials.splice(at, 1);
  }

  /** Undefined if core does not know the dial around it. */
  get #around(): Owned | undefined {
    return (this.outer as HopContext)[OWNED];
  }

  /** Destroys all connections that were opened in the dial, and those that are still to come. */
  destroyOwned(reason: unknown): void {
    this.over ??= { reason };
    for (const connection of this.connections ?? []) connection.destroy(reason);
  }

  /** Called on an abort if it is listening. */
  override aborted(reason: unknown): void {
    this.destroyOwned(reason);
  }

  /**
   * For an abort: resolves when the dials inside the dial that were aborted with it have settled, to the error of the only
   * one, or to undefined if there were none or several.
   */
  async innerFailure(): Promise<unknown> {
    const dials = [...(this.dials ?? [])];
    await undefined; // an abort reaches the signals of inner dials in this turn; one with another signal never settles
    const aborted = dials.flatMap(({ dial, state }) => (state.aborted ? [dial] : []));
    const results = await Promise.allSettled(aborted);
    const [only] = results;
    return results.length === 1 && only?.status === 'rejected' ? only.reason : undefined;
  }
}

/**
 * Makes a new connection the property of the dial that it was opened in, if core knows that dial. One that comes after
 * that dial has failed is destroyed.
 */
export function ownConnection(connection: Connection, context: DialContext): Connection {
  const owned = (context as HopContext)[OWNED];
  if (owned === undefined) return connection;
  if (owned.over !== undefined) connection.destroy(owned.over.reason);
  else if (!owned.connections?.includes(connection)) owned.connections = withAdded(owned.connections, connection);
  return connection;
}

/** What the dial that `context` belongs to is to connect to, if core knows that dial. */
export function dialledTarget(context: DialContext): Target | undefined {
  return (context as HopContext)[OWNED]?.target;
}
