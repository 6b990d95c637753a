import type { Where } from '../ground/errors.js';
import { canonicalAddress, contains, type IpAddress, type Network, parseIp } from '../ground/ip.js';
import { withoutRootDot } from '../ground/target.js';

/** What one pattern accepts. */
export type PatternTest =
  | { readonly kind: 'exact'; readonly text: string }
  | { readonly kind: 'glob'; readonly glob: string }
  /** `domain` and every name below it; written `.domain`. */
  | { readonly kind: 'below'; readonly domain: string }
  /** Addresses only, by value. With a zone, only that zone's. */
  | { readonly kind: 'network'; readonly network: Network; readonly zone?: string | undefined };

/** One pattern of a rule, ready to match. */
export interface Pattern {
  /** As it was written. */
  readonly source: string;
  /** Written with a leading `!`. */
  readonly negated: boolean;
  readonly test: PatternTest;
  /** Its line, if a file of patterns has it. */
  readonly where?: Where | undefined;
}

/** The patterns of one matcher; at least one is positive. */
export type PatternList = readonly Pattern[];

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** One network of a `localNetwork` matcher. */
export interface LocalNetwork {
  /** As it was written. */
  readonly source: string;
  /** Written with a leading `!`: we must not be in it. */
  readonly negated: boolean;
  readonly network: Network;
}

/** A text that patterns are matched against. */
export interface Subject {
  readonly text: string;
  /** Set if the text is an IP literal. */
  readonly ip: IpAddress | undefined;
  /** The zone of an IPv6 literal, e.g. `eth0`; interface names are case-sensitive. */
  readonly zone: string | undefined;
}

/** A host or alias to match: letters count in either case, an address by its value, and a dot at the end does not count. */
export function hostSubject(host: string): Subject {
  const ip = parseIp(canonicalAddress(host) ?? '');
  const percent = host.indexOf('%');
  return {
    text: withoutRootDot(host).toLowerCase(),
    ip,
    zone: ip === undefined || percent === -1 ? undefined : host.slice(percent + 1),
  };
}

/** A text to match as it is, for instance a user name. */
export function exactSubject(text: string): Subject {
  return { text, ip: undefined, zone: undefined };
}

/**
 * Whether a subject matches a list, as ssh's match_pattern_list has it: one pattern must match, and no negated one,
 * regardless of their order.
 */
export function matchPatterns(patterns: PatternList, subject: Subject): boolean {
  return (
    patterns.some((pattern) => !pattern.negated && accepts(pattern.test, subject)) &&
    !patterns.some((pattern) => pattern.negated && accepts(pattern.test, subject))
  );
}

/** Whether one pattern, regardless of its `!`, accepts a subject. */
export function accepts(test: PatternTest, subject: Subject): boolean {
  switch (test.kind) {
    case 'exact':
      return test.text === subject.text;
    case 'glob':
      return matchGlob(test.glob, subject.text);
    case 'below':
      return isBelow(subject.text, test.domain);
    case 'network':
      return (
        subject.ip !== undefined && contains(test.network, subject.ip) && (test.zone ?? subject.zone) === subject.zone
      );
  }
}

function isBelow(name: string, domain: string): boolean {
  const dot = name.length - domain.length - 1;
  return name.endsWith(domain) && (dot === -1 || name[dot] === '.');
}

/** Whether `port` lies in one of the ranges. */
export function matchPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some((range) => range.first <= port && port <= range.last);
}

/** Whether this machine is where the list says: none of its addresses is in a negated network, and one is in a positive one. */
export function matchLocalNetworks(list: readonly LocalNetwork[], own: readonly IpAddress[]): boolean {
  return matchConditions(list, ({ network }) => own.some((address) => contains(network, address)));
}

/**
 * Whether a list about this machine holds: no negated entry does, and one of the others. A list of only negated ones means
 * "anywhere else".
 */
export function matchConditions<Entry extends { readonly negated: boolean }>(
  list: readonly Entry[],
  holds: (entry: Entry) => boolean,
): boolean {
  const positive = list.filter(({ negated }) => !negated);
  return (positive.length === 0 || positive.some(holds)) && !list.some((entry) => entry.negated && holds(entry));
}

const STAR = 42; // *
const QUESTION = 63; // ?

/** Whether `text` has a wildcard of ssh_config's patterns in it. */
export function hasWildcard(text: string): boolean {
  return text.includes('*') || text.includes('?');
}

/**
 * Whether the whole of `text` matches `glob`: `*` is any number of characters, `?` is one (ssh_config(5), PATTERNS).
 *
 * Only the last `*` is ever tried again, so the time is at most the product of both lengths, however hostile the glob.
 */
export function matchGlob(glob: string, text: string): boolean {
  let at = 0;
  let starAt = -1; // the last star seen, and how much of the text it has taken so far
  let taken = 0;
  for (let i = 0; i < text.length; ) {
    const wanted = at < glob.length ? glob.charCodeAt(at) : -1;
    if (wanted === STAR) {
      starAt = at++;
      taken = i;
    } else if (wanted === QUESTION || wanted === text.charCodeAt(i)) {
      at++;
      i++;
    } else if (starAt !== -1) {
      at = starAt + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (glob.charCodeAt(at) === STAR) at++;
  return at === glob.length;
}
