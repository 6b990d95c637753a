import type { Agent, AgentOptions } from 'node:https';
import { createRequire } from 'node:module';
import { Socket, type SocketConstructorOpts } from 'node:net';
import {
  type ConnectArguments,
  createConnection,
  type DialingOptions,
  readConnectArguments,
  undiciConnector,
  webAgent,
} from '@fdpass/adapters';
import { FdpassError } from '@fdpass/core';
import type { ConnectionDialer as CoreDialer } from '@fdpass/core/host';
import { canConnectLate, otherRuntime } from '@fdpass/core/late-socket';

/** What `fetch` takes as `dispatcher`: the type of undici that comes with Node's types. */
export type FetchDispatcher = RequestInit extends { dispatcher?: infer Dispatcher } ? NonNullable<Dispatcher> : object;

/** A dialer with the functions that programs and their clients need. They can be passed on without the dialer. */
export interface ConnectionDialer extends CoreDialer {
  /**
   * Called as `net.connect`, and gives a `net.Socket` at once, which connects later: for clients that take a function
   * `createConnection`, or a stream. The socket belongs to the caller. Its `error` is that of `dial`.
   *
   * Without koffi, and in Bun and Deno, it gives a stream that does the same but is not an instance of `net.Socket`.
   *
   * @throws TypeError if there is no port.
   */
  readonly connect: (...given: ConnectArguments) => Socket;
  /**
   * The global `fetch`, connecting through this dialer. Needs the package `undici`. Connections that are kept for later
   * requests are closed by `close`.
   *
   * @throws FdpassError `usage` if undici is missing, and in Bun and Deno, whose `fetch` connects by itself. What `fetch` throws has the dialer's error as its `cause`.
   */
  readonly fetch: typeof globalThis.fetch;
  /** One agent for `http` and `https`, with the options of both. It belongs to the caller. */
  readonly agent: (options?: AgentOptions & DialingOptions) => Agent;
  /**
   * A dispatcher for undici and for `fetch`: an `Agent` of the package `undici` with these options. It belongs to the caller.
   * Its type is that of Node's types, unless another is given: `dispatcher<Agent>()`.
   *
   * @throws FdpassError `usage` if undici is missing.
   */
  readonly dispatcher: <Dispatcher = FetchDispatcher>(options?: Readonly<Record<string, unknown>>) => Dispatcher;
}

/** What we need of undici's Agent. */
type UndiciAgent = FetchDispatcher & { destroy(): Promise<void> };

/** Gives a dialer the functions that programs need. */
export function forPrograms(dialer: CoreDialer): ConnectionDialer {
  let own: UndiciAgent | undefined;
  const closeDials = dialer.close.bind(dialer);
  return Object.assign(dialer, {
    connect: (...given: ConnectArguments) => connect(dialer, given),
    agent: (options?: AgentOptions & DialingOptions) => webAgent(dialer, options),
    dispatcher: <Dispatcher = FetchDispatcher>(options?: object) =>
      makeDispatcher(dialer, options) as unknown as Dispatcher,
    async fetch(input: Parameters<typeof globalThis.fetch>[0], init?: RequestInit) {
      refuseOtherFetch();
      own ??= makeDispatcher(dialer);
      return globalThis.fetch(input, { ...init, dispatcher: own } as RequestInit);
    },
    async close() {
      await Promise.all([closeDials(), own?.destroy()]);
    },
  });
}

/** In Bun and Deno `fetch` ignores a dispatcher, and would connect directly. */
function refuseOtherFetch(): void {
  const runtime = otherRuntime();
  if (runtime === undefined) return;
  throw new FdpassError('usage', `the fetch of ${runtime} cannot connect through a dialer`, {
    hint: 'use a client that takes the agent of dialer.agent()',
  });
}

function connect(dialer: CoreDialer, given: ConnectArguments): Socket {
  if (!canConnectLate()) return createConnection(dialer)(...given) as unknown as Socket;
  const { target, whenConnected } = readConnectArguments(given);
  const socket = new Socket(target as SocketConstructorOpts);
  if (target.timeout) socket.setTimeout(target.timeout);
  dialer.connectSocket(socket, { host: target.host, port: Number(target.port) }, whenConnected);
  return socket;
}

function makeDispatcher(dialer: CoreDialer, options: object = {}): UndiciAgent {
  const { Agent: UndiciAgent } = loadUndici();
  return new UndiciAgent({ ...options, connect: undiciConnector(dialer) });
}

/** Loaded when it is needed, and not by an `import` that a bundler would see: most programs do not have it. */
function loadUndici(): { readonly Agent: new (options: object) => UndiciAgent } {
  try {
    return createRequire(import.meta.url)('undici');
  } catch (cause) {
    throw new FdpassError('usage', 'the package undici is not installed', { hint: 'run: npm install undici', cause });
  }
}
