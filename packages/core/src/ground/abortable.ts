/**
 * What a signal says of itself. The parts of a dial look at this, and none of them needs a signal: making one takes as long as
 * connect(2) on Node 20.
 */
export type AbortState = Pick<AbortSignal, 'aborted' | 'reason' | 'throwIfAborted'>;

type AbortListener = (reason: unknown) => void;

/** Somebody who listens for an abort, until it comes or they stop. */
export interface Listening {
  /** Can be called at any time. */
  stop(): void;
}

/** A listener of one source. All of them form a ring: a set for each source would take a dial 0.5 kB more. */
class InRing implements Listening {
  readonly listener: AbortListener;
  #previous: InRing = this;
  #next: InRing = this;

  constructor(listener: AbortListener) {
    this.listener = listener;
  }

  get next(): InRing {
    return this.#next;
  }

  insertBefore(other: InRing): void {
    this.#previous = other.#previous;
    this.#next = other;
    this.#previous.#next = this;
    other.#previous = this;
  }

  stop(): void {
    this.#previous.#next = this.#next;
    this.#next.#previous = this.#previous;
    this.#previous = this;
    this.#next = this;
  }
}

/** On the signal of an {@link AbortSource}: that. */
const SOURCE = Symbol('fdpass.abortable');

type OwnSignal = AbortSignal & { [SOURCE]?: AbortSource };

/** An abort controller whose signal is made when somebody wants it, and is cheap to listen to by {@link onAbort}. */
export class AbortSource implements AbortState {
  #aborted = false;
  #reason: unknown;
  #controller: AbortController | undefined;
  /** The head of the ring, which listens to nothing. The first listener follows it. */
  readonly #ring = new InRing(nothing);

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
  readonly abort = (reason: unknown = new DOMException('This operation was aborted', 'AbortError')): void => {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    for (let first = this.#ring.next; first !== this.#ring; first = this.#ring.next) {
      first.stop();
      first.listener(reason);
    }
  };

  /** As {@link listenForAbort}, for one that is not aborted. */
  listen(listener: AbortListener): Listening {
    const listening = new InRing(listener);
    listening.insertBefore(this.#ring);
    return listening;
  }
}

/** An abort controller. */
export interface Abortable extends AbortState {
  readonly signal: AbortSignal;
  /** Aborts with the reason, an AbortError by default. Only the first call counts. */
  readonly abort: (reason?: unknown) => void;
}

/** An abort controller whose signal is made when somebody wants it, and is cheap to listen to by {@link onAbort}. */
export function makeAbortable(): Abortable {
  return new AbortSource();
}

/** Calls `listener` with the reason when `state` aborts, at once if it has already. Returns how to stop listening. */
export function onAbort(state: AbortState | AbortSignal | undefined, listener: AbortListener): () => void {
  const listening = listenForAbort(state, listener);
  return () => listening.stop();
}

/** As {@link onAbort}. It makes one object less, for code in which a thousand dials can wait. */
export function listenForAbort(state: AbortState | AbortSignal | undefined, listener: AbortListener): Listening {
  if (state === undefined) return NOT_LISTENING;
  if (state.aborted) {
    listener(state.reason);
    return NOT_LISTENING;
  }
  const source = state instanceof AbortSource ? state : (state as OwnSignal)[SOURCE];
  if (source !== undefined) return source.listen(listener);
  const signal = state as AbortSignal;
  const abort = (): void => listener(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return { stop: () => signal.removeEventListener('abort', abort) };
}

/** For whoever has nothing to listen to. */
export const NOT_LISTENING: Listening = { stop() {} };

function nothing(): void {}

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
