import { EventEmitter, setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import { basename } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { INLINE_NAME } from '../config/source.js';
import type { Connection } from '../connection/connection.js';
import { KeptWinners } from '../dial/winners.js';
import { composeFramework, type Framework, TOKENS } from '../framework/framework.js';
import { makeAbortable } from '../ground/abortable.js';
import { type Clock, type Deadline, startDeadline, systemClock } from '../ground/clock.js';
import { addDetails, FdpassError, isFdpassError } from '../ground/errors.js';
import { absoluteFolder, currentFolder, expandPath } from '../ground/files.js';
import { promiseOf, whenThere } from '../ground/promise-of.js';
import { NODE_MAJOR } from '../ground/runtime.js';
import type { Target } from '../ground/target.js';
import { noTrace, type Trace } from '../ground/trace.js';
import { describeNetwork } from '../lookup/network.js';
import { createResolver, shareLookups, systemResolver } from '../lookup/resolver.js';
import { wrapTls } from '../proxy/tls.js';
import type { DialOptions, Explanation, Route, RouteOptions, Router } from '../routing/router.js';
import type {
  ConnectionDialer,
  CreateDialerOptions,
  DialerDialOptions,
  DialerEvents,
  DialerParts,
  TargetInput,
} from './connection-dialer.js';
import {
  checkDialOptions,
  configOf,
  namedPlugins,
  readDialerOptions,
  readTarget,
  readTimeout,
} from './dialer-options.js';
import { connectLate, type LateOptions } from './late-socket.js';
import { apartFromRules } from './own-dials.js';
import { readySocket } from './ready-socket.js';
import type { HopInput, UseInput } from './rules-input.js';
import { Turns } from './turns.js';

/**
 * Makes a dialer. Two of them share nothing.
 *
 * @param given Options, or the one route that every host has: a URL, a strategy, a chain, a mapping with `strategy`.
 * @throws FdpassError `usage` for options that are not known or contradict each other.
 */
export function createDialer(
  given: CreateDialerOptions | HopInput | string | readonly UseInput[],
  parts: DialerParts,
): ConnectionDialer {
  const options = readDialerOptions(given, parts.strategies);
  const frameworkParts = {
    strategies: [...parts.strategies, ...(options.plugins ?? []).filter((plugin) => typeof plugin !== 'string')],
    plugins: namedPlugins(options),
    defaultStrategy: parts.defaultStrategy,
    config: configOf(options),
    files: parts.files,
  };
  const clock = parts.clock ?? systemClock;
  const resolve = shareLookups(options.lookup === undefined ? systemResolver : createResolver(options.lookup));
  const winners = new KeptWinners(clock, describeNetwork, 0); // only for routes that want it
  const load = (): Promise<Framework> =>
    composeFramework(frameworkParts, (container) => {
      container.register(TOKENS.clock, { useValue: clock });
      container.register(TOKENS.resolve, { useValue: resolve });
      container.register(TOKENS.winners, { useValue: winners });
      parts.replace?.(container);
    });
  return new RoutingDialer(load, options, clock);
}

/** A dial of which everything is known, before anything is opened. */
interface PlannedDial {
  readonly router: Router;
  readonly route: Route;
  readonly dial: DialOptions & { readonly signal: AbortSignal; readonly timeoutMs: number };
}

/** A program can give one signal to any number of dials, which listen to it. Node 20 takes more than ten for a leak, and says so. */
const WARNS_OF_LISTENERS = NODE_MAJOR < 22;

/** A dial never begins before the caller has its promise: what it reports would come too early. */
const ITS_TURN = Promise.resolve();

class RoutingDialer extends EventEmitter<DialerEvents> implements ConnectionDialer {
  readonly #load: () => Promise<Framework>;
  #framework: Framework | Promise<Framework> | undefined;
  readonly #options: CreateDialerOptions;
  readonly #timeoutMs: number | undefined;
  readonly #clock: Clock;
  readonly #closing = makeAbortable();
  readonly #turns = new Turns();
  readonly #underWay = new Set<Promise<unknown>>();
  #count = 0;

  constructor(load: () => Promise<Framework>, options: CreateDialerOptions, clock: Clock) {
    super();
    this.#load = load;
    this.#options = options;
    this.#timeoutMs = readTimeout(options.timeout);
    this.#clock = clock;
    setMaxListeners(0, this.#closing.signal); // one for each dial under way, so many are not a leak
  }

  dial(input: TargetInput, options: DialerDialOptions & { readonly tls: true | ConnectionOptions }): Promise<TLSSocket>;
  dial(input: TargetInput, options?: DialerDialOptions): Promise<Socket>;
  dial(input: TargetInput, options: DialerDialOptions = {}): Promise<Socket> {
    return this.#dial(input, options, ({ router, route, dial }) => {
      const { tls = false } = options;
      return tls === false ? router.dial(route, dial).then(readySocket) : this.#dialSecure(router, route, dial, tls);
    });
  }

  connectSocket(socket: Socket, options: LateOptions, whenConnected?: () => void): void {
    const target = { host: options.host || 'localhost', port: options.port };
    const dialLate = (signal: AbortSignal): Promise<Connection> =>
      this.#dial(target, { signal }, ({ router, route, dial }) => router.dial(route, dial));
    connectLate(socket, options, dialLate, whenConnected);
  }

  async explain(input: TargetInput): Promise<Explanation> {
    const { router } = await this.#loaded();
    const explanation = await router.explain(await router.route(readTarget(input)));
    const { config } = explanation;
    return config !== null && basename(config) === INLINE_NAME ? { ...explanation, config: INLINE_NAME } : explanation;
  }

  async check(): Promise<void> {
    const [first] = await (await this.#loaded()).router.check();
    if (first !== undefined) throw first;
  }

  async close(): Promise<void> {
    this.#closing.abort(new FdpassError('usage', 'the dialer was closed'));
    await Promise.allSettled(this.#underWay);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Loaded when it is first needed. */
  #loaded(): Framework | Promise<Framework> {
    if (this.#framework === undefined) {
      const loading = this.#load();
      this.#framework = loading;
      const keep = (framework: Framework | undefined): void => {
        if (this.#framework === loading) this.#framework = framework;
      };
      loading.then(keep, () => keep(undefined)); // what was wrong can be mended before the next dial
    }
    return this.#framework;
  }

  #dial<T>(input: TargetInput, options: DialerDialOptions, open: (planned: PlannedDial) => Promise<T>): Promise<T> {
    return this.#remember(apartFromRules(() => promiseOf(() => this.#dialPlanned(input, options, open))));
  }

  /** Apart from {@link #dial}, whose variables would be kept as long as the dial is under way. */
  #remember<T>(dialling: Promise<T>): Promise<T> {
    this.#underWay.add(dialling);
    const forget = (): void => void this.#underWay.delete(dialling);
    dialling.then(forget, forget);
    return dialling;
  }

  /** Not an async function, for the reason that HopDial gives. */
  #dialPlanned<T>(
    input: TargetInput,
    options: DialerDialOptions,
    open: (planned: PlannedDial) => Promise<T>,
  ): Promise<T> {
    const target = readTarget(input);
    checkDialOptions(options);
    const number = ++this.#count;
    if (WARNS_OF_LISTENERS && options.signal instanceof AbortSignal) setMaxListeners(0, options.signal);
    // A signal of its own only for a dial that was given another one: most are not.
    const abort = options.signal && startDeadline(0, [this.#closing.signal, options.signal], this.#clock);
    const signal = abort?.signal ?? this.#closing.signal;
    const trace = this.#traceFor(target, number, options);
    const begin = (): T | Promise<T> => {
      signal.throwIfAborted();
      return whenThere(this.#loaded(), ({ router }) =>
        whenThere(this.#route(router, target, options.via, { signal, trace }), (route) => {
          const timeoutMs = readTimeout(options.timeout) ?? this.#timeoutMs ?? route.timeoutMs;
          return open({ router, route, dial: { signal, timeoutMs, trace } });
        }),
      );
    };
    const turn = signal.aborted ? undefined : this.#turns.next();
    const opened = (turn ?? ITS_TURN).then(begin);
    if (abort !== undefined) opened.then(abort.release, abort.release);
    return opened;
  }

  /** TLS has what the dial has left of its time. */
  async #dialSecure(
    router: Router,
    route: Route,
    dial: PlannedDial['dial'],
    tls: true | ConnectionOptions,
  ): Promise<Socket> {
    const deadline = startDeadline(dial.timeoutMs, dial.signal, router.clock);
    try {
      return await this.#secure(await router.dial(route, dial), route, tls, { deadline, signal: dial.signal });
    } finally {
      deadline.release();
    }
  }

  async #secure(
    connection: Connection,
    { target, reason }: Route,
    tls: true | ConnectionOptions,
    { deadline, signal }: { readonly deadline: Deadline; readonly signal: AbortSignal },
  ): Promise<Socket> {
    try {
      const options = tls === true ? {} : tls;
      const path = (written: string): string => expandPath(written, currentFolder());
      const request = { host: target.host, path, connection: options, signal: deadline.signal };
      return readySocket(await wrapTls(connection, request));
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw isFdpassError(error) ? addDetails(error, { target, rule: reason, hop: 'TLS' }) : error;
    }
  }

  #traceFor(target: Target, number: number, { onProgress }: DialerDialOptions): Trace {
    if (onProgress === undefined && this.listenerCount('progress') === 0) return noTrace;
    return listenSafely((step) => {
      onProgress?.(step);
      this.emit('progress', { dial: number, target, step });
    });
  }

  #route(router: Router, target: Target, via: unknown, options: RouteOptions): Route | Promise<Route> {
    if (via === undefined) return router.choose(target, options);
    return router.routeVia(target, via, absoluteFolder(this.#options.baseDir), undefined, options);
  }
}

/** What a listener throws is its program's affair, as with any event, and not the dial's, which would be left half done. */
function listenSafely(listen: Trace): Trace {
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
