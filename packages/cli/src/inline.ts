import type { CreateDialerOptions, HopInput, UseInput } from '@fdpass/core/host';
import { createDialer as createWith } from '@fdpass/core/inline';
import { BUILTIN_PARTS } from './builtin.js';
import { type ConnectionDialer, forPrograms } from './program-dialer.js';

export { FdpassError, formatError, isFdpassError } from '@fdpass/core';
export { BUILTIN as builtinStrategies } from './builtin.js';
export type { ConnectionDialer, FetchDispatcher } from './program-dialer.js';

/** The options of a dialer whose rules are in code. */
export type InlineDialerOptions = Omit<CreateDialerOptions, 'config' | 'searchFrom' | 'searchUp'> & {
  /** A config as an object, or `false` for none at all. */
  readonly config?: Exclude<CreateDialerOptions['config'], string>;
};

/**
 * As `createDialer` of `fdpass`, for programs whose rules are in code: nothing that reads config files is loaded, nor gets into a
 * bundle.
 *
 * @throws FdpassError `usage` for options that are not known or contradict each other. A dial that would have to read a file
 *   rejects with `config`.
 */
export function createDialer(options: InlineDialerOptions | HopInput | string | readonly UseInput[]): ConnectionDialer {
  return forPrograms(createWith(options, BUILTIN_PARTS));
}
