import type { Socket } from 'node:net';
import { type Family, FdpassError, formatHostPort, formatMs, type HostAddress, messageOf } from '@fdpass/core';
import { AddressOrder } from './address-order.js';
import type { Course } from './course.js';
import { type LostAttempt, type LostLookup, raceLost } from './failure.js';

/*
 * Happy Eyeballs, version 2 (RFC 8305).
 *
 * A host may have several addresses, of two families, and any of them may be dead in the worst way: packets vanish and
 * connect() waits for minutes. Trying them one after the other makes the user wait for each dead one. Trying all at
 * once is rude to the server, which gets connections only to see them closed. The RFC's answer is a staggered race:
 *
 * 1. Ask for IPv6 and IPv4 addresses at the same time, and do not wait for both (§3). If the family that goes first
 *    (IPv6) is not the first to answer, give it a little longer, the resolution delay, then go with what is there.
 * 2. Put the addresses in an order that alternates between the families (§4; see address-order.ts).
 * 3. Connect to the first. Whenever the connection attempt delay has passed without a success, or at once when the
 *    newest attempt has failed, start the next one, leaving the others running (§5).
 * 4. The first to connect wins. Everything else is closed or forgotten.
 *
 * What is told here and not in the RFC:
 *
 * - Only the failure of the newest attempt starts the next one early. When an older one fails, its successor runs
 *   already and is owed its own delay.
 * - The race is lost when no attempt runs, no address is left and both look-ups are over; until then it waits for a
 *   look-up that may still bring an address.
 * - IPv6 goes first even on a host without it, where RFC 6724 would sort IPv4 before it: connect() then fails at once
 *   and costs nothing. The delays are fixed; there is no history of round-trip times to derive them from.
 *
 * The whole race is one small state machine on purpose: every event (an answer, a failure, a delay that has passed) ends
 * in `#advance`, the only place that decides what happens next.
 */

/**
 * Runs a race and resolves to the socket of the winner, which belongs to the caller.
 *
 * Rejects with an FdpassError that holds every attempt when all are lost, or with `signal.reason` as soon as that
 * aborts. Either way every other socket is closed, every look-up abandoned and no timer left by then.
 */
export function race(course: Course): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (course.signal.aborted) reject(course.signal.reason);
    else new Race(course, resolve, reject).start();
  });
}

interface Attempt {
  readonly address: HostAddress;
  readonly shown: string;
  readonly startedAt: number;
  readonly controller: AbortController;
  stopTimer: () => void;
}

class Race {
  readonly #course: Course;
  readonly #resolve: (winner: Socket) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #order: AddressOrder;
  readonly #openLookups: Set<Family>;
  readonly #lookupsController = new AbortController();
  readonly #running = new Set<Attempt>();
  readonly #lostLookups: LostLookup[] = [];
  readonly #lostAttempts: LostAttempt[] = [];
  #newest: Attempt | undefined;
  /** Ends the delay that holds the next attempt back; undefined if none does. */
  #stopDelay: (() => void) | undefined;
  #over = false;

  constructor(course: Course, resolve: (winner: Socket) => void, reject: (reason: unknown) => void) {
    this.#course = course;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#order = new AddressOrder(course.pace.firstFamily, course.pace.firstFamilyCount);
    this.#openLookups = new Set(course.families);
  }

