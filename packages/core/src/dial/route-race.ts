import { isConnection } from '../connection/stream.js';
import type { Clock } from '../ground/clock.js';
import type { Candidate } from './attempt.js';
import type { DialContext } from './dialer.js';
import { DoubtingRace } from './doubting-race.js';
import { type Expectation, expecting } from './expectation.js';
import { checkGreeting } from './greeting.js';
import { asTheyArrive, type Candidates, type RaceOptions, race } from './race.js';

/** What is raced: given all at once, or arriving. */
type Sources<T> = Candidates<T> | readonly Candidate<T>[];

/**
 * Races routes to one server. If the user has said what the server must say first, the greeting of each route is checked before
 * it wins, and a wrong one is a failure. If only the port suggests an ssh server, see {@link DoubtingRace}.
 *
 * @param expectation What the user has said.
 */
export function raceRoutes<T extends { destroy(reason?: unknown): void }>(
  sources: Sources<T>,
  options: RaceOptions,
  context: DialContext,
  clock: Clock,
  expectation: Expectation | undefined,
  isSsh: boolean,
): Promise<T> {
  const { prefixes, limitMs } = expectation ?? {};
  const source = asTheyArrive(sources);
  if (prefixes === undefined && isSsh) return new DoubtingRace(source, options, context, clock, limitMs).run();
  const open = async (candidate: Candidate<T>, inner: DialContext): Promise<T> => {
    const value = await candidate.open(expecting(inner, expectation));
    try {
      // The hop that has connected has looked already, unless it is one that core has not dialled.
      if (prefixes && isConnection(value)) await checkGreeting(value, { prefixes, limitMs }, { ...inner, clock });
      return value;
    } catch (error) {
      value.destroy(error);
      throw error;
    }
  };
  return race(
    mapped(source, (candidate) => ({ ...candidate, open: (inner) => open(candidate, inner) })),
    options,
    context,
    clock,
  );
}

function mapped<T>(source: Candidates<T>, map: (candidate: Candidate<T>) => Candidate<T>): Candidates<T> {
  return {
    next() {
      const candidate = source.next();
      return candidate && map(candidate);
    },
    get isOpen() {
      return source.isOpen;
    },
    start: (changed, context) => source.start?.(changed, context),
  };
}
