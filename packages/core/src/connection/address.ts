import { formatHostPort } from '../ground/target.js';

/** Where a socket connects to. */
export type SocketAddress =
  | {
      readonly family: 4 | 6;
      /** A literal; an IPv6 one may have a zone (`fe80::1%eth0`). */
      readonly host: string;
      readonly port: number;
    }
  | {
      /** A unix socket; an abstract one (unix(7)) begins with `@`. */
      readonly path: string;
    };

/** An address as it is shown, e.g. `[::1]:22`. */
export function formatAddress(address: SocketAddress): string {
  return 'path' in address ? address.path : formatHostPort(address.host, address.port);
}
