/** A port in network byte order. */
export function portBytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 0xff]);
}
