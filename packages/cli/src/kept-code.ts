import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Script } from 'node:vm';
import { readOwnFile, replaceFile } from '@fdpass/core/host';

/*
 * The file with the compiled code of one script. The launcher reads it, and the command, a bundle of its own, writes it when
 * all that this start needs has run.
 *
 * V8 does not check the code, and crashes if it is damaged. Since loading a hash function takes longer than reading the code,
 * the file simply holds it twice, followed by the state of the script that it belongs to and the number of starts it comes from.
 */

/** How many starts add what they compiled: the first one does not call every function that others need. */
const STARTS = 8;

/** A script that has been loaded, and where its compiled code is kept. */
export interface LoadedScript {
  readonly script: Script;
  readonly file: string;
  /** What changes whenever the script does. */
  readonly state: string;
  /** How many starts have added to its code. */
  readonly starts: number;
}

/** Compiled code, and how many starts have added to it. */
interface KeptCode {
  readonly data?: Buffer;
  readonly starts: number;
}

const NONE: KeptCode = { starts: 0 };

/** The code of a script in this state; none if it is damaged or belongs to another. */
export function readKeptCode(path: string, state: string): KeptCode {
  try {
    const file = readOwnFile(path);
    const end = file.length - state.length - 2;
    const data = file.subarray(0, end / 2);
    const tail = file.toString('latin1', end);
    if (!tail.startsWith(state) || !file.subarray(end / 2, end).equals(data)) return NONE;
    return { data, starts: Number(tail.slice(-1)) };
  } catch {
    return NONE; // this is the first start
  }
}

/** Where the launcher leaves the scripts for the command. */
const LOADED = Symbol.for('fdpass.loaded-scripts.v1');

type WithScripts = { [LOADED]?: readonly LoadedScript[] };

export function leaveLoadedScripts(scripts: readonly LoadedScript[]): void {
  (globalThis as WithScripts)[LOADED] = scripts;
}

/** Whether this start has needed a bundle. */
export function hasLoaded(bundle: string): boolean {
  return (globalThis as WithScripts)[LOADED]?.some(({ file }) => file.endsWith(`/${bundle}.cjs`)) === true;
}

/** Keeps what V8 has compiled for the next start. Called when all that this one needs has run. */
export function keepCompiledCode(): void {
  keepCodeOf((globalThis as WithScripts)[LOADED] ?? []);
}

/** Adds what this start has compiled, unless enough have. Fails silently, for without it a start only takes longer. */
export function keepCodeOf(scripts: readonly LoadedScript[]): void {
  try {
    for (const { script, file, state, starts } of scripts) {
      if (starts >= STARTS) continue;
      const code = script.createCachedData();
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      replaceFile(file, Buffer.concat([code, code, Buffer.from(`${state} ${starts + 1}`)]));
    }
  } catch {
    // for instance a full disk
  }
}
