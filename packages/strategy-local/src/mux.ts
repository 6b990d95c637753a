import type { Duplex } from 'node:stream';
import { type DialContext, dialUnix, FdpassError, handshake, oneLine } from '@fdpass/core';

const LF = 0x0a;
const MAX_LINE = 64;

/**
 * Connects to a port of a virtual machine through its monitor's multiplexed unix socket: `CONNECT PORT`, answered by
 * `OK HOSTPORT` and then the guest's own bytes (Firecracker, docs/vsock.md; cloud-hypervisor the same).
 */
export async function dialMux(path: string, port: number, context: DialContext): Promise<Duplex> {
  const socket = await dialUnix(path, context);
  const { stream } = await handshake(socket, context, async (peer) => {
    await peer.write(Buffer.from(`CONNECT ${port}\n`));
    // The answer ends with a line feed; a byte more would be the guest's.
    const answer = await peer.readThrough((soFar) => (soFar.at(-1) === LF ? 0 : 1), MAX_LINE, "the monitor's answer");
    if (!/^OK \d+\r?\n$/.test(answer.toString('latin1'))) throw refused(answer, port);
  });
  return stream;
}

function refused(answer: Buffer, port: number): FdpassError {
  const text = oneLine(answer.toString('latin1'));
  return new FdpassError('protocol', `the monitor answered ${JSON.stringify(text)} instead of OK`, {
    hint: `does something listen on port ${port} in the guest?`,
  });
}
