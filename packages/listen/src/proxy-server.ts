import { setMaxListeners } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Clock, type Connection, FdpassError, startDeadline, systemClock, type Target } from '@fdpass/core';
import { openPipes, type PipePool, relayBetween } from '@fdpass/core/host';
import { DescriptorConnection, StreamConnection, toConnection } from '@fdpass/core/sockets';
import type { ListenAddress } from './address.js';
import { HttpFront } from './http-front.js';
import { type Listening, listenAt } from './listening.js';
import type { Password } from './password.js';
import { type Protocol, type TunnelRequest, targetOf } from './request.js';
import { talkSocks4 } from './socks4.js';
import { type Talk, talkSocks5 } from './socks5.js';

/** What a dial of a {@link ProxyServer} is told besides its target. */
export interface ClientDial {
  /** How the client speaks to the server. */
  readonly protocol: Protocol;
  /** Aborts when the client has gone, or the server closes; its reason is what to throw. */
  readonly signal: AbortSignal;
}

/** What a {@link ProxyServer} is made of. */
export interface ProxyServerOptions {
  /** Connects to what a client wants. The connection belongs to the server. Why it failed is told to the client. */
  dial(target: Target, client: ClientDial): Promise<Connection | Duplex>;
  /** Wanted of every client; SOCKS 4, which has none, is refused then. Default: nothing is wanted. */
  readonly password?: Password | undefined;
  /** How long a client can take for its request, in milliseconds. Default 10,000. */
  readonly requestMs?: number | undefined;
  /** Connections of further clients are closed at once. Default 4096. */
  readonly maxClients?: number | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

const REQUEST_MS = 10_000;
const MAX_CLIENTS = 4096;
/** How long a client can take to read why it is not served. */
const LAST_WORDS_MS = 1000;

/**
 * A proxy that speaks SOCKS 4, 4a and 5 and HTTP on the same ports. What its clients want to be connected to is dialled by
 * whoever made it.
 */
export class ProxyServer {
  readonly #options: ProxyServerOptions;
  readonly #clock: Clock;
  readonly #requestMs: number;
  readonly #closing = new AbortController();
  readonly #listening = new Set<Listening>();
  readonly #clients = new Set<Promise<void>>();
  readonly #pipes: PipePool | undefined = openPipes();
  readonly #http: HttpFront;

  constructor(options: ProxyServerOptions) {
    this.#options = options;
    setMaxListeners(0, this.#closing.signal); // several for each client
    this.#clock = options.clock ?? systemClock;
    this.#requestMs = options.requestMs ?? REQUEST_MS;
    this.#http = new HttpFront({
      clock: this.#clock,
      password: options.password,
      requestMs: this.#requestMs,
      dial: (target, protocol, signal) => this.#dial(target, protocol, signal),
      tunnel: (client, request) => this.#tunnel(client, request),
      end: (client, lastWords) => this.#end(client, lastWords),
    });
  }

