import type { Connection } from '../connection/connection.js';
import type { Chain, DialContext, Dialer, TlsPlace } from '../dial/dialer.js';
import { abortStateOf } from '../ground/abortable.js';
import { FdpassError } from '../ground/errors.js';
import { promiseOf } from '../ground/promise-of.js';
import { isPort } from '../ground/read-target.js';
import type { Target } from '../ground/target.js';
import { accepts, describeFailure, type GuardedHop, HopDial } from './hop-dial.js';

/** A dialer that gives connections, and copes with anything that a strategy does wrong. */
export interface GuardedDialer {
  dial(target: Target, context: DialContext): Promise<Connection>;
  needsRelay(target: Target): boolean;
  tls(target: Target): TlsPlace | undefined;
  explain(target: Target): readonly string[];
}

/**
 * Puts a guard around a strategy's dialer: errors name the hop; a dial that ignores its signal ends with it all the same;
 * what it opened is destroyed if it rejects; and what it gives is a connection, or an error.
 *
 * @throws FdpassError `config` for what is not a dialer.
 */
export function guardDialer(dialer: Dialer, hop: GuardedHop): GuardedDialer {
  if (typeof dialer?.dial !== 'function') {
    throw new FdpassError('config', `${hop.origin} returned no dialer from create()`, {
      hop: hop.label,
      hint: 'return an object with dial() from create()',
    });
  }
  const { patienceMs = 0 } = dialer;
  if (typeof patienceMs !== 'number' || !(patienceMs >= 0)) {
    throw new FdpassError(
      'config',
      `${hop.origin} returned a dialer whose patienceMs is not a number of milliseconds`,
      {
        hop: hop.label,
        hint: 'return a number that is at least 0, or leave it out',
      },
    );
  }
  return {
    dial: (target, context) => promiseOf(() => startDial(dialer, hop, target, context)),
    needsRelay: (target) => guardedAnswer(hop, target, () => dialer.needsRelay?.(target)) === true,
    tls: (target) => guardedAnswer(hop, target, () => dialer.tls?.(target)),
    explain: (target) => guardedAnswer(hop, target, () => dialer.explain?.(target)) ?? [],
  };
}

/** What a dialer says about a target; undefined for one that it does not accept. */
function guardedAnswer<T>(hop: GuardedHop, target: Target, answer: () => T): T | undefined {
  try {
    return accepts(hop, target) ? answer() : undefined;
  } catch (error) {
    throw describeFailure(error, hop);
  }
}

/**
 * A chain as a strategy's host has it. A call that is wrong is the fault of the strategy that makes it, and not of the hop
 * that it reaches.
 */
export function lendChain(chain: Chain, origin: string): Chain {
  return {
    ...chain,
    dial: (target, context) => {
      const wrong = wrongCall(target, context, origin);
      return wrong === undefined ? chain.dial(target, context) : Promise.reject(wrong);
    },
  };
}

/** Plugins are often written without types: the error `internal` for a call that cannot work. */
function wrongCall(
  target: Partial<Target> | undefined,
  context: Partial<DialContext> | undefined,
  origin: string,
): FdpassError | undefined {
  const wrong = (what: string, hint: string): FdpassError =>
    new FdpassError('internal', `${origin} called dial() ${what}`, { hint });
  const form = 'give it { host, port } and the context';
  if (typeof target?.host !== 'string' || target.host === '') return wrong('without a host', form);
  if (target.port === undefined) return wrong('without a port', form);
  if (!isPort(target.port)) return wrong('with a port that is not a number from 1 to 65535', form);
  if (context?.trace === undefined || abortStateOf(context as DialContext) === undefined) {
    return wrong('without the context of its own dial', 'pass it on: dial(target, context)');
  }
  return undefined;
}

function startDial(dialer: Dialer, hop: GuardedHop, target: Target, outer: DialContext): Promise<Connection> {
  abortStateOf(outer).throwIfAborted();
  return new HopDial(dialer, hop, target, outer).start();
}
