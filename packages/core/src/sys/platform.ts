import { existsSync } from 'node:fs';
import { FdpassError } from '../ground/errors.js';
import { constantsFor, layoutFor, type MessageLayout, type PlatformName, type SocketConstants } from './layouts.js';

/** This machine's layout and constants. */
export interface Platform {
  readonly name: PlatformName;
  readonly layout: MessageLayout;
  readonly constants: SocketConstants;
}

const NARROW = new Set(['arm', 'ia32', 'mips', 'mipsel', 'ppc', 's390']);

/** @throws FdpassError `internal` on a platform that is not supported. */
export function detectPlatform(): Platform {
  const name = platformName();
  const layout = name && layoutFor(name, NARROW.has(process.arch) ? 4 : 8, isLittleEndian());
  if (name !== undefined && layout !== undefined) return { name, layout, constants: constantsFor(name) };
  throw new FdpassError('internal', `descriptors cannot be passed on ${process.platform} ${process.arch}`, {
    hint: 'use --stdio: only Linux, macOS and FreeBSD can pass descriptors',
  });
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}

function platformName(): PlatformName | undefined {
  if (process.platform === 'linux' || process.platform === 'android') return isMusl() ? 'linux-musl' : 'linux-glibc';
  return process.platform === 'darwin' || process.platform === 'freebsd' ? process.platform : undefined;
}

/** Node's own program is linked to a C library; on musl that is the loader /lib/ld-musl-ARCH.so.1, which glibc systems rarely have. */
function isMusl(): boolean {
  const arch = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i386', arm: 'armhf' }[process.arch as string] ?? process.arch;
  if (!existsSync(`/lib/ld-musl-${arch}.so.1`)) return false;
  // Both may be installed. The report asks the loaded C library itself; it is slow, so only asked in this case.
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime === undefined;
}
