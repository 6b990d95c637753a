import type { Connection } from '../connection/connection.js';
import { isConnection, isStream, toConnection, wasReadFrom } from '../connection/stream.js';
import { type DialReport, reportDial } from '../dial/dial-report.js';
import { type DialContext, type Dialer, OwningDial, ownConnection } from '../dial/dialer.js';
import { type Expectation, expectedOf, expectingHere } from '../dial/expectation.js';
import type { AbortState } from '../ground/abortable.js';
import type { Clock } from '../ground/clock.js';
import { addDetails, FdpassError, isFdpassError } from '../ground/errors.js';
import { promiseOf } from '../ground/promise-of.js';
import { normalizeTarget } from '../ground/read-target.js';
import { describeKind, type Target, type TargetKind, targetKind } from '../ground/target.js';
import { messageOf } from '../ground/text.js';
import { setImmediate } from '../ground/timers.js';

/** A hop as the guard knows it. */
export interface GuardedHop {
  /** How errors and traces show it; undefined for the implied first hop, which the user did not write. */
  readonly label: string | undefined;
  /** Whether traces alone show it. */
  readonly isImplied?: boolean | undefined;
  /** Who is to blame if it misbehaves, e.g. `the plugin "./mine.mjs"`. */
  readonly origin: string;
  /** The kinds of targets that the strategy accepts. Default: hosts. */
  readonly targets?: readonly TargetKind[] | undefined;
  /** For reads that have a limit. */
  readonly clock: Clock;
  /** What its server has to say first. Default: as the dial around it has it. */
  readonly expectation?: Expectation | undefined;
}

/**
 * The dial of a hop, which settles like that of its strategy. When the signal aborts, what the dial opened is destroyed at once,
 * which ends whatever waits for it; a dial that goes on all the same is left behind a turn of the event loop later. The hops
 * inside it come first, so that the innermost is the one that says it was caught, unless several were tried at once. What a
 * dial left behind gives then is destroyed.
 *
 * No async functions: they would hold 0.7 kB more for every hop of a dial that waits.
 */
export class HopDial extends OwningDial {
  declare readonly target: Target;
  readonly #dialer: Dialer;
  readonly #hop: GuardedHop;
  readonly #report: DialReport | undefined;
  #resolve: (connection: Connection) => void = nothing;
  #reject: (error: unknown) => void = nothing;
  /** Set by an abort: how the dials inside it ended. */
  #inner: Promise<unknown> | undefined;

  constructor(dialer: Dialer, hop: GuardedHop, wanted: Target, outer: DialContext) {
    super(outer, wanted);
    this.#dialer = dialer;
    this.#hop = hop;
    this.#report = reportDial(this.context, outer, { hop: hop.label, target: wanted, clock: hop.clock });
  }

  start(): Promise<Connection> {
    const dialled = new Promise<Connection>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    try {
      this.state.throwIfAborted(); // whoever listens to the report can abort
      this.listenTo(this.state);
      promiseOf(() => this.#open()).then(
        (given) => this.#succeed(given),
        (error: unknown) => this.#failOrAbort(error),
      );
    } catch (error) {
      this.#fail(error);
    }
    return this.began(dialled);
  }

