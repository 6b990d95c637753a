// A link to this machine on which packets travel for a while (delayed-link.py).
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('delayed-link.py', import.meta.url));
const NETWORK = '198.18.77'; // for benchmarks (RFC 2544)

/**
 * The address at its far end, where this machine answers on all ports that are open on all addresses; undefined where there can be
 * no such device, as for a user without CAP_NET_ADMIN.
 */
export async function startLink(oneWayMs) {
  const words = [SCRIPT, `fdpass${process.pid % 10_000}`, NETWORK, String(oneWayMs)];
  const child = spawn('python3', words, { stdio: ['pipe', 'pipe', 'ignore'] });
  const begun = once(child.stdout, 'data').then(() => true);
  const ended = Promise.race([once(child, 'error'), once(child, 'exit')]).then(() => false);
  if (!(await Promise.race([begun, ended]))) return undefined;
  return { farHost: `${NETWORK}.2`, close: () => child.stdin.end() };
}
