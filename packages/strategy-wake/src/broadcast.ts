import type { NetworkInterfaceInfo } from 'node:os';
import { ipv4Bytes } from '@fdpass/core';

/** All hosts of the network that this machine is in; only one interface sends it. */
const LIMITED = '255.255.255.255';

/** A network has room for a broadcast address if it has more hosts than two (RFC 3021). */
const LONGEST_PREFIX = 30;

/**
 * The broadcast addresses of the networks that interfaces are in, each once, since a packet to 255.255.255.255 leaves by one
 * interface only; that address where there is none.
 *
 * @param interfaces As `networkInterfaces()` of `node:os` gives them.
 */
export function broadcastAddresses(
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): string[] {
  const addresses = Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .filter(({ family, internal, cidr }) => family === 'IPv4' && !internal && prefixOf(cidr) <= LONGEST_PREFIX)
    .map(({ address, netmask }) => lastAddress(ipv4Bytes(address), ipv4Bytes(netmask)));
  return addresses.length === 0 ? [LIMITED] : [...new Set(addresses)];
}

function prefixOf(cidr: string | null): number {
  return Number(cidr?.split('/')[1] ?? 32);
}

function lastAddress(address: Buffer, mask: Buffer): string {
  return [...address].map((byte, index) => byte | (~(mask[index] ?? 0) & 0xff)).join('.');
}
