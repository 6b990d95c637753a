// Installs the real programs that the tests talk to, from Debian's packages, where it may: on Debian, as root. Elsewhere
// it says what is missing; the tests that need it are skipped by name, or fail with FDPASS_REQUIRE_PEERS=1.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Each program the tests look for, and the Debian package that has it. */
export const PEERS = {
  ssh: 'openssh-client',
  sshd: 'openssh-server',
  nc: 'netcat-openbsd',
  danted: 'dante-server',
  microsocks: 'microsocks',
  tor: 'tor',
  tinyproxy: 'tinyproxy',
  squid: 'squid-openssl',
  ncat: 'ncat',
  socat: 'socat',
  rsync: 'rsync',
  git: 'git',
  ip: 'iproute2',
  ps: 'procps',
  unshare: 'util-linux',
  openssl: 'openssl',
  htpasswd: 'apache2-utils',
};

const FOLDERS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin'];
const POLICY = '/usr/sbin/policy-rc.d';

function isThere(program) {
  return FOLDERS.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** OpenBSD's nc, not the traditional one: only that passes descriptors. */
function missingPeers() {
  return Object.keys(PEERS).filter((program) => !isThere(program) || (program === 'nc' && !isOpenBsdNc()));
}

function isOpenBsdNc() {
  return /OpenBSD/.test(spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr ?? '');
}

function apt(...args) {
  return spawnSync('apt-get', ['-q', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 15 * 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
}

function install(programs) {
  const packages = [...new Set(programs.map((program) => PEERS[program]))];
  console.log(`peers: installing ${packages.join(' ')}`);
  // 101 forbids dpkg to start what it installs: the tests start their own, on ports of their own.
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    apt('update');
    const { status, stdout, stderr } = apt('install', '-y', '--no-install-recommends', ...packages);
    if (status !== 0) console.log(`peers: apt-get ended with ${status}\n${`${stdout}${stderr}`.slice(-2000)}`);
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

/** Installs what is missing and may be installed. Returns the programs still missing. */
export function installPeers() {
  const missing = missingPeers();
  if (missing.length === 0) return [];
  if (process.getuid?.() === 0 && isThere('apt-get')) install(missing);
  return missingPeers();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = installPeers();
  if (missing.length > 0)
    console.log(`peers: not installed: ${missing.map((program) => `${program} (${PEERS[program]})`).join(', ')}`);
  process.exit(missing.length > 0 && process.env.FDPASS_REQUIRE_PEERS === '1' ? 1 : 0);
}
