import { BlockList } from 'node:net';
import { ipFamily } from '@fdpass/core';

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
  const [network = '', bits, ...rest] = entry.replace(/^\[(.*)\]$/, '$1').split('/');
  const family = ipFamily(network);
  if (family === 0 || family !== ipFamily(address)) return false;
  const width = family === 6 ? 128 : 32;
  const length = Number(bits ?? width);
  if (rest.length > 0 || !/^\d+$/.test(bits ?? '0') || length > width) return false;
  const list = new BlockList();
  list.addSubnet(network.split('%', 1)[0] ?? '', length, family === 6 ? 'ipv6' : 'ipv4');
  return list.check(address.split('%', 1)[0] ?? '', ipFamily(address) === 6 ? 'ipv6' : 'ipv4');
}
