// Installs the real programs that the tests talk to, from Debian's packages, where it may: on Debian, as root. Elsewhere
// it says what is missing; the tests that need it are skipped by name, or fail with FDPASS_REQUIRE_PEERS=1.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
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
  initdb: 'postgresql',
};

const POSTGRES = '/usr/lib/postgresql'; // one folder a version, off the path
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_TEXT = '#!/bin/sh\n# Of the fdpass tests, for the time of an installation.\nexit 101\n';

function isThere(program) {
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

function missingPeers() {
  return Object.keys(PEERS).filter((program) => !isThere(program) || (program === 'nc' && !isOpenBsdNc()));
}

/** Not the traditional one: only OpenBSD's passes descriptors. */
function isOpenBsdNc() {
  const { stdout, stderr } = spawnSync('nc', ['-h'], { encoding: 'utf8', timeout: 10_000 });
  return /OpenBSD/.test(`${stdout}${stderr}`);
}

/** Runs apt-get and returns what it said if it failed. */
function apt(...args) {
  // Another installation may be under way: apt waits for its lock, and no prompt can stop us without a terminal.
  const { status, stdout, stderr } = spawnSync('apt-get', ['-q', '-o', 'DPkg::Lock::Timeout=300', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 15 * 60_000,
    maxBuffer: 64 * 1024 * 1024,
  });
  return status === 0 ? '' : `apt-get ${args.join(' ')} ended with ${status}\n${`${stdout}${stderr}`.slice(-2000)}`;
}

/** 101 forbids the packages' scripts to start what they install: the tests start their own, on ports of their own. */
function withoutServices(action) {
  const isTheirs = existsSync(POLICY) && readFileSync(POLICY, 'utf8') !== POLICY_TEXT;
  if (!isTheirs) writeFileSync(POLICY, POLICY_TEXT, { mode: 0o755 });
  try {
    return action();
  } finally {
    if (!isTheirs) rmSync(POLICY, { force: true });
  }
}

/** One by one if they do not go in together: a distribution may lack one. Returns what apt-get complained of. */
function install(packages) {
  const command = ['install', '-y', '--no-install-recommends'];
  const complaint = apt('update');
  if (apt(...command, ...packages) === '') return '';
  return [complaint, ...packages.map((name) => apt(...command, name))].filter(Boolean).join('\n');
}

/** Installs what is missing and may be installed. Returns the programs still missing. */
export function installPeers() {
  const missing = missingPeers();
  if (missing.length === 0 || process.getuid?.() !== 0 || !isThere('apt-get')) return missing;
  const packages = [...new Set(missing.map((program) => PEERS[program]))];
  console.log(`peers: installing ${packages.join(' ')}`);
  const complaints = withoutServices(() => install(packages));
  const stillMissing = missingPeers();
  // dante's own script fails where its server may not start; the program is there all the same.
  if (stillMissing.length > 0) console.log(`peers: ${complaints}`);
  return stillMissing;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const missing = installPeers();
  const names = missing.map((program) => `${program} (${PEERS[program]})`).join(', ');
  if (missing.length > 0) console.log(`peers: not installed: ${names}`);
  process.exit(missing.length > 0 && process.env.FDPASS_REQUIRE_PEERS === '1' ? 1 : 0);
}