  #open(): ReturnType<Dialer['dial']> {
    const target = normalizeTarget(this.target); // a strategy can dial any name through its host
    checkKind(target, this.#hop);
    const expectation = expectedOf(this.#hop.expectation, this.outer);
    return expectation === undefined
      ? this.#dialer.dial(target, this.#given)
      : dialGreeted(this.#dialer, target, this.#given, this.#hop, expectation);
  }

  /** What the strategy is given. */
  get #given(): DialContext {
    return this.#report?.context ?? this.context;
  }

  #succeed(given: unknown): void {
    this.stop();
    try {
      if (this.state.aborted) {
        dropLate(given);
        throw this.state.reason;
      }
      const connection = ownConnection(asConnection(given, this.#hop, this.#given), this.outer);
      this.#report?.dialled();
      if (this.state.aborted) {
        connection.destroy(); // whoever listens has aborted
        throw this.state.reason;
      }
      this.#resolve(connection);
      this.ended();
    } catch (error) {
      this.#fail(error);
    }
  }

  override aborted(reason: unknown): void {
    const inner = this.innerFailure();
    this.#inner = inner;
    this.destroyOwned(reason);
    void inner.then((error) => setImmediate(() => this.#fail(caughtBy(error, reason))));
  }

  #failOrAbort(error: unknown): void {
    this.stop();
    const { aborted, reason } = this.state;
    const caught = aborted ? caughtBy(error, reason) : error;
    if (this.#inner === undefined || caught !== reason) this.#fail(caught);
    else void this.#inner.then((failure) => this.#fail(caughtBy(failure, reason)));
  }

  /** A second call, after a dial that was left behind has failed by itself, changes nothing. */
  #fail(error: unknown): void {
    this.ended();
    try {
      this.destroyOwned(this.state.aborted ? this.state.reason : error);
      this.#report?.failed(error);
      this.#reject(withHop(error, this.#hop, this.state));
    } catch (unexpected) {
      this.#reject(unexpected);
    }
  }
}

const nothing = (): void => {};

/** The connection of a dial whose server has to greet. */
async function dialGreeted(
  dialer: Dialer,
  target: Target,
  context: DialContext,
  hop: GuardedHop,
  expectation: Expectation,
): Promise<Connection> {
  const given = asConnection(await dialer.dial(target, expectingHere(context, expectation)), hop, context);
  const connection = ownConnection(given, context);
  const { prefixes, limitMs, staysOpen } = expectation;
  if (prefixes === false || (prefixes === undefined && staysOpen !== true)) return connection;
  const { checkGreeting, checkStaysOpen } = await import('../dial/greeting.js'); // few rules ask for it
  const look = { ...context, clock: hop.clock };
  if (prefixes === undefined) await checkStaysOpen(connection, limitMs, look);
  else await checkGreeting(connection, { prefixes, limitMs }, look);
  return connection;
}

/** A strategy is never given a name that it does not know how to read: what it would make of it is anyone's guess. */
function checkKind(target: Target, hop: GuardedHop): void {
  if (accepts(hop, target)) return;
  const { host } = target;
  throw new FdpassError('config', `cannot reach ${JSON.stringify(host)}: it is ${describeKind(targetKind(host))}`, {
    hint: 'add a rule for such names with "use: local"',
  });
}

/** Whether the strategy of a hop accepts targets of that kind. */
export function accepts({ targets = ['host'] }: GuardedHop, { host }: Target): boolean {
  return targets.includes(targetKind(host));
}

/**
 * What an aborted dial rejects with: the reason, or if that is a deadline of ours, the error that says more about it: which
 * hop it caught, or what a strategy was waiting for.
 */
function caughtBy(error: unknown, reason: unknown): unknown {
  const saysMore = isFdpassError(error) && (error.hop !== undefined || error.cause === reason);
  return isFdpassError(reason) && saysMore ? error : reason;
}

function dropLate(value: unknown): void {
  if (isConnection(value)) value.destroy();
  else if (isStream(value)) value.on('error', () => {}).destroy();
}

function asConnection(given: unknown, { origin, clock }: GuardedHop, { trace }: DialContext): Connection {
  if (isConnection(given)) return given;
  if (!isStream(given)) {
    throw new FdpassError('internal', `${origin} gave no connection`, {
      hint: 'resolve dial() to a Connection or a Duplex',
    });
  }
  if (given.destroyed) throw new FdpassError('internal', `${origin} gave a stream that is already closed`);
  if (wasReadFrom(given)) {
    given.on('error', () => {}).destroy();
    throw new FdpassError('internal', `${origin} gave a socket that it has read from: bytes may be missing`, {
      hint: 'read through the connection instead: connection.read() and readThrough() take no byte too many',
    });
  }
  return toConnection(given, { trace, clock });
}

function withHop(error: unknown, hop: GuardedHop, state: AbortState): unknown {
  // The caller's own abort reason goes back to it unchanged; a deadline is ours and says which hop it caught.
  if (state.aborted && error === state.reason && !isFdpassError(error)) return error;
  return describeFailure(error, hop);
}

/** Whatever a plugin throws, as an error that names the hop. */
export function describeFailure(error: unknown, { label, isImplied, origin }: GuardedHop): FdpassError {
  const hop = isImplied === true ? undefined : label;
  if (isFdpassError(error)) return hop === undefined ? error : addDetails(error, { hop });
  return new FdpassError('internal', `${origin} failed: ${messageOf(error)}`, { hop, cause: error });
}
