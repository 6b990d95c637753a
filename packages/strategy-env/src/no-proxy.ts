import { ipFamily, ipv4Bytes, ipv6Bytes } from '@fdpass/core';

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
  const [literal = '', length, ...rest] = entry.replace(/^\[(.*)\]$/, '$1').split('/');
  if (ipFamily(literal) !== ipFamily(address) || rest.length > 0) return false;
  const [base, ip] = [bytesOf(literal), bytesOf(address)];
  const width = base.length * 8;
  const bits = length === undefined ? width : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN;
  // Bits after the first `bits` are ignored, as curl does.
  return bits <= width && prefixOf(base, bits) === prefixOf(ip, bits);
}

function bytesOf(address: string): Buffer {
  return ipFamily(address) === 4 ? ipv4Bytes(address) : ipv6Bytes(address);
}

function prefixOf(bytes: Buffer, bits: number): bigint {
  return BigInt(`0x${bytes.toString('hex')}`) >> BigInt(bytes.length * 8 - bits);
}
