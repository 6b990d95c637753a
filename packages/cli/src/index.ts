import { type ConnectionDialer, type CreateDialerOptions, createDialer as createWith } from '@fdpass/core/host';
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
  ProgressEvent,
  RuleInput,
  RulesInput,
  TargetInput,
  UseInput,
} from '@fdpass/core/host';
export { BUILTIN as builtinStrategies } from './builtin.js';

/**
 * Makes a dialer with every strategy that comes with fdpass. Without options it goes by the user's own config, as the
 * command does, and by Happy Eyeballs where there is none. Two dialers share nothing; nothing is opened before a dial.
 *
 * @throws FdpassError `usage` for options that contradict each other.
 */
export function createDialer(options: CreateDialerOptions = {}): ConnectionDialer {
  return createWith(options, { strategies: BUILTIN, defaultStrategy: happyEyeballs.name });
}
