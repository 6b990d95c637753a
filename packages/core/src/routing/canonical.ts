import type { Canonical } from '../config/schema.js';
import type { DialContext } from '../dial/dialer.js';
import { startDeadline } from '../ground/clock.js';
import { ipFamily } from '../ground/ip.js';
import { type Target, targetKind } from '../ground/target.js';
import { lookUp } from '../lookup/look-up.js';
import { nameServerResolver } from '../lookup/name-servers.js';
import type { Answers } from '../rules/answers.js';
import type { HostServices } from './strategy-host.js';

/** A target, and how it came to its name. */
export interface NamedTarget {
  readonly target: Target;
  /** The short name that it had. Absent if its name was complete already, or may have been. */
  readonly shortName?: string | undefined;
  /** What was looked up for that. Absent if nothing was. */
  readonly answers?: Answers | undefined;
}

/** For each domain. */
const LIMIT_MS = 2000;

/**
 * A target under its complete name: with the first domain where it has an address (ssh_config(5), CanonicalDomains). A target
 * stays as it is if its name is complete, or exists in none of the domains. As in ssh, a domain whose name servers do not answer
 * is passed over.
 *
 * @param known What another process has found out for this dial.
 * @throws The signal's reason on abort.
 */
export async function canonicalTarget(
  target: Target,
  canonical: Canonical,
  services: HostServices,
  context: DialContext,
  known: Answers = {},
): Promise<NamedTarget> {
  const { host } = target;
  if (!isShort(host, canonical)) return { target };
  const key = `canonical ${host}`;
  const whole = known[key]?.found ?? (await wholeName(host, canonical, services, context)) ?? host;
  const answers = { [key]: { holds: whole !== host, found: whole } };
  return whole === host ? { target, answers } : { target: { ...target, host: whole }, shortName: host, answers };
}

/** As with ssh's CanonicalizeMaxDots: a name that ends with a dot is complete, and so is one with more dots than that. */
function isShort(host: string, { maxDots }: Canonical): boolean {
  if (targetKind(host) !== 'host' || ipFamily(host) !== 0 || host.endsWith('.') || host === 'localhost') return false;
  return host.split('.').length - 1 <= maxDots;
}

async function wholeName(
  host: string,
  { domains, dns }: Canonical,
  services: HostServices,
  context: DialContext,
): Promise<string | undefined> {
  const { clock } = services;
  const resolve = dns === undefined ? services.resolve : nameServerResolver(dns, services);
  for (const domain of domains) {
    const name = `${host}.${domain}`;
    const deadline = startDeadline(LIMIT_MS, context.signal, clock);
    try {
      await lookUp(name, 0, { ...context, signal: deadline.signal }, { clock, resolve });
      return name;
    } catch {
      context.signal.throwIfAborted();
    } finally {
      deadline.release();
    }
  }
  return undefined;
}
