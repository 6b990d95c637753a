import type { Dialer } from '../dial/dialer.js';
import type { SocketOptions } from '../options/socket.js';
import type { StandardSchema } from './standard-schema.js';

/** The version of this interface. It grows when a strategy made for the one before would no longer work. */
export const STRATEGY_API_VERSION = 1;

/** What `create` may ask of its host, beyond its options and its forward dialer. */
export interface StrategyHost {
  /** Socket options of the config's `defaults`; options of the hop go over them. */
  readonly socketDefaults: SocketOptions;
  /** The folder that relative paths in options start from: the config file's. */
  readonly baseDir: string;
  /** Compiles a `use` value nested in this hop's options (as a fallback's alternatives are) to a dialer. @throws FdpassError `config` */
  route(use: unknown): Dialer;
}

/**
 * A named, pluggable way to produce a connected stream for a target.
 *
 * Built-in strategies are written against this interface and use nothing that a third party's cannot.
 */
export interface Strategy<Options = unknown> {
  /** Also its word in the config. Lower case, digits and dashes. */
  readonly name: string;
  /** The {@link STRATEGY_API_VERSION} it was made for. Default: this one. */
  readonly apiVersion?: number;
  /** URL schemes it answers to, without the colon: a hop may then be written as a URL, which becomes the option `url`. */
  readonly schemes?: readonly string[];
  /** True if it opens sockets itself and ignores `forward`: it may then only be the first hop of a chain. */
  readonly opensSockets?: boolean;
  /** Checks and converts the hop's options (zod, valibot, arktype, …). Without it they arrive as they were written. */
  readonly optionsSchema?: StandardSchema<Options>;
  /**
   * Makes a dialer. Opens nothing; options are frozen. `forward` reaches the next thing this hop talks to (its proxy)
   * through the hops before it. @throws FdpassError `config` for options that cannot work.
   */
  create(options: Options, forward: Dialer, host: StrategyHost): Dialer;
}

/** A strategy whose code is loaded when a route first needs it. */
export interface LazyStrategy {
  /** As {@link Strategy}'s; the two must agree. */
  readonly name: string;
  /** As {@link Strategy}'s. */
  readonly schemes?: readonly string[];
  /** As {@link Strategy}'s. */
  readonly opensSockets?: boolean;
  /** Imports the code; may be called again, and so should leave caching to the module system. */
  load(): Promise<Strategy>;
}
