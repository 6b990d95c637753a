/*
 * The wire format of the protocol, independent of any connection. Replace it with yours; this is the smallest example:
 *
 *   we:          CONNECT host port\n
 *   the gateway: OK\n          and the tunnel is open
 *             or ERR reason\n
 */

/** Longer than any sensible answer. */
export const MAX_REPLY_LENGTH = 512;

const NEWLINE = 0x0a;

export function encodeRequest(host: string, port: number): Buffer {
  return Buffer.from(`CONNECT ${host} ${port}\n`);
}

/**
 * How many bytes of a reply that begins with `soFar` can be read without taking one too many; 0 when it is complete. The
 * server beyond the gateway can send data at once, and bytes after the newline belong to it.
 */
export function missingOfReply(soFar: Buffer): number {
  return soFar.includes(NEWLINE) ? 0 : 1;
}

/** Why the gateway refused, or undefined if it did not. @throws Error for what is not a reply. */
export function refusalIn(reply: Buffer): string | undefined {
  const [word, ...reason] = reply.toString('utf8').trimEnd().split(' ');
  if (word === 'OK') return undefined;
  if (word === 'ERR') return reason.join(' ') || 'no reason given';
  throw new Error('neither OK nor ERR');
}
