import { onAbort } from '../ground/clock.js';
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
const DNS_PORT = 53;

/** The address of a name server as `dns.setServers` takes it. Undefined for a text that is not one. */
export function parseNameServer(text: string): string | undefined {
  const [, bracketed, bare, port = String(DNS_PORT)] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const address = ipFamily(text) === 6 ? text : (bracketed ?? bare ?? '');
  const isRight = bracketed === undefined ? ipFamily(address) !== 0 : ipFamily(address) === 6;
  const number = ipFamily(text) === 6 ? DNS_PORT : Number(port);
  return isRight && number >= 1 && number <= 65535 ? formatHostPort(address, number) : undefined;
}

/** What a resolver of name servers is made of. */
export interface NameServers {
  /** As {@link parseNameServer} gives them, in the order in which they are asked. */
  readonly servers: readonly string[];
  /** Sorts addresses of both families. */
  readonly compareAddresses: CompareAddresses;
  /** For names that no name server has: `localhost` and what ends in it (RFC 6761, section 6.3). */
  readonly otherwise: Resolver;
}

/** A resolver that asks these name servers and nothing else: neither /etc/hosts nor those of the system. */
export function nameServerResolver({ servers, compareAddresses, otherwise }: NameServers): Resolver {
  const resolve: Resolver = async (host, family, signal) => {
    signal.throwIfAborted();
    if (/(?:^|\.)localhost$/.test(withoutRootDot(host))) return otherwise(host, family, signal);
    const families: readonly Family[] = family === 0 ? [6, 4] : [family];
    const answers = await Promise.allSettled(families.map((each) => ask(host, each, servers, signal)));
    signal.throwIfAborted();
    const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (found.length > 0) return found.toSorted(compareAddresses);
    const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as unknown] : []));
    throw failure(host, family, errors.find((error) => !isNoRecord(error)) ?? errors[0], servers);
  };
  return Object.assign(resolve, { servers });
}

/** Asks one server after the other until one knows. Node itself takes a server's failure for an answer. */
async function ask(
  host: string,
  family: Family,
  [server = '', ...others]: readonly string[],
  signal: AbortSignal,
): Promise<HostAddress[]> {
  try {
    return await askOne(host, family, server, signal);
  } catch (error) {
    if (others.length === 0 || isNoRecord(error) || signal.aborted) throw error;
    return ask(host, family, others, signal);
  }
}

/** A resolver of its own for each question, so that it can be cancelled alone. */
async function askOne(host: string, family: Family, server: string, signal: AbortSignal): Promise<HostAddress[]> {
  const { Resolver: NodeResolver } = process.getBuiltinModule('node:dns').promises;
  const resolver = new NodeResolver({ timeout: TIMEOUT_MS, tries: TRIES });
  resolver.setServers([server]);
  const release = onAbort(signal, () => resolver.cancel());
  try {
    const name = withoutRootDot(host);
    const addresses = await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name));
    return addresses.map((address) => ({ family, host: address }));
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
