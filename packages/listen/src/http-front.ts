import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock, Connection, Target } from '@fdpass/core';
import { readySocket } from '@fdpass/core/host';
import { toConnection } from '@fdpass/core/sockets';
import { answerSelf, forward } from './forward.js';
import {
  badRequest,
  CONNECTED,
  encodeAnswer,
  failed,
  isChunked,
  type OwnAnswer,
  readAbsoluteTarget,
  readAuthority,
  readCredentials,
  UNAUTHORIZED,
} from './http-wire.js';
import { isRight, type Password } from './password.js';
import { type Protocol, type TunnelRequest, targetOf } from './request.js';

/** What the HTTP side of a proxy server leaves to it. */
export interface HttpDuties {
  readonly clock: Clock;
  readonly password: Password | undefined;
  /** How long a client can take for a request. */
  readonly requestMs: number;
  /** Connects to what a client wants. */
  dial(target: Target, protocol: Protocol, signal: AbortSignal): Promise<Connection>;
  /** Serves a tunnel over a client's connection, which it owns. */
  tunnel(client: Connection, request: TunnelRequest): Promise<void>;
  /** Says something to a client before its connection is closed. */
  end(client: Connection, lastWords: Uint8Array): Promise<void>;
}

/** Why Node's parser refuses something; what it says about that is one of its own texts. */
type ParseError = NodeJS.ErrnoException & { readonly reason?: string };

/** A request that is not answered, or not to its end. */
interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** The client waits for a 100 before it sends the body. */
  readonly expectsContinue: boolean;
  /** Aborts when it is answered, or nobody waits for the answer any more. */
  readonly over: AbortController;
}

/** A client's connection. */
interface Client {
  readonly socket: Socket;
  /** In the order of their requests. */
  readonly exchanges: Set<Exchange>;
  /** Resolves when there are none. */
  turn: Promise<void>;
  /** Ends the wait for the next request. */
  heard: () => void;
  /** What it is told once its requests are answered, since it has sent what is not one. */
  lastWords: OwnAnswer | undefined;
  /** What has become of its connection. */
  tunnel: Promise<void> | undefined;
}

/** A client that sends more requests than this before it has read an answer is cut off. */
const MAX_WAITING = 100;

/**
 * The HTTP side of a proxy server: CONNECT (RFC 9110 §9.3.6), and requests with an `http://` URL, as clients send them with
 * HTTP_PROXY. Node's own server reads them, but does not listen.
 */
export class HttpFront {
  readonly #duties: HttpDuties;
  readonly #server: Server;
  readonly #clients = new WeakMap<Duplex, Client>();

