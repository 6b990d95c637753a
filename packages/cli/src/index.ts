import type { Socket } from 'node:net';
import {
  type CreateDialerOptions,
  configFiles,
  createDialer as createWith,
  type DialerDialOptions,
  type HopInput,
  type TargetInput,
  type UseInput,
} from '@fdpass/core/host';
import { BUILTIN_PARTS } from './builtin.js';
import { type ConnectionDialer, forPrograms } from './program-dialer.js';

export type { Strategy, Target, TraceEvent } from '@fdpass/core';
export { FdpassError, formatError, isFdpassError } from '@fdpass/core';
export type {
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
export type { ConnectionDialer, FetchDispatcher } from './program-dialer.js';

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
  return forPrograms(createWith(options, { ...BUILTIN_PARTS, files: configFiles }));
}

/**
 * One connection by the user's own config: short for `createDialer().dial(target, options)`. With `via` it goes through these
 * hops instead.
 *
 * @throws FdpassError that names target, rule and hop, and why; the abort reason of `signal`, unchanged.
 */
export function dial(target: TargetInput, options?: DialerDialOptions): Promise<Socket> {
  return createDialer().dial(target, options);
}
