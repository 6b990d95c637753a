import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { dirname } from 'node:path';
import { beforeDeath } from '@fdpass/core/host';
import { ownCommand } from '../own-command.js';
import { namedFile } from '../plugin-file.js';
import { shownPath } from '../shown-path.js';

const MODULE = /\.(?:[cm]?[jt]s|json)$/;
/** Editors write a file in several steps. */
const CALM_MS = 100;

/**
 * Runs this same command without `--watch`, and again whenever a module changes in the folder of one of the files. Each run is
 * a process of its own: a module that was imported once is not read again. Never resolves.
 */
export async function watchAndRun(...named: readonly (string | undefined)[]): Promise<never> {
  const files = named.flatMap((written) => (written === undefined ? [] : [namedFile(written)]));
  const folders = [...new Set(files.map((file) => dirname(file)))];
  const changes = new Changes(folders);
  const argv = process.argv.slice(2).filter((word) => word !== '--watch');
  for (;;) {
    const changed = changes.next();
    await runUntil(changed, argv);
    process.stderr.write(`fdpass: waiting for a change in ${folders.map(shownPath).join(' and ')}\n`);
    await changed;
  }
}

/** Runs the command once; a change ends it early. */
async function runUntil(changed: Promise<void>, argv: readonly string[]): Promise<void> {
  const [node, ...args] = ownCommand(...argv);
  const child = spawn(node, args, { stdio: 'inherit' });
  const forget = beforeDeath(() => void child.kill());
  const ended = endOf(child);
  await Promise.race([ended, changed.then(() => child.kill())]);
  await ended;
  forget();
}

async function endOf(child: ChildProcess): Promise<void> {
  await once(child, 'close');
}

/** Changes of modules in folders. */
class Changes {
  readonly #watchers: readonly FSWatcher[];
  #timer: NodeJS.Timeout | undefined;
  #resolve = (): void => {};

  constructor(folders: readonly string[]) {
    this.#watchers = folders.map((folder) => watch(folder, (_event, name) => this.#see(name)));
    for (const watcher of this.#watchers) watcher.on('error', () => {}); // the folder was removed: it waits for Ctrl-C
  }

  /** Resolves when there was a change, and then none for a moment. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  #see(name: string | null): void {
    if (name !== null && !MODULE.test(name)) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#resolve(), CALM_MS);
  }
}
