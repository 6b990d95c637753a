import {
  allowedFamily,
  type Connection,
  connectFailed,
  type DialContext,
  formatHostPort,
  literalAddress,
  type SocketAddress,
  type Strategy,
  type StrategyHost,
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
        const [address = { family: 4, host: name }] = await addressesOf(name, context);
        return connect(formatHostPort(name, port), formatHostPort(address.host, port), { ...address, port }, context);
      },
    };

    async function addressesOf(name: string, context: DialContext): ReturnType<StrategyHost['lookUp']> {
      const literal = literalAddress(name, allowed);
      return literal === undefined ? host.lookUp(name, allowed, context) : [literal];
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
