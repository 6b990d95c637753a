import { FdpassError } from '../ground/errors.js';
import { contains, type IpAddress, type Network, parseNetwork } from '../ground/ip.js';
import { fromSystemError } from '../ground/system-error.js';

/** One network of a `localNetwork` matcher. */
export interface LocalNetwork {
  /** Written with a leading `!`: we must not be in it. */
  readonly negated: boolean;
  readonly network: Network;
}

/** `192.168.1.0/24`, a single address, or either with `!` before it. @throws FdpassError `config` */
export function parseLocalNetwork(source: string): LocalNetwork {
  const negated = source.startsWith('!');
  const network = parseNetwork(negated ? source.slice(1) : source);
  if (typeof network !== 'string') return { negated, network };
  throw new FdpassError('config', network, { hint: 'write an address and a length, e.g. "192.168.1.0/24"' });
}

/**
 * Whether this machine is where the list says: none of its addresses is in a negated network, and one of them is in a
 * positive one. A list of only negated networks means "anywhere else".
 */
export function matchLocalNetworks(list: readonly LocalNetwork[], own: readonly IpAddress[]): boolean {
  const inside = ({ network }: LocalNetwork): boolean => own.some((address) => contains(network, address));
  const positive = list.filter(({ negated }) => !negated);
  return (positive.length === 0 || positive.some(inside)) && !list.some((item) => item.negated && inside(item));
}

/** The addresses of this machine's interfaces that are up. @throws FdpassError if the system does not tell. */
export function ownAddresses(): readonly string[] {
  try {
    const { networkInterfaces } = process.getBuiltinModule('node:os'); // few rules ask for them
    return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  } catch (error) {
    throw fromSystemError(error, 'cannot list the addresses of this machine');
  }
}
