/*
 * What a sleeping network card listens for (AMD, "Magic Packet Technology", 1995): six bytes 0xff, and then its address sixteen
 * times, anywhere in a frame. By custom it is a UDP datagram to port 9, discard.
 */

const REPETITIONS = 16;
const SYNCHRONISATION = Buffer.alloc(6, 0xff);

/** As network cards print it, as Cisco and Windows write it, and bare. */
export const MAC: RegExp =
  /^(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}|[0-9a-f]{12})$/i;

/** The packet that wakes the card with this address, which {@link MAC} matches. */
export function magicPacket(mac: string): Buffer {
  const address = Buffer.from(mac.replace(/[:.-]/g, ''), 'hex');
  return Buffer.concat([SYNCHRONISATION, ...Array.from({ length: REPETITIONS }, () => address)]);
}
