import { readFileSync } from 'node:fs';

/** Upper layer protocols that the kernel offers to TCP sockets now. Modules are not loaded for ordinary users. */
const AVAILABLE = '/proc/sys/net/ipv4/tcp_available_ulp';

/** Whether this kernel can do TLS on a TCP socket (Linux, with its module `tls` loaded). */
export function kernelHasTls(): boolean {
  try {
    return readFileSync(AVAILABLE, 'utf8').trim().split(' ').includes('tls');
  } catch {
    return false; // another system, or a sandbox that hides it
  }
}
