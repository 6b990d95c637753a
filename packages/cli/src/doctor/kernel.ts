import { closeSync, existsSync, fstatSync, openSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { isFdpassError, messageOf, type TlsOptions } from '@fdpass/core';
import { kernelHasTls, loadSys, recvFd, type Sys, sendFd } from '@fdpass/core/sockets';
import { type Check, type Checked, error, type Finding, note } from './finding.js';
import type { Surroundings } from './surroundings.js';

const LIMIT_MS = 5000;

/** What the system can do: system calls, passing a descriptor, and what some routes need. */
export const kernel: Check = {
  name: 'kernel',
  async run(around): Promise<Checked> {
    const { sys, findings } = systemCalls();
    if (sys === undefined) return { facts: features(undefined), findings };
    const failure = await passDescriptor(sys);
    const passing = failure === undefined ? ['descriptors can be passed'] : [];
    const found = [...(failure === undefined ? [] : [failure]), ...(await missingTls(around))];
    return { facts: [...passing, ...features(sys)], findings: found };
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

/** The features that the kernel has and lacks; most people need none of them. */
function features(sys: Sys | undefined): string[] {
  const has: readonly (readonly [what: string, isThere: boolean])[] = [
    ['splice', sys?.splicing !== undefined],
    ['IPv6', hasIpv6()],
    ['vsock', existsSync('/dev/vsock')],
    ['kernel TLS', kernelHasTls()],
  ];
  const [there, missing] = [true, false].map((wanted) => has.flatMap(([what, is]) => (is === wanted ? [what] : [])));
  return [...(there?.length ? [there.join(', ')] : []), ...(missing?.length ? [`no ${missing.join(', no ')}`] : [])];
}

/** Whether an interface has an IPv6 address, be it that of loopback. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ family }) => family === 'IPv6'));
}

/** What a hop is that is reached over TLS, by its URL. */
const TLS_URL = /^(?:https|[a-z0-9]+\+tls):/i;

/** Where the configuration lets the kernel do TLS, and it cannot. All works, but relay processes stay. */
async function missingTls(around: Surroundings): Promise<Finding[]> {
  const framework = await around.framework();
  if (framework === undefined || kernelHasTls()) return [];
  const byDefault = framework.config?.defaults.tls.kernel === true;
  const hops = new Set<string>();
  await framework.router.check({
    see({ label = '', options: { url, tls } }) {
      const isWanted = (tls as TlsOptions | undefined)?.kernel ?? byDefault;
      if (isWanted && TLS_URL.test(String(url))) hops.add(label);
    },
  });
  return [...hops]
    .sort()
    .map((hop) =>
      note(`${hop}: a relay process does TLS, not the kernel (tls.kernel): it does not offer that`, TLS_FIX),
    );
}

const TLS_FIX =
  process.platform === 'linux' ? 'load its module, as root: modprobe tls' : 'leave "tls.kernel" out: only Linux has it';
