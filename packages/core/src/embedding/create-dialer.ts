import { EventEmitter, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { basename, join, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { type Clock, systemClock } from '../clock.js';
import { INLINE_NAME } from '../config/inline.js';
import type { ConfigPlugin } from '../config/load.js';
import type { LoadOptions } from '../config/places.js';
import { composeFramework, type Framework } from '../container.js';
import { startDeadline } from '../deadline.js';
import { parseDuration } from '../duration.js';
import { addDetails, FdpassError, isFdpassError } from '../errors.js';
import type { StrategyEntry } from '../registry.js';
import { createResolver, type Lookup, systemResolver } from '../resolve.js';
import { type Explanation, explainRoute } from '../routing/explanation.js';
import type { Route, Router } from '../routing/router.js';
import { shareLookups } from '../shared-lookups.js';
import { makeTarget, type Target } from '../target.js';
import { wrapTls } from '../tls/wrap.js';
import type { TraceEvent } from '../trace.js';
import { readySocket } from './ready-socket.js';
import type { RuleInput, RulesInput } from './rules-input.js';

/** What a dialer of an embedding program is made of. At most one of `config`, `rules` and `searchFrom`. */
export interface CreateDialerOptions {
  /** A config file, a config as an object, or `false` for none at all. */
  readonly config?: string | RulesInput | false | undefined;
  /** The rules alone: short for `config: { rules }`. */
  readonly rules?: readonly RuleInput[] | undefined;
  /** The program's own folder, in which `fdpass.yaml` and the like are looked for. Never the current directory. */
  readonly searchFrom?: string | undefined;
  /** Strategies, or packages and files that export some, resolved from `baseDir` as a config's are from its file. */
  readonly plugins?: readonly (StrategyEntry | string)[] | undefined;
  /** The folder that relative paths in what is given here start from. Default: the current directory; plugins by name need it. */
  readonly baseDir?: string | undefined;
  /** Finds the addresses of names, with the signature of `dns.lookup`. Default: that. */
  readonly lookup?: Lookup | undefined;
  /** For each dial: milliseconds or a duration such as `30s`; 0 for no limit. Default: the rule's, the config's, 30 s. */
  readonly timeout?: number | string | undefined;
}

/** The strategies a dialer knows; `createDialer` of the package `fdpass` brings its own. */
export interface DialerParts {
  /** All that rules may name. */
  readonly strategies: readonly StrategyEntry[];
  /** Reaches the first proxy of a chain and targets that no rule matches. */
  readonly defaultStrategy: string;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** What to connect to. */
export interface TargetInput {
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
  /** For this dial, TLS included: milliseconds or a duration such as `30s`; 0 for no limit. */
  readonly timeout?: number | string | undefined;
  /** Hops for this dial in travel order, as `use` in a rule: overrides the rules. */
  readonly via?: unknown;
  /** TLS on top of the route, whatever it is: `true`, or options of `tls.connect`. The certificate is checked. */
  readonly tls?: boolean | ConnectionOptions | undefined;
  /** Hears of each step of this dial; must not throw. */
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
  /** The route that `dial` would take, and why; opens nothing. @throws FdpassError `config`, `usage` */
  explain(target: TargetInput): Promise<Explanation>;
  /** Loads config and plugins and checks every rule, used or not. @throws FdpassError `config`, the first that is wrong. */
  check(): Promise<void>;
  /** Aborts the dials under way and waits for their end; later ones are refused. Sockets that were handed out stay open. */
  close(): Promise<void>;
}

/** Makes a dialer. Two of them share nothing. @throws FdpassError `usage` for options that contradict each other. */
export function createDialer(options: CreateDialerOptions, parts: DialerParts): ConnectionDialer {
  const framework = composeFramework({
    strategies: [...parts.strategies, ...(options.plugins ?? []).filter((plugin) => typeof plugin !== 'string')],
    plugins: namedPlugins(options),
    defaultStrategy: parts.defaultStrategy,
    config: configOf(options),
    clock: parts.clock,
    resolve: shareLookups(options.lookup === undefined ? systemResolver : createResolver(options.lookup)),
  });
  return new RoutingDialer(framework, options, parts.clock ?? systemClock);
}

class RoutingDialer extends EventEmitter<DialerEvents> implements ConnectionDialer {
  readonly #framework: Framework;
  readonly #options: CreateDialerOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  #count = 0;

  constructor(framework: Framework, options: CreateDialerOptions, clock: Clock) {
    super();
    this.#framework = framework;
    this.#options = options;
    this.#clock = clock;
    setMaxListeners(0, this.#closing.signal); // one for each dial under way: many are no leak
  }

  dial(input: TargetInput, options: DialerDialOptions & { readonly tls: true | ConnectionOptions }): Promise<TLSSocket>;
  dial(input: TargetInput, options?: DialerDialOptions): Promise<Socket>;
  async dial(input: TargetInput, options: DialerDialOptions = {}): Promise<Socket> {
    const dialling = this.#dial(input, options);
    this.#underWay.add(dialling);
    try {
      return await dialling;
    } finally {
      this.#underWay.delete(dialling);
    }
  }

  async explain(input: TargetInput): Promise<Explanation> {
    const router = await this.#framework.router();
    const route = await router.route(makeTarget(input));
    const file = (await this.#framework.config())?.file;
    const configFile = file !== undefined && basename(file) === INLINE_NAME ? INLINE_NAME : file;
    return explainRoute(router, route, { configFile, isByRules: true });
  }

  async check(): Promise<void> {
    const [first] = await (await this.#framework.router()).check();
    if (first !== undefined) throw first;
  }

  async close(): Promise<void> {
    this.#closing.abort(new FdpassError('usage', 'the dialer was closed'));
    await Promise.allSettled(this.#underWay);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #dial(input: TargetInput, options: DialerDialOptions): Promise<Socket> {
    const target = makeTarget(input);
    const number = ++this.#count;
    const startedAt = this.#clock.now();
    const abort = anyOf([this.#closing.signal, ...(options.signal ? [options.signal] : [])]);
    const trace = (step: TraceEvent): void => {
      options.onProgress?.(step);
      this.emit('progress', { dial: number, target, step });
    };
    try {
      abort.signal.throwIfAborted();
      const router = await this.#framework.router();
      const route = await this.#route(router, target, options.via);
      const timeoutMs = readTimeout(options.timeout ?? this.#options.timeout) ?? route.timeoutMs;
      const stream = await router.dial(route, { signal: abort.signal, timeoutMs, trace });
      if (options.tls === undefined || options.tls === false) return await readySocket(stream);
      const leftMs = timeoutMs > 0 ? Math.max(1, timeoutMs - (this.#clock.now() - startedAt)) : 0;
      return await this.#secure(stream, route, options.tls, { leftMs, signal: abort.signal });
    } finally {
      abort.release();
    }
  }

  async #secure(
    stream: Duplex,
    { target, reason }: Route,
    tls: true | ConnectionOptions,
    { leftMs, signal }: { readonly leftMs: number; readonly signal: AbortSignal },
  ): Promise<Socket> {
    const deadline = startDeadline(leftMs, signal, this.#clock);
    try {
      const connection = tls === true ? {} : tls;
      const secured = await wrapTls(stream, { host: target.host, baseDir: '.', connection, signal: deadline.signal });
      return await readySocket(secured);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw isFdpassError(error) ? addDetails(error, { target, rule: reason, hop: 'TLS' }) : error;
    } finally {
      deadline.release();
    }
  }

  #route(router: Router, target: Target, via: unknown): Promise<Route> {
    return via === undefined
      ? router.route(target)
      : router.routeVia(target, via, resolve(this.#options.baseDir ?? '.'));
  }
}

/** Where the config comes from. */
function configOf(options: CreateDialerOptions): LoadOptions | false {
  const { config, rules, searchFrom, baseDir } = options;
  const given = [config, rules, searchFrom].filter((value) => value !== undefined);
  if (given.length > 1) throw new FdpassError('usage', 'give one of "config", "rules" and "searchFrom"');
  if (config === false) return false;
  if (typeof config === 'string') return { file: config };
  if (searchFrom !== undefined) return { searchFrom };
  const content = rules === undefined ? config : { rules };
  return content === undefined ? {} : { content, baseDir };
}

/** Plugins that are named rather than given. */
function namedPlugins({ plugins = [], baseDir }: CreateDialerOptions): ConfigPlugin[] {
  return plugins.flatMap((specifier, index) => {
    if (typeof specifier !== 'string') return [];
    if (baseDir === undefined) {
      throw new FdpassError('usage', `the plugin ${JSON.stringify(specifier)} is named, but "baseDir" is missing`, {
        hint: 'say from which folder plugins resolve, e.g. import.meta.dirname',
      });
    }
    const from = join(resolve(baseDir), INLINE_NAME);
    return [{ specifier, from, where: () => ({ file: `plugins[${index}]`, line: 0, column: 0 }) }];
  });
}

function readTimeout(timeout: number | string | undefined): number | undefined {
  if (timeout === undefined) return undefined;
  const timeoutMs = typeof timeout === 'number' ? timeout : parseDuration(timeout);
  if (timeoutMs !== undefined && timeoutMs >= 0) return timeoutMs;
  throw new FdpassError('usage', `${JSON.stringify(timeout)} is no time limit`, {
    hint: 'give milliseconds, or "30s"',
  });
}

/** A signal that aborts with the first of `signals`, and lets go of them. AbortSignal.any holds on to what lives long on Node 20. */
function anyOf(signals: readonly AbortSignal[]): { readonly signal: AbortSignal; release(): void } {
  const controller = new AbortController();
  const aborts = signals.map((signal) => [signal, (): void => controller.abort(signal.reason)] as const);
  for (const [signal, abort] of aborts) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    release: () => {
      for (const [signal, abort] of aborts) signal.removeEventListener('abort', abort);
    },
  };
}
