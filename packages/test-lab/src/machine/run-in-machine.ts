import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { temporaryFolder } from '../background.js';
import { findProgram } from '../peers.js';
import { type Finished, run } from '../processes.js';
import { type ArchiveEntry, archive, moduleFiles } from './initramfs.js';
import { findKernel, type Kernel, machineUnavailable } from './kernel.js';

/** How a virtual machine differs from the usual one. */
export interface Machine {
  /** Words for the kernel's command line, e.g. `ipv6.disable=1`. Default: none. */
  readonly kernelArguments?: readonly string[] | undefined;
}

/** How a command runs in a machine. */
export interface MachineRunOptions {
  /** All of its environment, besides PATH and HOME. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** A folder that the command can write to, at the same path. Default: what it writes is gone afterwards. */
  readonly shared?: string | undefined;
  /** After this the machine is killed, and the call rejects. Default 240,000. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 240_000;

/** What the machine needs before it sees our files. */
const FIRST_MODULES = ['virtio_pci', '9p', '9pnet_virtio', 'overlay'];

/**
 * Runs a command as root in a virtual machine with a kernel of its own, under QEMU, and ends the machine. No image is needed:
 * its root is that of this system, read-only (9p), and what it writes goes to its memory (an overlay). So node, sshd and the
 * built packages are there as they are here. Its only network is a loopback of its own.
 */
export async function runInMachine(
  machine: Machine,
  command: readonly [string, ...string[]],
  { env = {}, shared, timeoutMs = DEFAULT_TIMEOUT_MS }: MachineRunOptions = {},
): Promise<Finished> {
  const kernel = findKernel();
  if (kernel === undefined) throw new Error(machineUnavailable());
  const folder = temporaryFolder();
  const read = (name: string): string | undefined => {
    const path = join(folder.path, name);
    return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
  };
  try {
    writeFileSync(join(folder.path, 'initramfs'), initramfs(kernel));
    writeFileSync(join(folder.path, 'main'), mainScript(folder.path, command, env));
    const words = qemuWords(kernel, machine, { own: folder.path, ...(shared !== undefined && { shared }) });
    const { stdout, stderr } = await run('qemu-system-x86_64', words, { timeoutMs });
    const status = read('status');
    if (status === undefined) throw new Error(`the machine ended early\n${read('stderr')}\n${stdout}\n${stderr}`);
    return { status: Number(status), signal: null, stdout: read('stdout') ?? '', stderr: read('stderr') ?? '' };
  } finally {
    folder.remove();
  }
}

/** A small system that finds this one's root and goes on there. */
function initramfs(kernel: Kernel): Buffer {
  const modules = moduleFiles(kernel.modules, FIRST_MODULES).map((file) => ({
    path: `modules/${basename(file, extname(file) === '.ko' ? '' : extname(file))}`,
    content: decompressed(file),
  }));
  const order = modules.map(({ path }) => `/${path}\n`).join('');
  const folders = ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'memory', 'new'].map((path) => ({ path }));
  const files: ArchiveEntry[] = [
    { path: 'bin/busybox', content: readFileSync(findProgram('busybox') ?? '/bin/busybox') },
    { path: 'init', content: INIT },
    { path: 'modules/order', content: order },
  ];
  return archive([...folders, ...files, ...modules]);
}

function decompressed(file: string): Buffer {
  const program = { '.xz': 'xz', '.zst': 'zstd' }[extname(file)];
  if (program === undefined) return readFileSync(file);
  return execFileSync(program, ['-dc', file], { maxBuffer: 1 << 28, timeout: 10_000 });
}

const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module; do insmod "$module" || echo "cannot load $module"; done < /modules/order
OPTIONS=trans=virtio,version=9p2000.L,msize=512000
mount -t 9p -o "$OPTIONS,ro,cache=loose" root /host
mount -t tmpfs memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work root /new
for file in .bashrc .bash_profile .profile; do # shells in it are nobody's own
  if [ -e "/new/root/$file" ]; then : >"/new/root/$file"; fi
done
for folder in proc sys dev; do mount -o move "/$folder" "/new/$folder"; done
mkdir -p /new/dev/pts /new/dev/shm
mount -t devpts devpts /new/dev/pts
mount -t tmpfs shm /new/dev/shm
mount -t tmpfs run /new/run
ip link set lo up
for word in $(cat /new/proc/cmdline); do
  tag=\${word%%=*} path=\${word#*=}
  case $tag in
    fdpass.own|fdpass.shared)
      mkdir -p "/new$path"
      mount -t 9p -o "$OPTIONS" "\${tag#fdpass.}" "/new$path"
      [ "$tag" = fdpass.shared ] || OWN=$path ;;
    fdpass.modules)
      mkdir -p /new/lib/modules
      ln -s "$path" /new/lib/modules/ ;;
  esac
done
exec switch_root /new /bin/sh "$OWN/main"
`;

/** The first process of the machine from then on, so that the kernel too finds programs (modprobe) in that root. */
function mainScript(folder: string, command: readonly string[], env: Readonly<Record<string, string>>): string {
  const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const variables = Object.entries({ PATH: path, HOME: '/root', ...env });
  const file = (name: string): string => quoted(join(folder, name));
  return [
    'cd /',
    ...variables.map(([name, value]) => `export ${name}=${quoted(value)}`),
    `${command.map(quoted).join(' ')} > ${file('stdout')} 2> ${file('stderr')} < /dev/null`,
    `echo $? > ${file('status')}`,
    'sync',
    'busybox poweroff -f\n',
  ].join('\n');
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

/** @param folders What the machine can write to, by 9p's tags. */
function qemuWords(kernel: Kernel, machine: Machine, folders: Readonly<Record<string, string>>): string[] {
  const share = (tag: string, path: string, options: string): string[] => [
    ...['-fsdev', `local,id=${tag},path=${path},security_model=none,multidevs=remap${options}`],
    ...['-device', `virtio-9p-pci,fsdev=${tag},mount_tag=${tag}`],
  ];
  const places = Object.entries({ ...folders, modules: kernel.modules }).map(([tag, path]) => `fdpass.${tag}=${path}`);
  const line = ['console=ttyS0', 'quiet', 'loglevel=1', 'panic=-1', 'no_timer_check', ...places];
  return [
    // Emulated, though /dev/kvm is faster where it works: there are machines on which it hangs.
    ...['-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '2048'],
    ...['-nographic', '-no-reboot', '-nodefaults', '-serial', 'stdio'],
    ...['-kernel', kernel.image, '-initrd', join(folders['own'] ?? '', 'initramfs')],
    ...['-append', [...line, ...(machine.kernelArguments ?? [])].join(' ')],
    ...share('root', '/', ',readonly=on'),
    ...Object.entries(folders).flatMap(([tag, path]) => share(tag, path, '')),
    ...['-device', 'virtio-rng-pci'],
  ];
}
