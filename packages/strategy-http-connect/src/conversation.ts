import { type Clock, type Connection, type Credentials, FdpassError } from '@fdpass/core';
import { type AuthenticationScheme, answerChallenges } from './authentication.js';
import { quoteBody, readBody, readExcerpt } from './body.js';
import { parseChallenges } from './challenge.js';
import { MAX_AUTHENTICATION_ROUNDS, MAX_DRAIN_BYTES, MAX_HEAD_BYTES, MAX_INTERIM_RESPONSES } from './constants.js';
import { HttpStatusError, refusal, refusedCredentials, unauthenticated } from './refusal.js';
import { encodeConnect, type Headers } from './request-wire.js';
import { keepsAlive, missingHeadBytes, parseHead, type ResponseHead } from './response-wire.js';

/** What is asked of the proxy, and how far the authentication has come; it can go over several connections. */
export interface Conversation {
  readonly authority: string;
  readonly headers: Headers;
  readonly credentials: Credentials | undefined;
  readonly schemes: readonly AuthenticationScheme[];
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** The next request's Proxy-Authorization. */
  authorization: string | undefined;
  /** Challenges answered so far. */
  round: number;
  /** A request was sent on a connection that had already carried one and no byte of its response has come. */
  isReusing: boolean;
}

/**
 * Asks for the tunnel on one connection. Resolves to `open` when it is open and not a byte of it has been read, or to
 * `reconnect` when the next request (with the authorization now in `conversation`) needs a new connection.
 *
 * @throws FdpassError for a refusal, with the proxy's words.
 */
export async function talk(peer: Connection, conversation: Conversation): Promise<'open' | 'reconnect'> {
  for (;;) {
    const { authority, headers, authorization } = conversation;
    await peer.write(encodeConnect(authority, headers, authorization));
    const head = await readFinalHead(peer);
    conversation.isReusing = false;
    // RFC 9110 §9.3.6: any 2xx opens the tunnel; Content-Length and Transfer-Encoding mean nothing in it.
    if (head.status >= 200 && head.status < 300) return 'open';
    if (head.status !== 407) throw await refused(peer, head, conversation);
    await authenticate(head, conversation);
    const isReusable = keepsAlive(head) && (await readBody(peer, head, MAX_DRAIN_BYTES)) !== undefined;
    if (!isReusable) return 'reconnect';
    conversation.isReusing = true;
  }
}

/** The head of the final response; interim ones (1xx) are passed over. */
async function readFinalHead(peer: Connection): Promise<ResponseHead> {
  for (let interim = 0; interim <= MAX_INTERIM_RESPONSES; interim++) {
    const head = parseHead(await peer.readThrough(missingHeadBytes, MAX_HEAD_BYTES, "the proxy's response"));
    if (head.status >= 200) return head;
    if (head.status === 101) throw refusal(head); // nobody asked for another protocol
  }
  throw new FdpassError('protocol', 'the proxy sends interim responses without end');
}

async function authenticate(head: ResponseHead, conversation: Conversation): Promise<void> {
  const { schemes, credentials, authority, signal, round } = conversation;
  const challenges = parseChallenges(head.headers.get('proxy-authenticate') ?? []);
  const answer =
    round < MAX_AUTHENTICATION_ROUNDS
      ? await answerChallenges(challenges, schemes, { credentials, authority, round, signal })
      : undefined;
  if (answer === undefined) throw unauthenticated(challenges, credentials !== undefined, round);
  conversation.authorization = answer;
  conversation.round = round + 1;
}

/** The error for a refusal, with what the proxy says about it. */
async function refused(peer: Connection, head: ResponseHead, conversation: Conversation): Promise<FdpassError> {
  if (head.status === 401 && conversation.round > 0)
    return refusedCredentials(new HttpStatusError(401, 'Unauthorized'));
  const page = await readExcerpt(peer, head, conversation.clock);
  const shown = (text: string): string => maskSecrets(text, conversation);
  return refusal({ ...head, reason: shown(head.reason) }, quoteBody(shown(page.toString('utf8'))));
}

/** Some error pages repeat the request; what we sent in confidence must not come back in an error. */
function maskSecrets(text: string, { authorization, credentials, headers }: Conversation): string {
  const token = authorization?.split(' ').at(-1);
  const secrets = [token, credentials?.password, ...Object.values(headers)];
  return secrets.reduce<string>(
    (masked, secret) => (secret === undefined || secret.length < 4 ? masked : masked.replaceAll(secret, '***')),
    text,
  );
}
