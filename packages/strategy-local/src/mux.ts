import { type Connection, FdpassError, type HandshakeReport, oneLine } from '@fdpass/core';

const LF = 0x0a;
const MAX_LINE = 64;

/**
 * Asks a virtual machine's monitor, over its multiplexed unix socket, for a port of the guest: `CONNECT PORT`, answered by
 * `OK HOSTPORT` and then the guest's own bytes (Firecracker, docs/vsock.md; cloud-hypervisor the same).
 */
export async function askForPort(monitor: Connection, port: number, report: HandshakeReport): Promise<void> {
  await monitor.write(Buffer.from(`CONNECT ${port}\n`));
  report.sent(`CONNECT ${port}`);
  // The answer ends with a line feed; a byte more would be the guest's.
  const answer = await monitor.readThrough((soFar) => (soFar.at(-1) === LF ? 0 : 1), MAX_LINE, "the monitor's answer");
  const text = oneLine(answer.toString('latin1'));
  report.received(text);
  if (/^OK \d+\r?\n$/.test(answer.toString('latin1'))) return;
  throw new FdpassError('protocol', `the monitor answered ${JSON.stringify(text)} instead of OK`, {
    hint: `check that something listens on port ${port} in the guest`,
  });
}
