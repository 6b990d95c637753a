import { type ClientRequest, type IncomingMessage, request, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { FdpassError, reasonOf, showHost } from '@fdpass/core';
import { type AbsoluteTarget, failed, forwardedHeaders, isChunked, type OwnAnswer } from './http-wire.js';

/** As long as proxies accept (squid's limit): Node's own is a quarter of that. */
const MAX_ANSWER_HEADER = 64 * 1024;

/** A request with a URL, and the client that waits for its answer. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly target: AbsoluteTarget;
  /** The client waits for a 100 before it sends the body. */
  readonly expectsContinue: boolean;
}

/**
 * Forwards a request and its answer, over a connection that is closed in the end.
 *
 * @param signal Aborts when the client has gone.
 */
export async function forward(exchange: Exchange, socket: Socket, signal: AbortSignal): Promise<void> {
  const { incoming, response, expectsContinue } = exchange;
  const outgoing = startRequest(exchange, socket, signal);
  if (expectsContinue) {
    outgoing.once('continue', () => response.writeContinue());
    outgoing.flushHeaders();
  }
  const answer = answerOf(outgoing);
  incoming.pipe(outgoing); // not pipeline(), which would cut the client off from an answer that comes early
  try {
    await passAnswer(await answer, response);
  } catch (error) {
    const { host } = exchange.target;
    const message = `no valid answer came from ${showHost(host)}: ${reasonOf(error)}`;
    if (!signal.aborted) answerSelf(response, failed(new FdpassError('unreachable', message, { cause: error })));
  } finally {
    outgoing.destroy();
    incoming.resume(); // what is left of the body is in the way of the client's next request
  }
}

/** As {@link makeRequest}; a request that cannot be made closes the connection that it was for. */
function startRequest(exchange: Exchange, socket: Socket, signal: AbortSignal): ClientRequest {
  try {
    return makeRequest(exchange, socket, signal);
  } catch (error) {
    socket.on('error', () => {}).destroy();
    throw error;
  }
}

function makeRequest({ incoming, target }: Exchange, socket: Socket, signal: AbortSignal): ClientRequest {
  const { method = 'GET', headers, rawHeaders } = incoming;
  const outgoing = request({
    method,
    path: target.path || (method === 'OPTIONS' ? '*' : '/'), // RFC 9112 §3.2.4
    host: target.host,
    port: target.port,
    setHost: false,
    createConnection: () => socket,
    maxHeaderSize: MAX_ANSWER_HEADER,
    signal,
  });
  outgoing.maxHeadersCount = 0; // those beyond a limit would be left out without a word
  const fields = forwardedHeaders(rawHeaders, headers.connection);
  for (let at = 0; at + 1 < fields.length; at += 2) outgoing.appendHeader(fields[at] ?? '', fields[at + 1] ?? '');
  outgoing.setHeader('Host', target.authority);
  outgoing.setHeader('Connection', 'close');
  if (headers['transfer-encoding'] !== undefined) outgoing.setHeader('Transfer-Encoding', 'chunked');
  else if (headers['content-length'] === undefined) outgoing.useChunkedEncodingByDefault = false; // it has no body
  return outgoing;
}

function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('the connection was closed')); // also where it switches to another protocol
    outgoing.once('response', resolve).on('error', reject).once('close', closed);
  });
}

/** RFC 9112 §4. Node's parser takes any, and writes no other. */
const REASON = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Rejects if the answer breaks in the middle: the client's connection is cut then, so that it does not take it for whole. */
async function passAnswer(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const { statusCode = 502, statusMessage = '', headers, rawHeaders } = answer;
  if (!isChunked(headers['transfer-encoding'] ?? 'chunked')) throw new Error('a transfer coding that nobody asked for');
  const reason = REASON.test(statusMessage) ? statusMessage : STATUS_CODES[statusCode];
  response.sendDate = false;
  response.writeHead(statusCode, reason, forwardedHeaders(rawHeaders, headers.connection));
  return new Promise((resolve, reject) => {
    answer.once('end', () => response.addTrailers(pairsOf(answer.rawTrailers)));
    pipeline(answer, response, (error) => (error ? reject(error) : resolve()));
  });
}

function pairsOf(raw: readonly string[]): [string, string][] {
  return raw.flatMap((name, at) => (at % 2 === 0 ? [[name, raw[at + 1] ?? ''] as [string, string]] : []));
}

/** Answers in the name of the proxy; if the answer has begun, the client's connection is cut instead. */
export function answerSelf(response: ServerResponse, { status, headers, body }: OwnAnswer): void {
  if (response.headersSent) return void response.destroy();
  const text = `${body}\n`;
  const fields = { ...headers, 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': Buffer.byteLength(text) };
  response.writeHead(status, STATUS_CODES[status], fields).end(text); // it can have the reason of an answer that failed
}
