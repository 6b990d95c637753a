import {
  type Connection,
  FdpassError,
  firstAnswer,
  formatHostPort,
  type HandshakeReport,
  hintAtPeer,
  isFdpassError,
  type Target,
} from '@fdpass/core';
import {
  AUTH_SUCCESS,
  METHOD_NO_ACCEPTABLE,
  METHOD_NO_AUTHENTICATION,
  METHOD_USERNAME_PASSWORD,
  REPLY_SUCCEEDED,
  SOCKS_VERSION_5,
} from './constants.js';
import { readReply, replyError, replyText } from './reply.js';
import {
  type Credentials,
  encodeAuthentication,
  encodeGreeting,
  encodeRequest,
  MAX_REPLY_LENGTH,
  missingReplyBytes,
} from './socks5-wire.js';

export interface Request5 {
  /** For errors. */
  readonly proxy: Target;
  readonly host: string;
  readonly port: number;
  /** Gets the user name and password once the proxy wants them: they may be asked from the user. */
  readonly getCredentials?: (() => Promise<Credentials | undefined>) | undefined;
}

/** How the conversation is held on one connection. */
export interface Talk5 {
  /** Greeting, authentication and request in one flight, without waiting for the answers between them. */
  readonly optimistic: boolean;
  readonly report: HandshakeReport;
  /** What the proxy has chosen already, on a connection that was greeted in advance. */
  readonly method?: number | undefined;
}

/**
 * The SOCKS5 conversation (RFC 1928, RFC 1929) up to and including the last byte of the success reply. The functions that every
 * dial goes through are not async: an async function keeps more memory while the proxy is silent.
 */
export function talkSocks5(peer: Connection, request: Request5, how: Talk5): Promise<void> {
  const { report, optimistic, method } = how;
  if (method !== undefined) return askBy(method, peer, request, report);
  if (optimistic) return inOneFlight(peer, request, report);
  return greet(peer, request, report).then((answer) =>
    askBy(methodIn(answer, offeredBy(request), report), peer, request, report),
  );
}

/** Sends the request, by the method that the proxy has chosen. */
function askBy(method: number, peer: Connection, request: Request5, report: HandshakeReport): Promise<void> {
  if (method !== METHOD_USERNAME_PASSWORD) return ask(peer, request, report);
  return authenticate(peer, request, report).then(() => ask(peer, request, report));
}

function ask(peer: Connection, request: Request5, report: HandshakeReport): Promise<void> {
  return peer.write(encodeRequest(request.host, request.port)).then(() => {
    if (!report.isQuiet) report.sent(requestText(request));
    return readFinalReply(peer, request, report);
  });
}

async function authenticate(peer: Connection, { getCredentials }: Request5, report: HandshakeReport): Promise<void> {
  const credentials = await getCredentials?.();
  if (credentials === undefined) throw noMethod([METHOD_NO_AUTHENTICATION]);
  await peer.write(encodeAuthentication(credentials));
  report.sent(AUTHENTICATION_TEXT);
  await readAuthentication(peer, report);
}

/** What can be said before the target is known; the result is the method that the proxy has chosen. */
export function greetSocks5(peer: Connection, request: Greeting5, report: HandshakeReport): Promise<number> {
  return greet(peer, request, report).then((answer) => methodIn(answer, offeredBy(request), report));
}

/** What the greeting needs of a request. */
type Greeting5 = Pick<Request5, 'proxy' | 'getCredentials'>;

/** Resolves to the answer. */
function greet(peer: Connection, request: Greeting5, report: HandshakeReport): Promise<Buffer> {
  const offered = offeredBy(request);
  return peer.write(encodeGreeting(offered)).then(() => {
    if (!report.isQuiet) report.sent(greetingText(offered));
    return readMethod(peer, request.proxy);
  });
}

function offeredBy({ getCredentials }: Greeting5): readonly number[] {
  return getCredentials ? EITHER : NO_AUTHENTICATION;
}

const NO_AUTHENTICATION = [METHOD_NO_AUTHENTICATION];
const EITHER = [METHOD_NO_AUTHENTICATION, METHOD_USERNAME_PASSWORD];

/** What comes after the greeting depends on the method chosen, so exactly one is offered. */
async function inOneFlight(peer: Connection, request: Request5, report: HandshakeReport): Promise<void> {
  const { proxy, host, port } = request;
  const credentials = await request.getCredentials?.();
  const offered = [credentials ? METHOD_USERNAME_PASSWORD : METHOD_NO_AUTHENTICATION];
  const authentication = credentials ? encodeAuthentication(credentials) : Buffer.alloc(0);
  await peer.write(Buffer.concat([encodeGreeting(offered), authentication, encodeRequest(host, port)]));
  const texts = [greetingText(offered), ...(credentials ? [AUTHENTICATION_TEXT] : []), requestText(request)];
  for (const text of texts) report.sent(text);
  methodIn(await readMethod(peer, proxy), offered, report);
  if (credentials) await readAuthentication(peer, report);
  await readFinalReply(peer, request, report);
}

