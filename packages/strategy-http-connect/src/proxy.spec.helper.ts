import type { Socket } from 'node:net';
import { type Duplex, PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import {
  type Chain,
  type Connection,
  type DialContext,
  FdpassError,
  formatError,
  isFdpassError,
  type StrategyHost,
  type Target,
  type TraceEvent,
} from '@fdpass/core';
import { PATIENCE_MS } from '@fdpass/test-lab';
import {
  networkChain,
  type Script,
  type ScriptedServer,
  startScriptedServer,
  streamOf,
  testHost,
} from '@fdpass/testkit';
import { expect } from 'chai';
import { createHttpConnect, type HttpConnectParts } from './http-connect.js';
import type { HttpConnectOptions } from './options.js';

const TARGET: Target = { host: 'host.example', port: 22 };

/** Reaches the proxy by one connect(), and says so where it cannot. */
const forward: Chain = {
  ...networkChain,
  async dial(target, context) {
    try {
      return await networkChain.dial(target, context);
    } catch (error) {
      if (!isFdpassError(error)) throw error; // the caller's own abort reason
      throw new FdpassError(error.code, error.message, { hint: error.hint, hop: 'proxy', cause: error });
    }
  },
};

export const HOST: StrategyHost = testHost({ forward });

/** A dial that a test looks at. */
export interface Outcome {
  readonly stream?: Duplex;
  readonly code?: string;
  /** The error as the person at the terminal sees it. */
  readonly text: string;
  readonly events: readonly TraceEvent[];
}

export interface DialSpec extends HttpConnectParts {
  readonly options?: Partial<HttpConnectOptions>;
  readonly target?: Target;
  readonly context?: Partial<DialContext>;
  readonly host?: StrategyHost;
  /** What comes between `http://` and `127.0.0.1:PORT`. */
  readonly userInfo?: string;
}

/** Dials through the proxy on `port`; never rejects. */
export async function dialProxy(port: number, spec: DialSpec = {}): Promise<Outcome> {
  const { options, target = TARGET, context, host = HOST, userInfo = '', ...parts } = spec;
  const events: TraceEvent[] = [];
  try {
    const strategy = createHttpConnect(parts);
    const dialer = await strategy.create({ url: `http://${userInfo}127.0.0.1:${port}`, ...options }, host);
    const given: Connection | Duplex = await dialer.dial(target, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      trace: (event) => void events.push(event),
      ...context,
    });
    return { stream: streamOf(given), text: '', events };
  } catch (error) {
    const text = isFdpassError(error) ? formatError(error) : `not ours: ${String(error)}`;
    return { text, events, ...(isFdpassError(error) && { code: error.code }) };
  }
}

/** Plays `script` as the proxy, dials through it and closes it in any case. */
export async function withProxy(
  script: Script,
  spec: DialSpec,
  look: (outcome: Outcome, proxy: ScriptedServer) => unknown,
): Promise<void> {
  await lookThrough(await startScriptedServer(script), ({ port }) => dialProxy(port, spec), look);
}

/** Dials through a proxy, and closes what that has opened and the proxy in any case. */
export async function lookThrough<Proxy extends { close(): Promise<void> }>(
  proxy: Proxy,
  dial: (proxy: Proxy) => Promise<Outcome>,
  look: (outcome: Outcome, proxy: Proxy) => unknown,
): Promise<void> {
  try {
    const outcome = await dial(proxy);
    try {
      await look(outcome, proxy);
    } finally {
      outcome.stream?.destroy();
    }
  } finally {
    await proxy.close();
  }
}

/** All that the tunnel gives until its end. */
export async function drain({ stream, text }: Outcome): Promise<string> {
  if (stream === undefined) throw new Error(`no tunnel: ${text}`);
  expect((stream as Socket).readableLength, 'read ahead').to.equal(0);
  return (await buffer(stream.pipe(new PassThrough()))).toString('latin1');
}

/** The requests that one connection has seen, as text. */
export function requestsOf(proxy: ScriptedServer, connection = 0): string[] {
  return (proxy.received[connection]?.toString('latin1') ?? '').split(/(?<=\r\n\r\n)/).filter(Boolean);
}