  /**
   * Listens at an address, besides those where it listens already. Resolves to the address with the port that it has got.
   *
   * @throws FdpassError if that is not possible.
   */
  async listen(address: ListenAddress): Promise<ListenAddress> {
    const listening = await listenAt(address, (socket) => this.#accept(socket));
    this.#listening.add(listening);
    return listening.address;
  }

  /** How many clients it has. */
  get clients(): number {
    return this.#clients.size;
  }

  /** Takes no further client, and resolves when the last one has gone. */
  async leave(): Promise<void> {
    for (const listening of this.#listening) listening.close();
    this.#listening.clear();
    await Promise.all(this.#clients);
    this.#pipes?.close();
  }

  /** Stops listening and cuts every connection. */
  async close(): Promise<void> {
    this.#closing.abort(new FdpassError('unreachable', 'the proxy was closed'));
    await this.leave();
  }

  #accept(socket: Socket): void {
    if (this.#clients.size >= (this.#options.maxClients ?? MAX_CLIENTS)) return void socket.destroy();
    // What a client does wrong is its own affair: its connection is closed then.
    const served = this.#serve(socket).catch(() => {});
    this.#clients.add(served);
    void served.then(() => this.#clients.delete(served));
  }

  async #serve(socket: Socket): Promise<void> {
    const client = toConnection(socket, { clock: this.#clock });
    const release = destroyOnAbort(client, this.#closing.signal);
    try {
      const [version] = await client.peek(this.#requestMs);
      const talk = TALKS.get(version);
      if (talk !== undefined) await this.#serveSocks(client, talk);
      else if (version !== undefined) await this.#http.take(client);
    } finally {
      release();
      client.destroy();
    }
  }

  async #serveSocks(client: Connection, talk: TalkSocks): Promise<void> {
    const deadline = startDeadline(this.#requestMs, undefined, this.#clock);
    const release = destroyOnAbort(client, deadline.signal);
    const request = await talk(client, this.#options.password).finally(() => {
      release();
      deadline.release();
    });
    await ('lastWords' in request ? this.#end(client, request.lastWords) : this.#tunnel(client, request));
  }

  /** Connects a client to what it wants, and copies bytes until that is over. */
  async #tunnel(client: Connection, request: TunnelRequest): Promise<void> {
    const release = destroyOnAbort(client, this.#closing.signal);
    try {
      const far = await this.#dialFor(client, request);
      if (far === undefined) return;
      const { clock } = this.#options;
      await relayBetween(client, far, { pipes: this.#pipes, signal: this.#closing.signal, clock });
    } finally {
      release();
      client.destroy();
    }
  }

  /** The connection that the client wants, after it was told so; undefined after it was told why not. */
  async #dialFor(client: Connection, request: TunnelRequest): Promise<Connection | undefined> {
    const gone = new AbortController();
    const stopListening = onGone(client, () => gone.abort(new FdpassError('unreachable', 'the client has closed')));
    try {
      const far = await this.#dial(targetOf(request), request.protocol, gone.signal);
      try {
        await client.write(request.granted);
        return far;
      } catch (error) {
        far.destroy();
        throw error;
      }
    } catch (error) {
      if (!gone.signal.aborted) await this.#end(client, request.refused(error));
      return undefined;
    } finally {
      stopListening();
    }
  }

  async #dial(target: Target, protocol: Protocol, gone: AbortSignal): Promise<Connection> {
    const wanted = startDeadline(0, [gone, this.#closing.signal], this.#clock);
    try {
      const far = toConnection(await this.#options.dial(target, { protocol, signal: wanted.signal }));
      if (!wanted.signal.aborted) return far;
      far.destroy();
      throw wanted.signal.reason;
    } finally {
      wanted.release();
    }
  }

  /** Closed at once, a connection of which something is unread is reset, and what we have said is lost with it. */
  async #end(client: Connection, lastWords: Uint8Array): Promise<void> {
    const stream = client.toStream();
    const cancel = this.#clock.after(LAST_WORDS_MS, () => stream.destroy());
    const release = destroyOnAbort(stream, this.#closing.signal);
    await new Promise<void>((resolve) => {
      stream
        .on('error', () => {})
        .once('close', resolve)
        .resume()
        .end(lastWords);
    });
    cancel();
    release();
  }
}

type TalkSocks = (client: Connection, password: Password | undefined) => Promise<Talk>;

/** By the first byte that a client sends. Any other begins an HTTP request, or is nonsense. */
const TALKS: ReadonlyMap<number | undefined, TalkSocks> = new Map([
  [4, talkSocks4],
  [5, talkSocks5],
]);

function destroyOnAbort(connection: { destroy(): unknown }, signal: AbortSignal): () => void {
  const destroy = (): void => void connection.destroy();
  if (signal.aborted) destroy();
  signal.addEventListener('abort', destroy, { once: true });
  return () => signal.removeEventListener('abort', destroy);
}

/**
 * Calls `listener` when a client that waits for an answer closes its connection. Over TCP that looks the same as the end of
 * its own side, but a client that has said nothing yet has no reason to end only that.
 */
function onGone(client: Connection, listener: () => void): () => void {
  const isOurs = client instanceof DescriptorConnection || client instanceof StreamConnection;
  return isOurs ? client.onBroken(listener) : () => {};
}
