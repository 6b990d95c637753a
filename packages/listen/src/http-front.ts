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

/** A client's connection. */
interface Client {
  /** Requests whose answer is not complete. */
  pending: number;
  /** Ends the wait for the next request. */
  heard: () => void;
  /** What has become of its connection. */
  tunnel: Promise<void> | undefined;
}

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
    this.#server
      .on('request', (incoming, response) => this.#serve(incoming, response, false))
      .on('checkContinue', (incoming, response) => this.#serve(incoming, response, true))
      .on('connect', (incoming, socket, head) => this.#connect(incoming, socket as Socket, head))
      .on('clientError', (error: NodeJS.ErrnoException, socket) => refuseNonsense(error, socket));
  }

  /** Serves a client until its connection is closed. */
  async take(connection: Connection): Promise<void> {
    const socket = await readySocket(connection);
    socket.allowHalfOpen = true; // a client can end its side after its request
    const client: Client = { pending: 0, heard: () => {}, tunnel: undefined };
    this.#clients.set(socket, client);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#awaitRequest(client, socket);
    this.#server.emit('connection', socket);
    await closed;
    client.heard();
    await client.tunnel;
  }

  #awaitRequest(client: Client, socket: Socket): void {
    const { clock, requestMs } = this.#duties;
    client.heard = clock.after(requestMs, () => socket.destroy());
  }

  /** Plain requests: the answer comes from the server that the URL names. */
  #serve(incoming: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = incoming;
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    client.heard();
    client.pending += 1;
    const gone = new AbortController();
    response.once('close', () => {
      gone.abort();
      client.pending -= 1;
      if (client.pending === 0 && !socket.destroyed) this.#awaitRequest(client, socket);
    });
    void this.#answer(incoming, response, expectsContinue, gone.signal);
  }

  async #answer(
    incoming: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const target = readAbsoluteTarget(incoming.url ?? '');
    const problem = this.#problemWith(incoming) ?? (target === undefined ? NO_URL : undefined);
    if (problem !== undefined || target === undefined) {
      incoming.resume();
      return answerSelf(response, problem ?? NO_URL);
    }
    try {
      const far = await this.#duties.dial(targetOf(target), 'HTTP', signal);
      await forward({ incoming, response, target, expectsContinue }, await readySocket(far), signal);
    } catch (error) {
      incoming.resume();
      answerSelf(response, failed(error));
    }
  }

  #connect(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return void socket.destroy();
    client.heard();
    if (head.length > 0) socket.unshift(head);
    // At once, while nothing can have been read that is not in `head`.
    const connection = toConnection(socket.pause(), { clock: this.#duties.clock });
    client.tunnel = this.#serveConnect(connection, incoming);
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
    if (password === undefined) return undefined;
    const given = readCredentials(headers['proxy-authorization']);
    return given !== undefined && isRight(given, password) ? undefined : UNAUTHORIZED;
  }
}

const NO_URL = badRequest('this is a proxy: it wants requests with an http:// URL, or CONNECT for anything else');
const NO_AUTHORITY = badRequest('CONNECT wants a host and a port');

/** Bytes that are not a request, or one that is too long. */
function refuseNonsense({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || code === 'ECONNRESET') return void socket.destroy();
  const answer =
    code === 'HPE_HEADER_OVERFLOW'
      ? { ...badRequest('the header of this request is too long'), status: 431 }
      : badRequest('this is neither SOCKS nor an HTTP request');
  socket.end(encodeAnswer(answer));
}
