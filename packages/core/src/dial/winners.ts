import type { Clock } from '../ground/clock.js';
import type { DialContext } from './context.js';

/*
 * Which of several candidates won last time. It is tried first the next time, as RFC 8305 (section 4) wants for addresses, since
 * those that failed can be expensive to try again: an address that swallows packets, a route that needs a VPN.
 */

/** The winner of the last race between the same candidates. */
export interface Winner {
  /** Its label; undefined if it is not known. */
  readonly last: string | undefined;
  /** Remembers the winner of the next race. It is an option of the race. */
  readonly won: (label: string) => void;
}

/** Winners of races, for the network that this machine is in. */
export interface Winners {
  /**
   * @param key All that a race depends on, except for the network.
   * @param keepMs How many milliseconds a winner is remembered; 0 for not at all. Default: as long as the program likes.
   */
  of(key: string, keepMs?: number): Winner;
}

const NOBODY: Winner = { last: undefined, won() {} };

/** Remembers nothing. */
export const noWinners: Winners = { of: () => NOBODY };

/** The candidates in their order, but with the last winner first. It says so if that changes something. */
export function lastFirst<T extends { readonly label: string }>(
  candidates: readonly T[],
  { last }: Winner,
  { trace }: DialContext,
): readonly T[] {
  const winner = last === undefined ? undefined : candidates.find(({ label }) => label === last);
  if (winner === undefined || winner === candidates[0]) return candidates;
  trace({ event: 'note', text: `${winner.label} goes first: it worked last time` });
  return [winner, ...candidates.filter((candidate) => candidate !== winner)];
}

/** How many winners a process keeps. */
const MOST = 10_000;

interface Kept {
  readonly label: string;
  readonly network: string;
  readonly since: number;
}

/** Winners in the memory of a process that stays. */
export class KeptWinners implements Winners {
  readonly #clock: Clock;
  readonly #network: () => string;
  readonly #keepMs: number;
  /** The oldest first. */
  readonly #kept = new Map<string, Kept>();

  /**
   * @param network Tells one network from another, as `describeNetwork` does.
   * @param keepMs For those who do not say it.
   */
  constructor(clock: Clock, network: () => string, keepMs: number) {
    this.#clock = clock;
    this.#network = network;
    this.#keepMs = keepMs;
  }

  of(key: string, keepMs: number = this.#keepMs): Winner {
    if (keepMs <= 0) return NOBODY;
    const kept = this.#kept.get(key);
    const isValid = kept !== undefined && kept.network === this.#network() && this.#clock.now() - kept.since < keepMs;
    const last = isValid ? kept.label : undefined;
    return { last, won: (label) => label === last || this.#keep(key, label) };
  }

  /** Time counts from when a winner was new: after that the usual order applies again, in case the others have recovered. */
  #keep(key: string, label: string): void {
    this.#kept.delete(key);
    this.#kept.set(key, { label, network: this.#network(), since: this.#clock.now() });
    if (this.#kept.size <= MOST) return;
    const [oldest = ''] = this.#kept.keys();
    this.#kept.delete(oldest);
  }
}
