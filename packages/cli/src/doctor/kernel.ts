import { closeSync, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isFdpassError, messageOf } from '@fdpass/core';
import { loadSys, recvFd, type Sys, sendFd } from '@fdpass/core/sockets';
import { type Check, type Checked, error, type Finding } from './finding.js';

const LIMIT_MS = 5000;

/** What the system can do: system calls, passing a descriptor, and what some routes need. */
export const kernel: Check = {
  name: 'kernel',
  async run(): Promise<Checked> {
    const { sys, findings } = systemCalls();
    if (sys === undefined) return { facts: features(undefined), findings };
    const failure = await passDescriptor(sys);
    const passing = failure === undefined ? ['descriptors can be passed'] : [];
    return { facts: [...passing, ...features(sys)], findings: failure === undefined ? [] : [failure] };
  },
};

function systemCalls(): { readonly sys: Sys | undefined; readonly findings: readonly Finding[] } {
  try {
    return { sys: loadSys(), findings: [] };
  } catch (cause) {
    const fix = (isFdpassError(cause) && cause.hint) || 'install fdpass again, for this system';
    return { sys: undefined, findings: [error(`descriptors cannot be passed: ${messageOf(cause)}`, fix)] };
  }
}

/** Passes a descriptor as ssh gets one, and looks whether it is the same file. */
async function passDescriptor(sys: Sys): Promise<Finding | undefined> {
  const [ours, theirs] = sys.socketpair();
  const fd = openSync('/dev/null', 'r');
  try {
    await sendFd(ours, fd, { sys });
    const received = await recvFd(theirs, { sys, signal: AbortSignal.timeout(LIMIT_MS) });
    const isSame = fstatSync(received).rdev === fstatSync(fd).rdev;
    sys.close(received);
    if (isSame) return undefined;
    return error('a descriptor that is passed arrives as another one', 'check the sandbox that fdpass runs in');
  } catch (cause) {
    return error(
      `no descriptor can be passed: ${messageOf(cause)}`,
      'check the sandbox or container that fdpass runs in',
    );
  } finally {
    closeSync(fd);
    sys.close(ours);
    sys.close(theirs);
  }
}

/** What is there and what is not; most people need none of it. */
function features(sys: Sys | undefined): string[] {
  const has: readonly (readonly [what: string, isThere: boolean])[] = [
    ['splice', sys?.splicing !== undefined],
    ['IPv6', hasIpv6()],
    ['vsock', existsSync('/dev/vsock')],
    ['kernel TLS', hasKernelTls()],
  ];
  const [there, missing] = [true, false].map((wanted) => has.flatMap(([what, is]) => (is === wanted ? [what] : [])));
  return [...(there?.length ? [there.join(', ')] : []), ...(missing?.length ? [`no ${missing.join(', no ')}`] : [])];
}

/** Whether an interface has an IPv6 address, be it that of loopback. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'));
}

/** The modules that can take a TCP connection over (tcp(7), TCP_ULP). */
function hasKernelTls(): boolean {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_available_ulp', 'utf8').split(/\s/).includes('tls');
  } catch {
    return false;
  }
}
