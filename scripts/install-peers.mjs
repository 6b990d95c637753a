// Installs the real programs that the tests talk to from Debian's packages, as root on Debian. Elsewhere it reports what is
// missing. The tests that need a missing program are skipped, or fail with FDPASS_REQUIRE_PEERS=1.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installKernel, KERNEL } from './install-kernel.mjs';

/** Each program or file the tests look for, and the Debian package that has it. */
export const PEERS = {
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  nc: 'netcat-openbsd',
  danted: 'dante-server',
  microsocks: 'microsocks',
  tor: 'tor',
  tinyproxy: 'tinyproxy',
  squid: 'squid-openssl',
  stunnel: 'stunnel4',
  haproxy: 'haproxy',
  apache2: 'apache2-bin',
  ncat: 'ncat',
  socat: 'socat',
  corkscrew: 'corkscrew',
  'connect-proxy': 'connect-proxy',
  proxytunnel: 'proxytunnel',
  rsync: 'rsync',
  git: 'git',
  ip: 'iproute2',
  ps: 'procps',
  dash: 'dash',
  busybox: 'busybox-static',
  unshare: 'util-linux',
  openssl: 'openssl',
  htpasswd: 'apache2-utils',
  tmux: 'tmux',
  mandoc: 'mandoc',
  zsh: 'zsh',
  fish: 'fish',
  initdb: 'postgresql',
  dbclient: 'dropbear-bin',
  tcpclient: 'ucspi-tcp',
  curl: 'curl',
  wget: 'wget',
  python3: 'python3',
  chromium: 'chromium',
  'redis-server': 'redis-server',
  gcc: 'gcc',
  strace: 'strace',
  // The virtual machine of packages/test-lab.
  ...(process.arch === 'x64' && {
    'qemu-system-x86_64': 'qemu-system-x86',
    modprobe: 'kmod',
    xz: 'xz-utils',
    [KERNEL]: 'linux-image-amd64',
  }),
  // Another processor, emulated for one program: packed-arm64.integration.spec.ts, agent-clients.integration.spec.ts.
  ...(process.arch === 'x64' && {
    'aarch64-linux-gnu-gcc': 'gcc-aarch64-linux-gnu',
    '/usr/aarch64-linux-gnu/include/unistd.h': 'libc6-dev-arm64-cross',
    'qemu-aarch64-static': 'qemu-user-static',
    '/usr/aarch64-linux-gnu/lib/libstdc++.so.6': 'libstdc++6-arm64-cross',
  }),
  '/usr/include/stdio.h': 'libc6-dev',
  '/usr/include/libssh/libssh.h': 'libssh-dev',
  '/usr/lib/python3/dist-packages/paramiko': 'python3-paramiko',
  '/usr/lib/python3/dist-packages/asyncssh': 'python3-asyncssh',
};

const POSTGRES = '/usr/lib/postgresql'; // one folder for each version, none of them in PATH
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT = '#!/bin/sh\n# Written by the tests of fdpass while they install packages.\nexit 101\n';

function isThere(program) {
  if (isAbsolute(program)) return existsSync(program);
  const versions = existsSync(POSTGRES) ? readdirSync(POSTGRES) : [];
  return [...FOLDERS, ...versions.map((version) => join(POSTGRES, version, 'bin'))].some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Programs that are there under the same name in another form, which the tests cannot use. */
const CHECKED = { nc: isOpenBsdNc, busybox: isStaticBusybox };

function missingPeers() {
  return Object.keys(PEERS).filter((program) => !isThere(program) || CHECKED[program]?.() === false);
}

/** OpenBSD's nc passes descriptors, the traditional one does not. */
function isOpenBsdNc() {
  const { stdout, stderr } = spawnSync('nc', ['-h'], { encoding: 'utf8', timeout: 10_000 });
  return /OpenBSD/.test(`${stdout}${stderr}`);
}

/** In the virtual machine it is all there is before it has found our files; the libraries of another would be missing. */
function isStaticBusybox() {
  return spawnSync('ldd', ['/bin/busybox'], { timeout: 10_000 }).status !== 0;
}

/** Runs apt-get and returns its output if it failed. */
function apt(...args) {
  // If another installation is under way, apt waits for its lock. Without a terminal no prompt can stop us.
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 15 * 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return status === 0 ? '' : `apt-get ${args.join(' ')} ended with ${status}\n${`${stdout}${stderr}`.slice(-2000)}`;
}

/** With 101 packages do not start what they install: the tests start their own servers, on ports of their own. */
function withoutServices(action) {
  const isTheirs = existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== POLICY_TEXT;
  if (!isTheirs) writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
  try {
    return action();
  } finally {
    if (!isTheirs) rmSync(POLICY, { force: true });
  }
}

/** Installs one by one if all together fails, since a distribution can lack one. Returns apt-get's complaints. */
function install(packages) {
  const command = ['install', '-y', '--no-install-recommends'];
  const complaint = apt('update');
  if (apt(...command, ...packages) === '') return '';
  return [complaint, ...packages.map((name) => apt(...command, name))].filter(Boolean).join('\n');
}

/** Installs what is missing, where it can. Returns the programs that are still missing. */
export function installPeers() {
  const missing = missingPeers();
  if (missing.length === 0 || process.getuid?.() !== 0 || !isThere('apt-get')) return missing;
  const packages = [...new Set(missing.filter((program) => program !== KERNEL).map((program) => PEERS[program]))];
  if (packages.length > 0) console.log(`peers: installing ${packages.join(' ')}`);
  const complaints = packages.length > 0 ? withoutServices(() => install(packages)) : '';
  if (missing.includes(KERNEL)) installKernel();
  const stillMissing = missingPeers();
  // dante's install script fails if its server cannot start, but the program is installed.
  if (stillMissing.length > 0) console.log(`peers: ${complaints}`);
  return stillMissing;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = installPeers();
  const names = missing.map((program) => `${program} (${PEERS[program]})`).join(', ');
  if (missing.length > 0) console.log(`peers: not installed: ${names}`);
  process.exit(missing.length > 0 && process.env.FDPASS_REQUIRE_PEERS === '1' ? 1 : 0);
}
