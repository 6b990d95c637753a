import { dirname } from 'node:path';
import { checksumOf, isPrivateFolder, makePrivateFolder, readOwnFile, replaceFile } from '../ground/own-files.js';
import { noWinners, type Winner, type Winners } from './winners.js';

/** Enough for all hosts of a person, in a few networks. */
const MOST = 500;

interface Stored {
  readonly key: string;
  /** A digest of what the network is. */
  readonly network: string;
  readonly label: string;
  /** Milliseconds since 1970, as the next process can know it. */
  readonly since: number;
}

/** Where winners are stored, and what they depend on. */
export interface WinnerStore {
  /** A file in a folder of the user's own; undefined where there is no place for it. Asked when a winner is. */
  readonly file: () => string | undefined;
  /** Tells one network from another, as `describeNetwork` does. */
  readonly network: () => string;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/**
 * Winners in a file, for processes that make one dial each. It keeps only those with a time of their own (`remember`). Without a
 * file that can be read and written nothing is remembered, which only costs time.
 */
export class StoredWinners implements Winners {
  readonly #store: WinnerStore;

  constructor(store: WinnerStore) {
    this.#store = store;
  }

  /** See {@link Winners.of}; nothing is read or kept without `keepMs`. */
  of(key: string, keepMs = 0): Winner {
    const file = keepMs > 0 ? this.#store.file() : undefined;
    if (file === undefined) return noWinners.of(key);
    const { network: describe, now = Date.now } = this.#store;
    const network = checksumOf(describe()); // the addresses of this machine do not have to be in a file
    const isIt = (each: Stored): boolean => each.key === key && each.network === network;
    const found = read(file).find(isIt);
    const age = found === undefined ? 0 : now() - found.since;
    const last = age >= 0 && age < keepMs ? found?.label : undefined;
    const won = (label: string): void => {
      if (label === last) return; // time runs from when a winner was new
      const others = read(file).filter((each) => !isIt(each));
      write(file, [...others.slice(1 - MOST), { key, network, label, since: now() }]);
    };
    return { last, won };
  }
}

function read(file: string): readonly Stored[] {
  try {
    if (!isPrivateFolder(dirname(file))) return [];
    const stored = JSON.parse(readOwnFile(file).toString()) as unknown;
    return Array.isArray(stored) ? stored.filter(isStored) : [];
  } catch {
    return []; // there is none, or it is damaged
  }
}

function isStored(value: unknown): value is Stored {
  const { key, network, label, since } = Object(value) as Partial<Stored>;
  return [key, network, label].every((text) => typeof text === 'string') && typeof since === 'number';
}

function write(file: string, winners: readonly Stored[]): void {
  try {
    if (makePrivateFolder(dirname(file))) replaceFile(file, `${JSON.stringify(winners)}\n`);
  } catch {
    // a full disk, or a folder that cannot be written
  }
}
