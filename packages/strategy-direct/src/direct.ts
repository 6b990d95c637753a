import {
  allowedFamily,
  type Connection,
  connectFailed,
  type DialContext,
  formatHostPort,
  type HostAddress,
  literalAddress,
  type SocketAddress,
  type Strategy,
  unixPath,
} from '@fdpass/core';
import type { DirectOptions } from './options.js';

/** One connect() to one address: the first that the system's resolver gives. */
export const direct: Strategy<DirectOptions> = {
  name: 'direct',
  firstOnly: true,
  targets: ['host', 'unix'],
  optionsSchema: async () => (await import('./options.js')).optionsSchema,
  create({ host: ownHost, port: ownPort, family, ...own }, host) {
    const socket = { ...host.socketDefaults, ...own };
    const allowed = allowedFamily(family, socket.bindAddress);

    return {
      async dial(target, context) {
        const name = ownHost ?? target.host;
        const port = ownPort ?? target.port;
        const path = unixPath(name);
        if (path !== undefined) return connect(path, path, { path }, context);
        const { family: found, host: address } = literalAddress(name, allowed) ?? (await firstAddress(name, context));
        const place = { family: found, host: address, port };
        return connect(formatHostPort(name, port), formatHostPort(address, port), place, context);
      },
    };

    /** The first address is the one that getaddrinfo(3) thinks best (RFC 6724). */
    async function firstAddress(name: string, context: DialContext): Promise<HostAddress> {
      const [first] = await host.lookUp(name, allowed, context);
      return first as HostAddress; // there is at least one
    }

    /** One attempt is a race of one. */
    function connect(place: string, label: string, address: SocketAddress, context: DialContext): Promise<Connection> {
      const open = (inner: DialContext): Promise<Connection> =>
        host.open(address, 'path' in address ? {} : socket, inner);
      return host.race(
        [{ label, open }],
        { of: 'address', lost: (failures) => connectFailed(place, failures) },
        context,
      );
    }
  },
};
