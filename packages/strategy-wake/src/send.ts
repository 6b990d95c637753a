import type { Socket } from 'node:dgram';
import { FdpassError, formatHostPort, fromSystemError, ipFamily } from '@fdpass/core';

/** Where a packet goes. */
export interface Destination {
  /** An address, often that of all hosts of a network. */
  readonly host: string;
  readonly port: number;
}

/**
 * Sends packets to all destinations, which takes no time: nothing is looked up, and no answer comes.
 *
 * @throws FdpassError if the system refuses one, which says more than the silence of the host would.
 */
export async function sendPackets(packets: readonly Buffer[], destinations: readonly Destination[]): Promise<void> {
  const { createSocket } = await import('node:dgram'); // most dials find their host awake
  for (const destination of destinations) {
    const isIpv4 = ipFamily(destination.host) === 4;
    const socket = createSocket(isIpv4 ? 'udp4' : 'udp6');
    try {
      await bind(socket);
      if (isIpv4) socket.setBroadcast(true); // which Linux takes only after bind
      for (const packet of packets) await send(socket, packet, destination);
    } catch (cause) {
      const { code, message, hint } = fromSystemError(cause);
      const to = formatHostPort(destination.host, destination.port);
      throw new FdpassError(code, `cannot send a magic packet to ${to}: ${message}`, { hint, cause });
    } finally {
      socket.close();
    }
  }
}

function bind(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject).bind(0, resolve);
  });
}

function send(socket: Socket, packet: Buffer, { host, port }: Destination): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(packet, port, host, (error) => (error ? reject(error) : resolve()));
  });
}
