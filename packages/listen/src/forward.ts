import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream';
import { FdpassError, reasonOf, showHost } from '@fdpass/core';
import { type AbsoluteTarget, failed, forwardedHeaders, type OwnAnswer } from './http-wire.js';

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
  const outgoing = makeRequest(exchange, socket, signal);
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
    answerSelf(response, failed(new FdpassError('unreachable', message, { cause: error })));
  } finally {
    outgoing.destroy();
    incoming.resume(); // what is left of the body is in the way of the client's next request
  }
}

function makeRequest({ incoming, target }: Exchange, socket: Socket, signal: AbortSignal): ClientRequest {
  const { method = 'GET', headers, rawHeaders } = incoming;
  const outgoing = request({
    method,
    path: target.path,
    host: target.host,
    port: target.port,
    setHost: false,
    createConnection: () => socket,
    signal,
  });
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
    outgoing.once('response', resolve).on('error', reject);
  });
}

/** Rejects if the answer breaks in the middle: the client's connection is cut then, so that it does not take it for whole. */
function passAnswer(answer: IncomingMessage, response: ServerResponse): Promise<void> {
  const { statusCode = 502, statusMessage, headers, rawHeaders } = answer;
  response.sendDate = false;
  response.writeHead(statusCode, statusMessage, forwardedHeaders(rawHeaders, headers.connection));
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
  response.writeHead(status, fields).end(text);
}
