import { fromSystemError } from '../ground/system-error.js';

/** The addresses of this machine's interfaces that are up. @throws FdpassError if the system does not tell. */
export function ownAddresses(): readonly string[] {
  try {
    const { networkInterfaces } = process.getBuiltinModule('node:os'); // few rules ask for them
    return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  } catch (error) {
    throw fromSystemError(error, 'cannot list the addresses of this machine');
  }
}