const AUTHENTICATION_TEXT = 'user name and password';

function greetingText(offered: readonly number[]): string {
  return `SOCKS5 greeting, offers ${offered.map(methodName).join(' or ')}`;
}

function requestText({ host, port }: Request5): string {
  return `CONNECT ${formatHostPort(host, port)}`;
}

/** RFC 1928 §3. */
function methodName(method: number): string {
  if (method === METHOD_NO_AUTHENTICATION) return 'no authentication';
  if (method === METHOD_USERNAME_PASSWORD) return 'user name and password';
  return method === METHOD_NO_ACCEPTABLE ? 'none of them' : `0x${method.toString(16).padStart(2, '0')}`;
}

/** RFC 1928 §3: VER METHOD. */
function readMethod(peer: Connection, proxy: Target): Promise<Buffer> {
  return firstAnswer(peer.read(2, 'the method selection'), {
    peer: proxy,
    what: 'SOCKS reply',
    hint: 'check that it is a SOCKS 5 proxy, not an HTTP or TLS one',
  });
}

/** The method that the proxy has chosen. @throws FdpassError for one that was not offered */
function methodIn(answer: Buffer, offered: readonly number[], report: HandshakeReport): number {
  const { 1: method = METHOD_NO_ACCEPTABLE } = answer;
  checkVersion(answer);
  if (!report.isQuiet) report.received(`method: ${methodName(method)}`);
  if (offered.includes(method)) return method;
  // RFC 1928 §3 forbids choosing a method that was not offered; one that does so wants a password all the same.
  if (method === METHOD_NO_ACCEPTABLE || method === METHOD_USERNAME_PASSWORD) throw noMethod(offered);
  throw new FdpassError(
    'protocol',
    `the proxy chose the authentication method 0x${method.toString(16)}, which was not offered`,
  );
}

function noMethod(offered: readonly number[]): FdpassError {
  const hasPassword = offered.includes(METHOD_USERNAME_PASSWORD);
  return new FdpassError('permission', 'the proxy accepts none of the authentication methods offered', {
    hint: hasPassword
      ? 'use a proxy that takes a user name and a password'
      : 'add "credentials" to the hop: it probably wants a user name and a password',
  });
}

/** RFC 1929 §2: VER STATUS. The version is not checked: some servers answer 5. */
async function readAuthentication(peer: Connection, report: HandshakeReport): Promise<void> {
  const [, status] = await peer.read(2, 'the authentication status').catch(closedInstead);
  report.received(status === AUTH_SUCCESS ? 'authenticated' : 'refused');
  if (status !== AUTH_SUCCESS) throw wrongPassword('the proxy refused the user name or the password');
}

/** A server closes after a refusal, and some do nothing else. */
function closedInstead(error: unknown): never {
  const isClose = isFdpassError(error) && (error.code === 'protocol' || error.code === 'unreachable');
  if (!isClose) throw error;
  throw wrongPassword(`${error.message}: the proxy probably refused the user name or the password`, error.cause);
}

function wrongPassword(message: string, cause?: unknown): FdpassError {
  return new FdpassError('permission', message, { hint: 'check the "credentials" of the hop', cause });
}

function readFinalReply(peer: Connection, { proxy }: Request5, report: HandshakeReport): Promise<void> {
  return firstAnswer(readReply(peer, missingReplyBytes, MAX_REPLY_LENGTH), {
    peer: proxy,
    what: 'reply to the request',
    hint: 'check the target: the proxy itself answers',
  }).then((answer) => checkFinalReply(answer, report));
}

/** @throws FdpassError for a refusal */
function checkFinalReply(answer: Buffer, report: HandshakeReport): void {
  const { 1: reply = -1 } = answer;
  checkVersion(answer);
  if (!report.isQuiet) report.received(replyText(5, reply));
  if (reply !== REPLY_SUCCEEDED) throw replyError(5, reply);
}

function checkVersion(answer: Buffer): void {
  if (answer[0] === SOCKS_VERSION_5) return;
  throw new FdpassError('protocol', `the proxy does not speak SOCKS5: it answered with version ${answer[0]}`, {
    hint: hintAtPeer(answer, 'socks5h+tls') ?? 'check that it is a SOCKS5 proxy',
  });
}
