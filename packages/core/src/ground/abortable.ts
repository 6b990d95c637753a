/**
 * What a signal says of itself. The parts of a dial look at this, and none of them needs a signal: making one takes as long as
 * connect(2) on Node 20.
 */
export type AbortState = Pick<AbortSignal, 'aborted' | 'reason' | 'throwIfAborted'>;

/** Somebody who listens for an abort, until it comes or they stop. */
export interface Listening {
  /** Can be called at any time. */
  stop(): void;
}

/** A source and its listeners form a ring, with the source as its head: a set for each source would take a dial 0.5 kB more. */
abstract class InRing {
  #previous: InRing = this;
  #next: InRing = this;

  get next(): InRing {
    return this.#next;
  }

  insertBefore(other: InRing): void {
    this.#previous = other.#previous;
    this.#next = other;
    this.#previous.#next = this;
    other.#previous = this;
  }

  leave(): void {
    this.#previous.#next = this.#next;
    this.#next.#previous = this.#previous;
    this.#previous = this;
    this.#next = this;
  }
}

/** Listens for an abort. An object rather than a function: it takes less memory, and a thousand dials can be waiting. */
export abstract class AbortListener extends InRing implements Listening {
  /** Set while it listens to a signal that is not ours. */
  #foreign: Listening | undefined;

  abstract aborted(reason: unknown): void;

  /** Listens from now on; if it has aborted already, that is heard at once. */
  listenTo(state: AbortState | AbortSignal): void {
    if (state.aborted) {
      this.aborted(state.reason);
      return;
    }
    const source = state instanceof AbortSource ? state : (state as OwnSignal)[SOURCE];
    if (source === undefined) this.#foreign = listenToSignal(signalOf(state), this);
    else this.insertBefore(source);
  }

  stop(): void {
    this.leave();
    this.#foreign?.stop();
    this.#foreign = undefined; // it holds the caller's signal
  }
}

/** Two copies of this module can take part in one dial: another one's source is known by its signal only. */
function signalOf(state: AbortState & { readonly signal?: AbortSignal }): AbortSignal {
  return state.signal ?? (state as AbortSignal);
}

function listenToSignal(signal: AbortSignal, listener: AbortListener): Listening {
  const abort = (): void => listener.aborted(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return { stop: () => signal.removeEventListener('abort', abort) };
}

/** On the signal of an {@link AbortSource}: that. */
const SOURCE = Symbol('fdpass.abortable');

type OwnSignal = AbortSignal & { [SOURCE]?: AbortSource };

/** An abort controller whose signal is made when somebody wants it, and is cheap to listen to by {@link onAbort}. */
export class AbortSource extends InRing implements AbortState {
  #aborted = false;
  #reason: unknown;
  #controller: AbortController | undefined;

  get aborted(): boolean {
    return this.#aborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      (this.#controller.signal as OwnSignal)[SOURCE] = this;
      if (this.#aborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** Aborts with the reason. Only the first call counts. */
  abort(reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (let first = this.next; first !== this; first = this.next) {
      first.leave();
      (first as AbortListener).aborted(reason);
    }
  }
}

/** An abort controller. */
export interface Abortable extends AbortState {
  readonly signal: AbortSignal;
  /** Aborts with the reason, an AbortError by default. Only the first call counts. */
  abort(reason?: unknown): void;
}

/** An abort controller whose signal is made when somebody wants it, and is cheap to listen to by {@link onAbort}. */
export function makeAbortable(): Abortable {
  return new AbortSource();
}

/** Calls `listener` with the reason when `state` aborts, at once if it has already. Returns how to stop listening. */
export function onAbort(state: AbortState | AbortSignal | undefined, listener: (reason: unknown) => void): () => void {
  const listening = listenForAbort(state, listener);
  return () => listening.stop();
}

/** As {@link onAbort}. It makes one object less, for code in which a thousand dials can wait. */
export function listenForAbort(
  state: AbortState | AbortSignal | undefined,
  listener: (reason: unknown) => void,
): Listening {
  if (state === undefined) return NOT_LISTENING;
  const listening = new CallbackListener(listener);
  listening.listenTo(state);
  return listening;
}

/** Calls a function. */
class CallbackListener extends AbortListener {
  readonly aborted: (reason: unknown) => void;

  constructor(listener: (reason: unknown) => void) {
    super();
    this.aborted = listener;
  }
}

/**
 * As a listener on the signal of a dial's context, which is not made for that: calls `listener` with the reason when it aborts, at
 * once if it has already. Returns how to stop listening.
 */
export function whenAborted(
  context: { readonly signal: AbortSignal },
  listener: (reason: unknown) => void,
): () => void {
  return onAbort(abortStateOf(context), listener);
}

/** For whoever has nothing to listen to. */
export const NOT_LISTENING: Listening = { stop() {} };

const STATE = Symbol('fdpass.abort-state');
/**
 * The object that it was first put on. On a copy, or on an object that inherits from that, it is still the first one. That tells
 * them apart: a plugin may have given the others another signal.
 */
const ITSELF = Symbol('fdpass.itself');

interface Parts {
  [STATE]: AbortState | AbortSignal;
  [ITSELF]: unknown;
}

/** One getter and setter for all: each with its own would take longer to make than all the rest. */
const SIGNAL: PropertyDescriptor & ThisType<Parts> = {
  enumerable: true,
  get() {
    const state = this[STATE];
    return state instanceof AbortSource ? state.signal : state;
  },
  set(signal: AbortSignal) {
    this[STATE] = signal;
  },
};

/** An object with a signal that is made when somebody looks at it. A spread copy (`{ ...context }`) has it as a value. */
export abstract class Cancellable {
  declare readonly signal: AbortSignal;

  constructor(state: AbortState) {
    const parts = this as unknown as Parts;
    parts[STATE] = state;
    parts[ITSELF] = this;
    Object.defineProperty(this, 'signal', SIGNAL);
  }
}

/** What the signal of a dial's context says, without making it. */
export function abortStateOf(context: { readonly signal: AbortSignal }): AbortState {
  const { [STATE]: state, [ITSELF]: itself } = context as unknown as Parts;
  return itself === context ? state : context.signal;
}
