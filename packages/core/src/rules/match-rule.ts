import { type IpAddress, parseIp } from '../ground/ip.js';
import type { Target } from '../ground/target.js';
import { matchLocalNetworks } from './local-network.js';
import { exactSubject, hostSubject, matchPatterns, type PatternList, type Subject } from './pattern.js';
import { matchPort } from './ports.js';
import type { Matchers } from './rule.js';

/** A target, and what one routing decision has found out about it. */
export interface RouteSubject {
  readonly host: Subject;
  readonly port: number;
  readonly user: Subject | undefined;
  readonly alias: Subject | undefined;
  /** This machine's addresses, asked for at most once. */
  readonly own: () => readonly IpAddress[];
}

/** Prepares a target for matching; `localAddresses` is called only if a rule asks, and then once. */
export function routeSubject(target: Target, localAddresses: () => readonly string[]): RouteSubject {
  let own: readonly IpAddress[] | undefined;
  return {
    host: hostSubject(target.host),
    port: target.port,
    user: target.user === undefined ? undefined : exactSubject(target.user),
    alias: target.alias === undefined ? undefined : hostSubject(target.alias),
    own: () => (own ??= localAddresses().flatMap((address) => parseIp(address) ?? [])),
  };
}

/** The first matcher that does not hold, cheapest first; undefined if the rule matches. */
export function firstMismatch(rule: Matchers, subject: RouteSubject): string | undefined {
  if (rule.port !== undefined && !matchPort(rule.port, subject.port)) return 'port';
  if (rule.host !== undefined && !matchPatterns(rule.host, subject.host)) return 'host';
  return (
    mismatchOf('alias', rule.alias, subject.alias) ??
    mismatchOf('user', rule.user, subject.user) ??
    (rule.localNetwork === undefined || matchLocalNetworks(rule.localNetwork, subject.own())
      ? undefined
      : 'localNetwork')
  );
}

function mismatchOf(name: string, patterns: PatternList | undefined, subject: Subject | undefined): string | undefined {
  if (patterns === undefined) return undefined;
  if (subject === undefined) return `${name} (not given)`;
  return matchPatterns(patterns, subject) ? undefined : name;
}
