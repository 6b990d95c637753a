import { FdpassError } from '../ground/errors.js';
import { canonicalAddress, ipFamily, parseNetwork } from '../ground/ip.js';
import {
  hasWildcard,
  type LocalNetwork,
  type Pattern,
  type PatternList,
  type PatternTest,
  type PortRange,
} from './pattern.js';

/**
 * One pattern for hosts: ssh_config's `*`, `?` and `!`; `.example.com` for a domain and all below it; an address or a
 * network (`10.0.0.0/8`), which match addresses by value and never names. Letters count in either case.
 *
 * @throws FdpassError `config` for what could never match or surely means something else.
 */
export function parseHostPattern(source: string): Pattern {
  const { body, negated } = splitNegation(source);
  return { source, negated, test: addressTest(body) ?? nameTest(body, toAscii) };
}

/** One pattern for aliases: like a host's, but names are compared as they were typed. @throws FdpassError `config` */
export function parseAliasPattern(source: string): Pattern {
  const { body, negated } = splitNegation(source);
  return { source, negated, test: addressTest(body) ?? nameTest(body, (name) => name) };
}

/** One pattern for user names: `*`, `?` and `!`; upper and lower case differ. @throws FdpassError `config` */
export function parseUserPattern(source: string): Pattern {
  const { body, negated } = splitNegation(source);
  return { source, negated, test: textTest(body) };
}

/** A list that can match at all. @throws FdpassError `config` if all its patterns are negated or it is empty. */
export function patternList(patterns: readonly Pattern[]): PatternList {
  if (patterns.some((pattern) => !pattern.negated)) return patterns;
  if (patterns.length === 0)
    throw new FdpassError('config', 'an empty list matches nothing', { hint: 'leave it out to match everything' });
  throw new FdpassError('config', 'a list of only negated patterns matches nothing', {
    hint: 'add "*" for everything else',
  });
}

/** `22`, `"22"` or `"2200-2299"`. @throws FdpassError `config` */
export function parsePortRange(source: string | number): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(source));
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (first >= 1 && last <= 65535 && first <= last) return { first, last };
  throw new FdpassError('config', 'this is neither a port nor a range of ports', {
    hint: 'write a number from 1 to 65535 or a range as "2200-2299"',
  });
}

/** `192.168.1.0/24`, a single address, or either with `!` before it. @throws FdpassError `config` */
export function parseLocalNetwork(source: string): LocalNetwork {
  const negated = source.startsWith('!');
  const network = parseNetwork(negated ? source.slice(1) : source);
  if (typeof network !== 'string') return { source, negated, network };
  throw new FdpassError('config', network, { hint: 'write an address and a length, e.g. "192.168.1.0/24"' });
}

/** As almost every pattern is. A class of Unicode takes longer to compile than all the rest of one. */
const PLAIN = /^[\w.*?@/-]+$/;

function splitNegation(source: string): { body: string; negated: boolean } {
  const negated = source.startsWith('!');
  const body = negated ? source.slice(1) : source;
  if (body === '') throw refused('is not a pattern');
  if (body.startsWith('!')) throw refused('is negated twice');
  if (!PLAIN.test(body) && /[\s,\p{Cc}]/u.test(body))
    throw refused('has a space or a comma in it', 'write several patterns as a list: [a, b]');
  return { body, negated };
}

function textTest(text: string): PatternTest {
  return hasWildcard(text) ? { kind: 'glob', glob: text } : { kind: 'exact', text };
}

function addressTest(body: string): PatternTest | undefined {
  const bare = body.startsWith('[') && body.endsWith(']') ? body.slice(1, -1) : body;
  const [literal = '', length] = bare.split('/', 2);
  const address = length === undefined ? canonicalAddress(literal) : undefined;
  const isNetwork = length !== undefined && looksLikeNetwork(bare);
  if (address === undefined && ipFamily(literal) === 0 && !isNetwork) return undefined;
  const network = parseNetwork(address ?? bare);
  if (typeof network === 'string')
    throw new FdpassError('config', network, {
      hint: 'write an address and a length, e.g. 10.0.0.0/8 or 2001:db8::/32',
    });
  const zone = length === undefined ? literal.split('%', 2)[1] : undefined;
  return { kind: 'network', network, zone };
}

/** `10.0.0/24` and the like must be meant as networks. A name with a slash (unix/PATH) begins differently. */
function looksLikeNetwork(text: string): boolean {
  return /^(\d+(\.\d+)+|[\da-f]*:[\da-f:.]*)\/\d*$/i.test(text);
}

function nameTest(body: string, normalize: (name: string) => string): PatternTest {
  checkColons(body);
  const name = normalize(body.length > 1 && body.endsWith('.') ? body.slice(0, -1) : body).toLowerCase();
  if (!name.startsWith('.')) return textTest(name);
  const domain = name.slice(1);
  if (domain === '' || domain.startsWith('.')) throw refused('is not a domain');
  if (hasWildcard(domain))
    throw refused('has a leading dot and a wildcard', 'write two patterns, e.g. ["a*.example", "*.a*.example"]');
  return { kind: 'below', domain };
}

/** Only an IPv6 literal has colons; anything else with one is a port or a URL. */
function checkColons(body: string): void {
  const colons = body.split(':').length - 1;
  if (colons === 0) return;
  const before = body.split('%', 1)[0] ?? '';
  if (/^[^:]*:\d+$/.test(body)) throw refused('has a port in it', 'put the port under "port"');
  if (!/^[\da-f:.*?]+$/i.test(before))
    throw refused('is neither a host name nor an IPv6 address', 'give the name alone, without scheme and port');
  if (!hasWildcard(before)) throw refused('is not an IPv6 address');
}

/** International names as the A-labels (RFC 5891) that targets are normalised to, label by label because of wildcards. */
function toAscii(name: string): string {
  if (!/[^ -~]/.test(name)) return name;
  return name
    .split('.')
    .map((label) => {
      if (!/[^ -~]/.test(label)) return label;
      const ascii = hasWildcard(label) ? '' : process.getBuiltinModule('node:url').domainToASCII(label);
      if (ascii === '')
        throw refused(
          'mixes a wildcard with international letters, or is not a valid international name',
          'write the xn-- form',
        );
      return ascii;
    })
    .join('.');
}

function refused(why: string, hint?: string): FdpassError {
  return new FdpassError('config', `the pattern ${why}`, { hint });
}
