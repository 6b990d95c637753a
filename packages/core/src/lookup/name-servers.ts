import { type AbortState, makeAbortable, onAbort } from '../ground/abortable.js';
import { type Clock, pause } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { ipFamily } from '../ground/ip.js';
import { errnoName } from '../ground/system-error.js';
import { formatHostPort, withoutRootDot } from '../ground/target.js';
import type { CompareAddresses } from './preference.js';
import { type Family, type HostAddress, lookingUp, lookupError, type Resolver } from './resolver.js';

/*
 * Names that certain name servers know and those of the system do not, or know differently (split DNS).
 */

/** For the first question to a server. It is asked once more, and then has longer. */
const TIMEOUT_MS = 1000;
const TRIES = 2;
/** Then the next server is asked too. One that knows, or asks another one that does, has answered by then. */
const NEXT_SERVER_MS = 500;
const DNS_PORT = 53;

/** The address of a name server as `dns.setServers` takes it. Undefined for a text that is not one. */
export function parseNameServer(text: string): string | undefined {
  const [, bracketed, bare, port = String(DNS_PORT)] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = ipFamily(text) === 6 ? text : (bracketed ?? bare ?? '');
  const isRight = bracketed === undefined ? ipFamily(address) !== 0 : ipFamily(address) === 6;
  const number = ipFamily(text) === 6 ? DNS_PORT : Number(port);
  return isRight && number >= 1 && number <= 65535 ? formatHostPort(address, number) : undefined;
}

/** What a resolver of name servers needs of a framework's services. */
export interface NameServices {
  /** What the delay between two servers runs on. */
  readonly clock: Clock;
  /** Sorts addresses of both families. */
  readonly compareAddresses: CompareAddresses;
  /** For names that no name server has: `localhost` and what ends in it (RFC 6761, section 6.3). */
  readonly resolve: Resolver;
  /** Remembers which server has answered. */
  readonly winners: { of(key: string): Winner };
}

interface Winner {
  readonly last: string | undefined;
  readonly won: (server: string) => void;
}

/**
 * A resolver that asks these name servers and nothing else: neither /etc/hosts nor those of the system.
 *
 * @param servers As {@link parseNameServer} gives them, in the order in which they are asked; the one that answered last is first.
 */
export function nameServerResolver(servers: readonly string[], services: NameServices): Resolver {
  const { compareAddresses, resolve: otherwise, winners } = services;
  const resolve: Resolver = async (host, family, state) => {
    state.throwIfAborted();
    if (/(?:^|\.)localhost$/.test(withoutRootDot(host))) return otherwise(host, family, state);
    const families: readonly Family[] = family === 0 ? [6, 4] : [family];
    const winner = winners.of(`dns ${servers.join(' ')}`);
    const order = servers.toSorted((a, b) => Number(b === winner.last) - Number(a === winner.last));
    const answers = await Promise.allSettled(
      families.map((each) => ask({ host, family: each, winner, clock: services.clock }, order, state)),
    );
    state.throwIfAborted();
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found.toSorted(compareAddresses);
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
    throw failure(host, family, errors.find((error) => !isNoRecord(error)) ?? errors[0], servers);
  };
  return Object.assign(resolve, { servers });
}

interface Question {
  readonly host: string;
  readonly family: Family;
  readonly winner: Winner;
  readonly clock: Clock;
}

/** Asks the servers until one answers; that there is no such address is an answer. */
async function ask(question: Question, servers: readonly string[], state: AbortState): Promise<HostAddress[]> {
  const over = makeAbortable();
  const release = onAbort(state, (reason) => over.abort(reason));
  try {
    const { server, addresses, error } = await firstAnswer(question, servers, over.signal);
    question.winner.won(server);
    if (error !== undefined) throw error;
    return addresses;
  } finally {
    release();
    over.abort(new Error('answered'));
  }
}

interface Answer {
  readonly server: string;
  readonly addresses: HostAddress[];
  /** That there are none. */
  readonly error?: unknown;
}

/**
 * The answer of the server that is first to give one. Each has a head start before the next is asked, which ends when it fails:
 * Node itself takes a server's failure for an answer.
 */
async function firstAnswer(
  question: Question,
  [server = '', ...others]: readonly string[],
  signal: AbortSignal,
): Promise<Answer> {
  const asking = askOne(question, server, signal);
  if (others.length === 0) return asking;
  const settled = asking.then(
    () => true,
    () => false,
  );
  const isAnswered = await Promise.race([settled, pause(NEXT_SERVER_MS, question.clock, signal).then(() => false)]);
  if (isAnswered) return asking;
  return Promise.any([asking, firstAnswer(question, others, signal)]).catch((error: AggregateError) => {
    throw error.errors.at(-1);
  });
}

/** A resolver of its own for each question, so that it can be cancelled alone. */
async function askOne({ host, family }: Question, server: string, signal: AbortSignal): Promise<Answer> {
  const { Resolver: NodeResolver } = process.getBuiltinModule('node:dns').promises;
  const resolver = new NodeResolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers([server]);
  const release = onAbort(signal, () => resolver.cancel());
  try {
    const name = withoutRootDot(host);
    const addresses = await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name));
    return { server, addresses: addresses.map((address) => ({ family, host: address })) };
  } catch (error) {
    if (isNoRecord(error)) return { server, addresses: [], error };
    throw error;
  } finally {
    release();
  }
}

/** What a name server says of a name that does not exist, or has no address of that family. */
const NO_RECORD = new Set(['ENOTFOUND', 'ENODATA']);

function isNoRecord(error: unknown): boolean {
  return NO_RECORD.has(errnoName(error) ?? '');
}

function failure(host: string, family: Family | 0, cause: unknown, servers: readonly string[]): FdpassError {
  if (cause === undefined || isNoRecord(cause)) return lookupError(host, family, cause ?? { code: 'ENODATA' });
  const who = servers.length === 1 ? `the name server ${servers[0]}` : `the name servers ${servers.join(', ')}`;
  const name = errnoName(cause) ?? '';
  const doing = lookingUp(host);
  const hint = 'check that this machine can reach it';
  if (name === 'ETIMEOUT') return new FdpassError('timeout', `${doing}: no answer from ${who}`, { hint, cause });
  if (name === 'ECONNREFUSED')
    return new FdpassError('unreachable', `${doing}: nothing listens at ${who}`, { hint, cause });
  return new FdpassError('unknown-host', `${doing}: ${who} failed (${name.replace(/^E/, '')})`, {
    hint: 'check "dns"',
    cause,
  });
}