  start(): void {
    this.#course.signal.addEventListener('abort', this.#abort);
    for (const family of this.#course.families) void this.#lookUp(family);
  }

  async #lookUp(family: Family): Promise<void> {
    try {
      const addresses = await this.#course.lookUp(family, this.#lookupsController.signal);
      if (!this.#over) this.#answered(family, addresses);
    } catch (error) {
      if (this.#over) return;
      this.#lostLookups.push({ family, error });
      this.#answered(family, []);
    }
  }

  #answered(family: Family, addresses: readonly HostAddress[]): void {
    this.#openLookups.delete(family);
    this.#order.add(addresses);
    if (this.#newest === undefined) this.#holdForFirstFamily(addresses.length > 0);
    this.#advance();
  }

  /** §3: an answer of the first family, good or bad, ends the resolution delay; a good one of the other starts it. */
  #holdForFirstFamily(hasAddresses: boolean): void {
    const { firstFamily, resolutionDelayMs } = this.#course.pace;
    if (!this.#openLookups.has(firstFamily)) this.#endDelay();
    else if (hasAddresses) this.#delay(resolutionDelayMs);
  }

  #advance(): void {
    if (this.#over || this.#stopDelay !== undefined) return;
    const address = this.#order.next();
    if (address !== undefined) this.#attempt(address);
    else if (this.#openLookups.size === 0 && this.#running.size === 0) this.#lose();
  }

  #attempt(address: HostAddress): void {
    const { clock, pace, port, trace } = this.#course;
    const shown = formatHostPort(address.host, port);
    const attempt: Attempt = {
      address,
      shown,
      startedAt: clock.now(),
      controller: new AbortController(),
      stopTimer: () => {},
    };
    this.#running.add(attempt);
    this.#newest = attempt;
    trace({ event: 'attempt', address: shown });
    if (this.#over) return; // whoever listens may abort
    if (pace.attemptTimeoutMs !== undefined) attempt.stopTimer = this.#limit(attempt, pace.attemptTimeoutMs);
    this.#delay(pace.attemptDelayMs);
    void this.#follow(attempt);
  }

  #limit(attempt: Attempt, limitMs: number): () => void {
    return this.#course.clock.after(limitMs, () => {
      const error = new FdpassError('timeout', `no answer within ${formatMs(limitMs)}`);
      attempt.controller.abort(error);
      this.#failed(attempt, error);
    });
  }

  async #follow(attempt: Attempt): Promise<void> {
    try {
      const socket = await this.#course.connect(attempt.address, attempt.controller.signal);
      if (this.#running.has(attempt)) this.#win(attempt, socket);
      else socket.destroy(); // two connected in the same turn of the event loop
    } catch (error) {
      if (this.#running.has(attempt)) this.#failed(attempt, error);
    }
  }

  #failed(attempt: Attempt, error: unknown): void {
    this.#drop(attempt);
    this.#lostAttempts.push({ address: attempt.shown, error });
    this.#report('attempt-failed', attempt, { reason: messageOf(error) });
    if (attempt === this.#newest) this.#endDelay();
    this.#advance();
  }

  #win(attempt: Attempt, socket: Socket): void {
    this.#drop(attempt);
    this.#report('connected', attempt);
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#finish();
    this.#resolve(socket);
  }

  #lose(): void {
    this.#finish();
    this.#reject(raceLost(this.#course, this.#lostLookups, this.#lostAttempts));
  }

  readonly #abort = (): void => {
    this.#finish();
    this.#reject(this.#course.signal.reason);
  };

  #finish(): void {
    this.#over = true;
    this.#course.signal.removeEventListener('abort', this.#abort);
    this.#endDelay();
    this.#lookupsController.abort();
    for (const attempt of this.#running) {
      this.#drop(attempt);
      this.#report('attempt-cancelled', attempt);
      attempt.controller.abort();
    }
  }

  #drop(attempt: Attempt): void {
    attempt.stopTimer();
    this.#running.delete(attempt);
  }

  #report(event: string, attempt: Attempt, details: object = {}): void {
    this.#course.trace({ event, address: attempt.shown, ms: this.#course.clock.now() - attempt.startedAt, ...details });
  }

  #delay(delayMs: number): void {
    this.#endDelay();
    this.#stopDelay = this.#course.clock.after(delayMs, () => {
      this.#stopDelay = undefined;
      this.#advance();
    });
  }

  #endDelay(): void {
    this.#stopDelay?.();
    this.#stopDelay = undefined;
  }
}
