import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { temporaryFolder } from './background.js';
import { findProgram, skip } from './peers.js';
import { type Finished, PATIENCE_MS, type RunOptions, run } from './processes.js';

/** A network of a test's own, which nothing leaves. Loopback and one address of each family are always there. */
export interface LabOptions {
  /** Addresses of the lab itself: what listens on them can be reached, all other ports refuse. */
  readonly addresses?: readonly string[] | undefined;
  /** Addresses or prefixes that swallow every packet: no answer, no reset, no ICMP. */
  readonly blackholes?: readonly string[] | undefined;
  /** Names and their addresses, as in /etc/hosts. */
  readonly hosts?: Readonly<Record<string, readonly string[]>> | undefined;
  /** The address of a DNS server inside the lab, asked on port 53. Default: none, so that names not in `hosts` fail at once. */
  readonly nameServer?: string | undefined;
  /** gai.conf(5). Default: empty, so that libc's own order holds. */
  readonly addressPolicy?: string | undefined;
}

/** For benchmarks (RFC 2544) and documentation (RFC 3849); a source of global scope, so that RFC 6724 sorts as in the wild. */
const OWN_ADDRESSES = ['198.18.0.1', '2001:db8:ffff::1'];

/**
 * As root no user namespace is wanted: sshd's privilege separation needs more users than the one that it would map.
 * The process namespace ends everything inside with the first process, and `--kill-child` ends that one with unshare.
 */
const NAMESPACES = ['-nm', '-Urnm'].map((flags) => [flags, '--pid', '--fork', '--kill-child']);

/** One device sends what the other never takes: without ARP each frame goes to the sender's own hardware address. */
const SET_UP = `set -e
ip link set lo up
ip link add lab0 type veth peer name lab1
ip link set lab0 arp off up
ip link set lab1 up
for address in $LAB_ADDRESSES; do
  case $address in *:*) ip addr add "$address/128" dev lab0 nodad ;; *) ip addr add "$address/32" dev lab0 ;; esac
done
for prefix in $LAB_BLACKHOLES; do ip route add "$prefix" dev lab0; done
mount --bind "$LAB_FOLDER/hosts" /etc/hosts
[ ! -e /etc/resolv.conf ] || mount --bind "$LAB_FOLDER/resolv.conf" /etc/resolv.conf
[ ! -e /etc/gai.conf ] || mount --bind "$LAB_FOLDER/gai.conf" /etc/gai.conf
set +e
"$@"
exit $?`;

/** The options of `unshare` that work here, or why none do. */
type Namespaces = { readonly unshare: readonly string[] } | { readonly reason: string };

let known: Namespaces | undefined;

/** Found out once, by trying. */
function namespaces(): Namespaces {
  known ??= findNamespaces();
  return known;
}

function findNamespaces(): Namespaces {
  const missing = ['unshare', 'ip', 'mount'].filter((name) => findProgram(name) === undefined);
  if (missing.length > 0) return { reason: `not installed: ${missing.join(', ')}` };
  const script = 'ip link add lab0 type veth peer name lab1 && mount --bind /etc/hosts /etc/hosts';
  let reason = '';
  for (const unshare of NAMESPACES) {
    const result = spawnSync('unshare', [...unshare, 'sh', '-c', script], {
      encoding: 'utf8',
      env: environment(),
      timeout: PATIENCE_MS,
    });
    if (result.status === 0) return { unshare };
    reason = (result.error?.message ?? result.stderr).trim();
  }
  return { reason: `no network namespace here: ${reason}` };
}

/** `ip` lies in a folder that users do not have in their PATH. */
function environment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/sbin` };
}

/** Why {@link runInLab} cannot work here; undefined if it can. */
export function labUnavailable(): string | undefined {
  const answer = namespaces();
  return 'reason' in answer ? answer.reason : undefined;
}

/** Skips the running test where there can be no lab: no package that a test machine could install brings it. */
export function requireLab(test: Context): void {
  const reason = labUnavailable();
  if (reason !== undefined) skip(test, reason);
}

/**
 * Runs a command in a network of its own (a user, network, mount and process namespace) and ends with it everything that
 * it has started. Files and programs are those outside. Rejects after `timeoutMs` (default {@link PATIENCE_MS}), with nothing left.
 */
export async function runInLab(
  lab: LabOptions,
  command: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<Finished> {
  const answer = namespaces();
  if ('reason' in answer) throw new Error(answer.reason);
  const folder = temporaryFolder();
  try {
    writeFileSync(join(folder.path, 'hosts'), hostsFile(lab.hosts ?? {}));
    writeFileSync(join(folder.path, 'resolv.conf'), resolverFile(lab.nameServer));
    writeFileSync(join(folder.path, 'gai.conf'), lab.addressPolicy ?? '');
    const env = {
      ...environment(),
      ...options.env,
      LAB_FOLDER: folder.path,
      LAB_ADDRESSES: [...OWN_ADDRESSES, ...(lab.addresses ?? [])].join(' '),
      LAB_BLACKHOLES: (lab.blackholes ?? []).join(' '),
    };
    return await run('unshare', [...answer.unshare, 'sh', '-c', SET_UP, 'lab', ...command], { ...options, env });
  } finally {
    folder.remove();
  }
}

function hostsFile(hosts: Readonly<Record<string, readonly string[]>>): string {
  const lines = Object.entries({ localhost: ['127.0.0.1', '::1'], ...hosts }).flatMap(([name, addresses]) =>
    addresses.map((address) => `${address} ${name}\n`),
  );
  return lines.join('');
}

/** With no server at all the C library would ask 127.0.0.1, where nothing listens: the same as saying so. */
function resolverFile(nameServer = '127.0.0.1'): string {
  return `nameserver ${nameServer}\noptions timeout:1 attempts:1\n`;
}
