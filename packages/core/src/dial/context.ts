import type { Connection } from '../connection/connection.js';
import { type AbortState, abortStateOf, Cancellable } from '../ground/abortable.js';
import type { Target } from '../ground/target.js';
import type { DialMark, Trace } from '../ground/trace.js';

/** What one dial is given besides its target. */
export interface DialContext {
  /** Aborts the whole dial, handshakes included, when the caller or the deadline says so. Its reason is what to throw. */
  readonly signal: AbortSignal;
  /** Reports progress (`fdpass -v`, `--log`, `trace`). It must never be given a secret. */
  readonly trace: Trace;
}

/*
 * What core adds to the context of a hop's dial. A spread copy of the context (`{ ...context, signal }`) has it too.
 */

/** What belongs to the dial. Symbol.for: two copies of this package can take part in one dial. */
export const OWNED: unique symbol = Symbol.for('fdpass.owned.v2');
/** Which hop's dial it is, so that the dials inside it can be counted and nested. */
export const MARK: unique symbol = Symbol.for('fdpass.dial-mark.v1');
/** Who wants the descriptor of the connection. */
const PASSED: unique symbol = Symbol.for('fdpass.passed.v1');

/** Called when a dial turns out to have no descriptor to give, with the reason. It aborts the dial. */
export type NeedsRelayListener = (why: string) => void;

/** A dial of another hop inside a dial. */
export interface InnerDial {
  /** Undefined before it begins. */
  readonly dial: Promise<unknown> | undefined;
  readonly state: AbortState;
}

/** Mostly there is one of each, so these are lists (see `withAdded`): a set or a map takes five times the memory. */
export interface Owned {
  /** The connections that were opened inside the dial; they are destroyed if it rejects. */
  connections?: Connection[];
  /** The dials of other hops inside the dial that are under way. */
  dials?: InnerDial[];
  /** Why the dial is over, if it rejected: what is opened in it later is destroyed at once. */
  over?: { readonly reason: unknown };
  /** What the dial is to connect to. */
  readonly target: Target | undefined;
}

export interface CountedMark extends DialMark {
  /** Shared by all dials of one dial of a route. */
  readonly count: { last: number };
}

/** A context as core sees it. One that a program has made has none of these. */
export interface HopContext extends DialContext {
  readonly [OWNED]?: Owned | undefined;
  readonly [MARK]?: CountedMark | undefined;
  readonly [PASSED]?: NeedsRelayListener | undefined;
}

/** A context that core has made: its signal is made when a strategy wants it. */
class CoreContext extends Cancellable implements HopContext {
  readonly trace: Trace;
  readonly [OWNED]: Owned | undefined;
  readonly [MARK]: CountedMark | undefined;
  readonly [PASSED]: NeedsRelayListener | undefined;

  constructor(
    state: AbortState,
    trace: Trace,
    owned: Owned | undefined,
    mark: CountedMark | undefined,
    passed: NeedsRelayListener | undefined,
  ) {
    super(state);
    this.trace = trace;
    this[OWNED] = owned;
    this[MARK] = mark;
    this[PASSED] = passed;
  }
}

/**
 * A context for the dial of a route.
 *
 * @param onNeedsRelay Given if the descriptor is to be passed to another program: TLS can then be the kernel's.
 */
export function routeContext(state: AbortState, trace: Trace, onNeedsRelay?: NeedsRelayListener): DialContext {
  return new CoreContext(state, trace, undefined, undefined, onNeedsRelay);
}

/** The same context for a dial that owns what is opened in it. */
export function withOwned(context: HopContext, owned: Owned): HopContext {
  return new CoreContext(abortStateOf(context), context.trace, owned, context[MARK], context[PASSED]);
}

/** The same context, with whatever else was put on it, for a part of a dial that can be over before the dial is. */
export function withState(context: HopContext, state: AbortState): HopContext {
  const part = new CoreContext(state, context.trace, context[OWNED], context[MARK], context[PASSED]);
  const others = Reflect.ownKeys(context).filter((key) => !(key in part));
  for (const key of others) Object.defineProperty(part, key, Object.getOwnPropertyDescriptor(context, key) ?? {});
  return part;
}

/** The same context for a dial that reports what happens in it. */
export function withMark(context: HopContext, mark: CountedMark, trace: Trace): HopContext {
  return new CoreContext(abortStateOf(context), trace, context[OWNED], mark, context[PASSED]);
}

/** Undefined if the connection of the dial stays in this process. */
export function needsRelayListener(context: HopContext): NeedsRelayListener | undefined {
  return context[PASSED];
}
