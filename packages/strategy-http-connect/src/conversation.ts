import {
  type Clock,
  type Connection,
  type Credentials,
  type DialContext,
  type ExpectedAnswer,
  FdpassError,
  firstAnswer,
  type HandshakeReport,
  octetsOf,
  type Target,
} from '@fdpass/core';
import { type AuthenticationScheme, answerable, answerFirst, encodeBasic } from './authentication.js';
import { drainBody, readExcerpt } from './body.js';
import { type Challenge, parseChallenges } from './challenge.js';
import { MAX_AUTHENTICATION_ROUNDS, MAX_HEAD_BYTES, MAX_INTERIM_RESPONSES } from './constants.js';
import { quotePage } from './page.js';
import { refusal, refusedCredentials, showHead, unanswerable, unauthenticated } from './refusal.js';
import { encodeConnect, type Headers, showConnect } from './request-wire.js';
import { keepsAlive, missingHeadBytes, parseHead, type ResponseHead } from './response-wire.js';

/** What is asked of the proxy, and how far the authentication has come; it can go over several connections. */
export interface Conversation {
  /** The first answer on each connection, for errors. */
  readonly expected: ExpectedAnswer;
  readonly authority: string;
  readonly headers: Headers;
  /** Gets the user name and password when they are first needed: they may be asked from the user. */
  readonly getCredentials: () => Promise<Credentials | undefined>;
  /** Where the hop has them; a URL's are sent to a proxy that refuses without a challenge, as curl sends them unasked. */
  readonly credentialSource: 'options' | 'url' | undefined;
  readonly schemes: readonly AuthenticationScheme[];
  readonly context: DialContext;
  readonly clock: Clock;
  /** What {@link getCredentials} gave. */
  credentials: Credentials | undefined;
  /** The next request's Proxy-Authorization. */
  authorization: string | undefined;
  /** Refusals answered so far. */
  round: number;
  /** A request was sent on a connection that had already carried one and no byte of its response has come. */
  isReusing: boolean;
}

/** Whether the tunnel is open, or the proxy wants the next request on a new connection. */
type Outcome = 'open' | 'reconnect';

/**
 * Asks for the tunnel on one connection. Resolves to `open` when it is open and not a byte of it has been read, or to
 * `reconnect` when the next request (with the authorization now in `conversation`) needs a new connection.
 *
 * @throws FdpassError for a refusal, with the proxy's words.
 */
export function talk(peer: Connection, conversation: Conversation, report: HandshakeReport): Promise<Outcome> {
  const { authority, headers, authorization } = conversation;
  return peer
    .write(encodeConnect(authority, headers, authorization))
    .then(() => {
      if (!report.isQuiet) {
        const [requestLine = '', ...fields] = showConnect(authority, headers, authorization);
        report.sent(requestLine, fields);
      }
      return readFinalHead(peer, conversation, report);
    })
    .then((head) => {
      conversation.isReusing = false;
      // RFC 9110 §9.3.6: any 2xx opens the tunnel; Content-Length and Transfer-Encoding mean nothing in it.
      return head.status >= 200 && head.status < 300 ? 'open' : goOn(peer, head, conversation, report);
    });
}

/** After a refusal. */
async function goOn(
  peer: Connection,
  head: ResponseHead,
  conversation: Conversation,
  report: HandshakeReport,
): Promise<Outcome> {
  if (!(await authorize(head, conversation))) throw await refused(peer, head, conversation);
  if (!keepsAlive(head) || !(await drainBody(peer, head, conversation.clock))) return 'reconnect';
  conversation.isReusing = true;
  return talk(peer, conversation, report);
}

/** A proxy is silent while it connects to the target, so silence says little about it. */
export function expectedOf(proxy: Target): ExpectedAnswer {
  const hint = 'check that it is an HTTP proxy, not a SOCKS or TLS one, and that the target answers';
  return { peer: proxy, what: 'HTTP response', hint };
}

/**
 * The head of the final response; interim ones (1xx) are passed over.
 *
 * @param passed How many interim ones came before.
 */