  constructor(duties: HttpDuties) {
    this.#duties = duties;
    const { createServer } = process.getBuiltinModule('node:http');
    // Its own limits look at the clock now and then; ours begin again with each request. The URL has the host.
    this.#server = createServer({
      keepAliveTimeout: 0,
      headersTimeout: 0,
      requestTimeout: 0,
      requireHostHeader: false,
    });
    this.#server.timeout = 0;
    this.#server.maxHeadersCount = 0; // those beyond a limit would be left out without a word
    this.#server
      .on('request', (incoming, response) => this.#serve(incoming, response, false))
      .on('checkContinue', (incoming, response) => this.#serve(incoming, response, true))
      .on('connect', (incoming, socket, head) => this.#connect(incoming, socket as Socket, head))
      .on('clientError', (error: ParseError, socket) => this.#refuse(error, socket));
  }

  /** Serves a client until its connection is closed. */
  async take(connection: Connection): Promise<void> {
    const socket = await readySocket(connection);
    socket.allowHalfOpen = true; // in a tunnel each side ends by itself
    const client: Client = {
      socket,
      exchanges: new Set(),
      turn: Promise.resolve(),
      heard: () => {},
      lastWords: undefined,
      tunnel: undefined,
    };
    this.#clients.set(socket, client);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#awaitRequest(client);
    this.#server.emit('connection', socket);
    await closed;
    client.heard();
    for (const { over } of client.exchanges) over.abort(); // Node closes only the answer whose turn it is
    await client.tunnel;
  }

  #awaitRequest(client: Client): void {
    const { clock, requestMs } = this.#duties;
    client.heard = clock.after(requestMs, () => client.socket.destroy());
  }

  /**
   * Plain requests: the answer comes from the server that the URL names. A client can send the next one before it has the answer;
   * that is not forwarded before, since what it asks can depend on the one before, and a client has one connection at a time.
   */
  #serve(incoming: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const client = this.#clients.get(incoming.socket);
    if (client === undefined) return;
    client.heard();
    if (client.exchanges.size >= MAX_WAITING) return void client.socket.destroy();
    const exchange: Exchange = { incoming, response, expectsContinue, over: new AbortController() };
    client.exchanges.add(exchange);
    response.once('close', () => {
      exchange.over.abort();
      client.exchanges.delete(exchange);
      if (client.exchanges.size === 0 && !client.socket.destroyed) this.#goOn(client);
    });
    client.turn = this.#answerInTurn(exchange, client.turn);
  }

  #goOn(client: Client): void {
    const { lastWords, socket } = client;
    if (lastWords !== undefined && socket.writable) this.#dismiss(client, lastWords);
    else this.#awaitRequest(client);
  }

  /** Never rejects: the next one waits for it. */
  async #answerInTurn(exchange: Exchange, before: Promise<void>): Promise<void> {
    const { signal } = exchange.over;
    const over = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await before;
    if (!signal.aborted) await this.#answer(exchange).catch(() => exchange.response.destroy());
    await over;
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { incoming, response } = exchange;
    const { signal } = exchange.over;
    const target = readAbsoluteTarget(incoming.url ?? '');
    const problem = this.#problemWith(incoming) ?? (target === undefined ? NO_URL : undefined);
    if (problem !== undefined || target === undefined) {
      incoming.resume();
      return answerSelf(response, problem ?? NO_URL);
    }
    try {
      const far = await this.#duties.dial(targetOf(target), 'HTTP', signal);
      await forward({ ...exchange, target }, await readySocket(far), signal);
    } catch (error) {
      incoming.resume();
      if (!signal.aborted) answerSelf(response, failed(error));
    }
  }

  /** Bytes that are not a request, or one that is too long or breaks off in its body. */
  #refuse({ code, reason }: ParseError, socket: Duplex): void {
    const client = this.#clients.get(socket);
    if (client === undefined || !socket.writable || code === 'ECONNRESET') return void socket.destroy();
    if (client.lastWords !== undefined) return; // the parser says it of every further byte
    client.heard();
    client.lastWords =
      code === 'HPE_HEADER_OVERFLOW'
        ? { ...badRequest('the header of this request is too long'), status: 431 }
        : badRequest(`this is neither SOCKS nor a valid HTTP request${reason === undefined ? '' : ` (${reason})`}`);
    const latest = [...client.exchanges].at(-1);
    if (latest === undefined) this.#dismiss(client, client.lastWords);
    else if (!latest.incoming.complete) this.#giveUp(latest, client.lastWords);
  }

  /** Answers a request whose body cannot be read to its end, and closes the connection. */
  #giveUp({ response, over }: Exchange, answer: OwnAnswer): void {
    over.abort();
    answerSelf(response, { ...answer, headers: { ...answer.headers, Connection: 'close' } });
  }

  /** Says something to a client that is not served any more. */
  #dismiss(client: Client, answer: OwnAnswer): void {
    client.tunnel = this.#duties.end(this.#takeBack(client), encodeAnswer(answer)).catch(() => {});
  }

  /** The connection of a client, of which Node reads nothing any more. */
  #takeBack({ socket }: Client): Connection {
    return toConnection(socket.pause(), { clock: this.#duties.clock });
  }

  #connect(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const client = this.#clients.get(socket);
    // Answers that are not complete would have nowhere to go.
    if (client === undefined || client.exchanges.size > 0) return void socket.destroy();
    client.heard();
    if (head.length > 0) socket.unshift(head);
    // At once, while nothing can have been read that is not in `head`. What breaks a tunnel is the client's affair.
    client.tunnel = this.#serveConnect(this.#takeBack(client), incoming).catch(() => {});
  }

  async #serveConnect(connection: Connection, incoming: IncomingMessage): Promise<void> {
    const authority = readAuthority(incoming.url ?? '');
    const problem = this.#problemWith(incoming) ?? (authority === undefined ? NO_AUTHORITY : undefined);
    if (problem !== undefined || authority === undefined)
      return this.#duties.end(connection, encodeAnswer(problem ?? NO_AUTHORITY));
    await this.#duties.tunnel(connection, {
      protocol: 'CONNECT',
      ...authority,
      granted: CONNECTED,
      refused: (error) => encodeAnswer(failed(error)),
    });
  }

  #problemWith({ headers }: IncomingMessage): OwnAnswer | undefined {
    const { password } = this.#duties;
    const given = password && readCredentials(headers['proxy-authorization']);
    if (password !== undefined && (given === undefined || !isRight(given, password))) return UNAUTHORIZED;
    return isChunked(headers['transfer-encoding'] ?? 'chunked') ? undefined : UNKNOWN_CODING;
  }
}

const NO_URL = badRequest('this is a proxy: it wants requests with an http:// URL, or CONNECT for anything else');
const NO_AUTHORITY = badRequest('CONNECT wants a host and a port');
const UNKNOWN_CODING: OwnAnswer = { ...badRequest('this proxy supports no transfer coding but chunked'), status: 501 };
