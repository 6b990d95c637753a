import { canonicalAddress, ipFamily, ipv4Bytes, ipv6Bytes } from '@fdpass/core';

/**
 * The entry of NO_PROXY that exempts `host`, by curl's rules; undefined if none does: names match themselves and what is below them, with or without a
 * leading dot; addresses match by value, however they are written, or by CIDR; `*` alone matches all. Names are never
 * resolved for this.
 */
export function findExemption(host: string, noProxy: string): string | undefined {
  const entries = noProxy.split(/[\s,]+/).filter(Boolean);
  if (entries.length === 1 && entries[0] === '*') return '*';
  const name = host.replace(/\.$/, '').toLowerCase();
  const address = canonicalAddress(name);
  return entries.find((entry) => (address === undefined ? matchesName(name, entry) : matchesAddress(address, entry)));
}

function matchesName(name: string, entry: string): boolean {
  const suffix = entry.toLowerCase().replace(/^\./, '').replace(/\.$/, '');
  return suffix !== '' && (name === suffix || name.endsWith(`.${suffix}`));
}

function matchesAddress(address: string, entry: string): boolean {
  const [written = '', length, ...rest] = entry.replace(/^\[(.*)\]$/, '$1').split('/');
  const literal = canonicalAddress(written) ?? '';
  if (ipFamily(literal) !== ipFamily(address) || rest.length > 0) return false;
  const [base, ip] = [bytesOf(literal), bytesOf(address)];
  if (length === undefined) return base.equals(ip);
  if (ipFamily(written) === 0 || !/^\d{1,3}$/.test(length)) return false; // 10.1/16 can mean two networks
  const width = base.length * 8;
  const bits = Number(length) - (ipFamily(written) === 6 ? 128 - width : 0); // ::ffff:10.0.0.0/104 is 10.0.0.0/8
  // Bits after the first `bits` are ignored, as curl does.
  return bits >= 0 && bits <= width && prefixOf(base, bits) === prefixOf(ip, bits);
}

function bytesOf(address: string): Buffer {
  return ipFamily(address) === 4 ? ipv4Bytes(address) : ipv6Bytes(address);
}

function prefixOf(bytes: Buffer, bits: number): bigint {
  return BigInt(`0x${bytes.toString('hex')}`) >> BigInt(bytes.length * 8 - bits);
}
