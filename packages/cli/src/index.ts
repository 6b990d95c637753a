import { type ConnectionDialer, type CreateDialerOptions, createDialer as createWith } from '@fdpass/core';
import { BUILTIN } from './builtin.js';

export type {
  ConnectionDialer,
  CreateDialerOptions,
  DialerDialOptions,
  DialerEvents,
  Explanation,
  ProgressEvent,
  RuleInput,
  RulesInput,
  Strategy,
  Target,
  TargetInput,
  TraceEvent,
  UseInput,
} from '@fdpass/core';
export { FdpassError, formatError, isFdpassError } from '@fdpass/core';
export { BUILTIN as builtinStrategies } from './builtin.js';

/**
 * Makes a dialer with every strategy that comes with fdpass. Without options it goes by the user's own config, as the
 * command does, and by Happy Eyeballs where there is none. Two dialers share nothing; nothing is opened before a dial.
 *
 * @throws FdpassError `usage` for options that contradict each other.
 */
export function createDialer(options: CreateDialerOptions = {}): ConnectionDialer {
  return createWith(options, { strategies: BUILTIN, defaultStrategy: 'happy-eyeballs' });
}
