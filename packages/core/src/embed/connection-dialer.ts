import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { DependencyContainer } from 'tsyringe';
import type { ConfigFiles } from '../framework/framework.js';
import type { Clock } from '../ground/clock.js';
import type { Target } from '../ground/target.js';
import type { TraceEvent } from '../ground/trace.js';
import type { Lookup } from '../lookup/resolver.js';
import type { Explanation } from '../routing/router.js';
import type { StrategyEntry } from '../strategy/strategy.js';
import type { LateOptions } from './late-socket.js';
import type { RuleInput, RulesInput, UseInput } from './rules-input.js';

/** What a dialer of an embedding program is made of. At most one of `use`, `rules`, `config` and `searchFrom`. */
export interface CreateDialerOptions {
  /** One route for every host: short for `rules: [{ use }]`. */
  readonly use?: UseInput | undefined;
  /** A config file, a config as an object, or `false` for none at all. */
  readonly config?: string | RulesInput | false | undefined;
  /** The rules alone: short for `config: { rules }`. */
  readonly rules?: readonly RuleInput[] | undefined;
  /**
   * The program's own folder, in which `fdpass.yaml` and the like are looked for, and last the key `fdpass` of its
   * `package.json`. Never the current directory.
   */
  readonly searchFrom?: string | undefined;
  /** Searches the folders above `searchFrom` too, up to the first that has a `package.json`. Default false. */
  readonly searchUp?: boolean | undefined;
  /** Strategies, or packages and files that export some, resolved from `baseDir` as a config's are from its file. */
  readonly plugins?: readonly (StrategyEntry | string)[] | undefined;
  /** The folder that relative paths in what is given here start from. Default: the current directory; plugins by name need it. */
  readonly baseDir?: string | undefined;
  /** Finds the addresses of names, with the signature of `dns.lookup`. Default: that. */
  readonly lookup?: Lookup | undefined;
  /** For each dial: milliseconds, or a string such as `30s`; 0 for no limit. Default: the rule's, the config's, 30 s. */
  readonly timeout?: number | string | undefined;
}

/** The strategies a dialer knows; `createDialer` of the package `fdpass` brings its own. */
export interface DialerParts {
  /** All that rules may name. */
  readonly strategies: readonly StrategyEntry[];
  /** Reaches the first proxy of a chain and targets that no rule matches. */
  readonly defaultStrategy: string;
  /** Reads config files. Default: rules can only be given in code, and a bundle has nothing that reads files. */
  readonly files?: ConfigFiles | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Replaces parts of the framework, by the tokens of `@fdpass/core/host`. Default: nothing. */
  readonly replace?: ((container: DependencyContainer) => void) | undefined;
}

/** What to connect to: `host:22`, `[2001:db8::1]:22`, or the same in parts. */
export type TargetInput = string | TargetParts;

/** A target in parts. */
export interface TargetParts {
  /** A name, or an IPv4 or IPv6 address, with or without brackets. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number | string;
  /** For rules that match the remote user. */
  readonly user?: string;
  /** For rules that match the name the user typed. */
  readonly alias?: string;
}

/** What one dial may want otherwise. */
export interface DialerDialOptions {
  /** Aborts the dial; `dial` rejects with its reason, unchanged. It has no say over the socket afterwards. */
  readonly signal?: AbortSignal | undefined;
  /** For this dial, TLS included: milliseconds, or a string such as `30s`; 0 for no limit. */
  readonly timeout?: number | string | undefined;
  /** Hops for this dial in travel order, as `use` in a rule: overrides the rules. */
  readonly via?: unknown;
  /** TLS on top of any route: `true`, or options of `tls.connect`. The certificate is checked. */
  readonly tls?: boolean | ConnectionOptions | undefined;
  /** Hears of each step of this dial. What it throws is an uncaught exception of its program; the dial goes on. */
  readonly onProgress?: ((event: TraceEvent) => void) | undefined;
}

/** A step of one of a dialer's dials. */
export interface ProgressEvent {
  /** Counts the dials of this dialer, from 1. */
  readonly dial: number;
  /** What is dialled, normalised. */
  readonly target: Target;
  /** What happened; never a secret in it. */
  readonly step: TraceEvent;
}

/** What a {@link ConnectionDialer} emits. */
export interface DialerEvents {
  /** A step of any of its dials. */
  progress: [ProgressEvent];
}

/**
 * Connects by rules, for programs that embed fdpass. Any number of dials may be under way; each has its own signal,
 * deadline and errors. Nothing is loaded or opened before the first call.
 */
export interface ConnectionDialer extends EventEmitter<DialerEvents>, AsyncDisposable {
  /**
   * Resolves to a connected socket, ready to use as one from `net.connect`; it belongs to the caller.
   *
   * @throws FdpassError that names target, rule and hop, and why; the abort reason of `signal`, unchanged.
   */
  dial(
    target: TargetInput,
    options: DialerDialOptions & { readonly tls: true | ConnectionOptions },
  ): Promise<TLSSocket>;
  /** The same without TLS on top. */
  dial(target: TargetInput, options?: DialerDialOptions): Promise<Socket>;
  /**
   * Connects `socket`, which was made but is not connected: calls its `connect` with `options`, while the connection comes from
   * a dial. Events, time limits, queued writes and TLS on top are Node's own; options that choose an address (`lookup`,
   * `family`, `localAddress`, …) have no effect. A dial that fails is the socket's `error`.
   *
   * @throws FdpassError `internal` where koffi is missing; what `connect` throws for options that are wrong.
   */
  connectSocket(socket: Socket, options: LateOptions, whenConnected?: () => void): void;
  /** The route that `dial` would take, and why; opens nothing. @throws FdpassError `config`, `usage` */
  explain(target: TargetInput): Promise<Explanation>;
  /** Loads config and plugins and checks every rule, used or not. @throws FdpassError `config`, the first that is wrong. */
  check(): Promise<void>;
  /** Aborts the dials under way and waits for their end; later ones are refused. Sockets that were handed out stay open. */
  close(): Promise<void>;
}
