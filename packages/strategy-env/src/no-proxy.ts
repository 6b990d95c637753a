import { ipFamily, parseIp } from '@fdpass/core';

/**
 * Whether NO_PROXY exempts `host`, by curl's rules: names match themselves and what is below them, with or without a
 * leading dot; addresses match literally or by CIDR; `*` alone matches all. Names are never resolved for this.
 */
export function isExempt(host: string, noProxy: string): boolean {
  const entries = noProxy.split(/[\s,]+/).filter(Boolean);
  if (entries.length === 1 && entries[0] === '*') return true;
  const name = host.replace(/\.$/, '').toLowerCase();
  return entries.some((entry) => (ipFamily(name) === 0 ? matchesName(name, entry) : matchesAddress(name, entry)));
}

function matchesName(name: string, entry: string): boolean {
  const suffix = entry.toLowerCase().replace(/^\./, '').replace(/\.$/, '');
  return suffix !== '' && (name === suffix || name.endsWith(`.${suffix}`));
}

function matchesAddress(address: string, entry: string): boolean {
  const ip = parseIp(address);
  const [literal = '', length, ...rest] = entry.replace(/^\[(.*)\]$/, '$1').split('/');
  const base = parseIp(literal);
  if (ip === undefined || base === undefined || rest.length > 0) return false;
  // curl takes a network whose host bits are set; ours are strict, so they are cleared here.
  const bits = length === undefined ? base.bits : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  if (!(bits <= base.bits)) return false;
  const host = BigInt(base.bits - bits);
  return ip.bits === base.bits && ip.value >> host === base.value >> host;
}
