import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../peers.js';

/** Where `scripts/install-kernel.mjs` unpacks kernels: a folder for each Debian suite. */
const KERNELS = '/var/lib/fdpass-tests/kernels';

/** A kernel that a virtual machine can boot. */
export interface Kernel {
  /** As uname(1) shows it, e.g. `6.1.0-56-amd64`. */
  readonly release: string;
  /** What QEMU boots. */
  readonly image: string;
  /** Its modules, as /lib/modules/RELEASE has them. */
  readonly modules: string;
}

/** @param suite Debian's name for a set of packages. Default: FDPASS_TEST_KERNEL, else `default`, which is this system's own. */
export function findKernel(suite: string = process.env['FDPASS_TEST_KERNEL'] ?? 'default'): Kernel | undefined {
  const folder = join(KERNELS, suite);
  const release = join(folder, 'release'); // written last
  if (!existsSync(release)) return undefined;
  const name = readFileSync(release, 'utf8').trim();
  return { release: name, image: join(folder, 'vmlinuz'), modules: join(folder, 'lib/modules', name) };
}

/** The machine has this one's programs, so it is of the same kind. */
const ARCHITECTURE = 'x64';

/** Why no virtual machine can run here; undefined if one can. */
export function machineUnavailable(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== ARCHITECTURE) return 'the machine is one of Linux on x64';
  const missing = ['qemu-system-x86_64', 'busybox', 'modprobe'].filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return `not installed: ${missing.join(', ')}`;
  return findKernel() === undefined ? 'there is no kernel to boot: see scripts/install-kernel.mjs' : undefined;
}