function readFinalHead(
  peer: Connection,
  conversation: Conversation,
  report: HandshakeReport,
  passed = 0,
): Promise<ResponseHead> {
  const answer = peer.readThrough(missingHeadBytes, MAX_HEAD_BYTES, "the proxy's response");
  return firstAnswer(answer, conversation.expected).then((bytes) => {
    const head = parseHead(bytes);
    if (!report.isQuiet) {
      const [statusLine = '', ...fields] = showHead(head, maskOf(conversation));
      report.received(statusLine, fields);
    }
    if (head.status >= 200) return head;
    if (head.status === 101) throw refusal(head, { mask: maskOf(conversation) }); // nobody asked for another protocol
    if (passed === MAX_INTERIM_RESPONSES)
      throw new FdpassError('protocol', 'the proxy sends endless interim responses');
    return readFinalHead(peer, conversation, report, passed + 1);
  });
}

/** Whether the refusal is about authentication and the next request has an answer to it. @throws FdpassError where it cannot have one */
async function authorize(head: ResponseHead, conversation: Conversation): Promise<boolean> {
  const challenges = head.status === 407 ? parseChallenges(head.headers.get('proxy-authenticate') ?? []) : [];
  const answer =
    challenges.length === 0
      ? await volunteerBasic(head.status, conversation)
      : await answerChallenges(challenges, conversation);
  if (answer === undefined) return false;
  conversation.authorization = answer;
  conversation.round++;
  return true;
}

async function answerChallenges(challenges: readonly Challenge[], conversation: Conversation): Promise<string> {
  const { schemes, authority, context, round } = conversation;
  const candidates = answerable(challenges, schemes);
  if (candidates.length === 0) throw unanswerable(challenges); // before anyone is asked for a password
  conversation.credentials = await conversation.getCredentials();
  const { credentials } = conversation;
  const answer =
    round < MAX_AUTHENTICATION_ROUNDS
      ? await answerFirst(candidates, { credentials, authority, round, signal: context.signal })
      : undefined;
  if (answer !== undefined) return answer;
  if (credentials === undefined) throw unauthenticated(challenges);
  throw round > 0 ? refusedCredentials(407) : unanswerable(challenges);
}

/** Refusals by which a proxy can mean that it wants a password, without saying so properly. */
const IMPROPER = new Set([401, 405, 407]);

/** Basic, once, for a refusal without a challenge, if the URL has a user name and a password. */
async function volunteerBasic(status: number, conversation: Conversation): Promise<string | undefined> {
  if (!IMPROPER.has(status) || conversation.round > 0 || conversation.credentialSource !== 'url') return undefined;
  conversation.credentials = await conversation.getCredentials();
  return conversation.credentials && encodeBasic(conversation.credentials);
}

/** The error for a refusal, with what the proxy says about it. */
async function refused(peer: Connection, head: ResponseHead, conversation: Conversation): Promise<FdpassError> {
  const { round, clock } = conversation;
  if (round > 0 && (head.status === 401 || head.status === 407)) return refusedCredentials(head.status);
  const mask = maskOf(conversation);
  const page = quotePage(await readExcerpt(peer, head, clock), head, mask);
  return refusal(head, { page, hint: passwordHint(head.status, conversation), mask });
}

function passwordHint(status: number, { round, credentialSource }: Conversation): string | undefined {
  if (IMPROPER.has(status) && round === 0 && credentialSource === 'options')
    return 'set "auth: basic" if this proxy wants the password without asking';
  return status === 407 ? 'add "credentials" and "auth: basic" to the hop if it wants a password' : undefined;
}

/** Some proxies repeat the request; what we sent in confidence must not come back in an error. */
function maskOf({ authorization, credentials, headers }: Conversation): (text: string) => string {
  const secrets = [authorization?.split(' ').at(-1), credentials?.password, ...Object.values(headers)];
  // A character of a response is one octet until its charset is known.
  const forms = secrets.flatMap((secret) =>
    secret === undefined || secret.length < 4 ? [] : [secret, octetsOf(secret).toString('latin1')],
  );
  return (text) => forms.reduce((masked, secret) => masked.replaceAll(secret, '***'), text);
}
