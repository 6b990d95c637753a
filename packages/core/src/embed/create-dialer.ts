import { EventEmitter, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { basename, resolve } from 'node:path';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { INLINE_NAME } from '../config/inline.js';
import { composeFramework, type Framework } from '../framework/framework.js';
import { type Clock, systemClock } from '../ground/clock.js';
import { startDeadline } from '../ground/deadline.js';
import { addDetails, FdpassError, isFdpassError } from '../ground/errors.js';
import { makeTarget, type Target } from '../ground/target.js';
import type { Trace } from '../ground/trace.js';
import { createResolver, systemResolver } from '../lookup/resolver.js';
import { shareLookups } from '../lookup/shared-lookups.js';
import { wrapTls } from '../proxy/tls.js';
import { type Explanation, explainRoute } from '../routing/explanation.js';
import type { Route, Router } from '../routing/router.js';
import type {
  ConnectionDialer,
  CreateDialerOptions,
  DialerDialOptions,
  DialerEvents,
  DialerParts,
  TargetInput,
} from './connection-dialer.js';
import { configOf, namedPlugins, readTimeout } from './dialer-options.js';
import { readySocket } from './ready-socket.js';

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
    const abort = startDeadline(0, [this.#closing.signal, options.signal], this.#clock);
    const trace = heardSafely((step) => {
      options.onProgress?.(step);
      this.emit('progress', { dial: number, target, step });
    });
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

/** What a listener throws is its program's affair, as with any event, and not the dial's, which would be left half done. */
function heardSafely(listen: Trace): Trace {
  return (step) => {
    try {
      listen(step);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  };
}
