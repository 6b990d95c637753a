import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';

/** Two connected TCP sockets, ours made by a plain `net.connect`, as anybody's would be, and paused. */
export async function tcpPair(): Promise<{ readonly ours: Socket; readonly theirs: Socket }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const ours = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' }).pause();
  const [[theirs]] = (await Promise.all([once(server, 'connection'), once(ours, 'connect')])) as [[Socket], unknown];
  theirs.on('error', () => {});
  server.close();
  return { ours, theirs };
}

/** The next `length` bytes of a stream, as text. It stays as it is, whereas iterating would destroy it. */
export async function nextBytes(stream: Readable, length: number): Promise<string> {
  let bytes = Buffer.alloc(0);
  const take = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
  };
  stream.on('data', take).resume();
  while (bytes.length < length) await once(stream, 'data');
  stream.off('data', take).pause();
  return bytes.toString('latin1');
}

/** All that a stream gives until its end. */
export async function bytesToEnd(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** The same as text. */
export async function readToEnd(stream: AsyncIterable<unknown>): Promise<string> {
  return (await bytesToEnd(stream)).toString('latin1');
}
