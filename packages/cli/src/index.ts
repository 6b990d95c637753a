import {
  type ConnectionDialer,
  type CreateDialerOptions,
  createDialer as createWith,
  type HopInput,
  type UseInput,
} from '@fdpass/core/host';
import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';
import { BUILTIN } from './builtin.js';

export type { Strategy, Target, TraceEvent } from '@fdpass/core';
export { FdpassError, formatError, isFdpassError } from '@fdpass/core';
export type {
  ConnectionDialer,
  CreateDialerOptions,
  DialerDialOptions,
  DialerEvents,
  Explanation,
  HopInput,
  ProgressEvent,
  RuleInput,
  RulesInput,
  TargetInput,
  UseInput,
} from '@fdpass/core/host';
export { BUILTIN as builtinStrategies } from './builtin.js';

/**
 * Makes a dialer with every strategy that comes with fdpass. Without options it uses the user's own config, as the
 * command does, and Happy Eyeballs if there is none. A URL, or anything else that `use` takes in a rule, is the
 * route to every host: `createDialer('socks5h://proxy.example:1080')`. Two dialers share nothing; nothing is opened
 * before a dial.
 *
 * @throws FdpassError `usage` for options that are not known or contradict each other.
 */
export function createDialer(options?: CreateDialerOptions | string | readonly UseInput[]): ConnectionDialer;
/** The same with one hop for every host. */
export function createDialer(hop: HopInput): ConnectionDialer;
export function createDialer(
  options: CreateDialerOptions | HopInput | string | readonly UseInput[] = {},
): ConnectionDialer {
  return createWith(options, { strategies: BUILTIN, defaultStrategy: happyEyeballs.name });
}
