import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '@fdpass/core/host';

/** Which start of which kernel this is: a new number each time (random(4)). */
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * How the programs begin: in the package the processor follows, and beside the socket, where the launcher looks, the kernel's boot
 * id.
 */
const NAME = 'ask-agent-';

/** ask-agent.c: it was called without arguments. */
const EX_USAGE = 64;
const TRIAL_LIMIT_MS = 2000;

/** A machine that shares the folder may still use a program of another boot id, but hardly one that was put there so long ago. */
const KEEP_OTHERS_MS = 30 * 24 * 60 * 60_000;

/**
 * Puts the compiled client of the agent beside its socket, where the launcher can find it without starting a process. Only if it
 * runs here: the processor can be emulated, and the file system mounted `noexec`. It stays when the agent ends, since a launcher can be
 * about to run it.
 *
 * @param programs The folder with the program for each processor. Default: beside this module.
 * @returns Whether the launcher finds one now. Otherwise it asks the agent through ssh.
 */
export function placeClient(socket: string, programs: string = import.meta.dirname): boolean {
  const folder = dirname(socket);
  const fresh = join(folder, `${NAME}${process.pid}`);
  try {
    if (!makePrivateFolder(folder)) return false;
    const path = join(folder, `${NAME}${readFileSync(BOOT_ID, 'latin1').trim()}`);
    removeOld(folder, path);
    rmSync(fresh, { force: true }); // of a process with our number, long ago
    copyFileSync(join(programs, `${NAME}${process.arch}`), fresh);
    chmodSync(fresh, 0o700);
    const runs = spawnSync(fresh, { stdio: 'ignore', timeout: TRIAL_LIMIT_MS }).status === EX_USAGE;
    if (runs) renameSync(fresh, path);
    return runs;
  } catch {
    return false; // a system that is not Linux, a processor that it was not compiled for, a full disk
  } finally {
    rmSync(fresh, { force: true });
  }
}

function removeOld(folder: string, ours: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (!name.startsWith(NAME) || path === ours) continue;
    const { mtimeMs = 0 } = statSync(path, { throwIfNoEntry: false }) ?? {}; // another agent can be removing it
    if (Date.now() - mtimeMs > KEEP_OTHERS_MS) rmSync(path, { force: true });
  }
}
