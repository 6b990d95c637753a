import { formatError } from '@fdpass/core';
import { configPath, type Framework, isOutOfDescriptors, type LoadOptions, stampOfFile } from '@fdpass/core/host';
import { builtinFramework } from './command-framework.js';
import type { WriteLine } from './stderr.js';

/** Where a request's config is looked for. */
export type ConfigPlace = Required<Pick<LoadOptions, 'file' | 'env'>>;

/** A framework, and the state of the files that it was made from. */
interface Loaded {
  readonly framework: Framework;
  readonly stamps: readonly Stamp[];
}

interface Stamp {
  readonly file: string;
  /** Undefined for a file that is gone. */
  readonly identity: string | undefined;
  /** Whether it was written so recently that it can change again without a change of its times. */
  readonly isNew: boolean;
}

/** A file that was written this recently can be written again without a change of its times. */
const TOO_NEW_MS = 2000;
/** More configs than anybody uses at the same time. */
const MAX_LOADED = 16;

/** The frameworks of the configs that are in use, loaded again when one of their files has changed. */
export class Frameworks {
  readonly #loaded = new Map<string, Loaded>();
  readonly #onPluginChange: () => void;

  /**
   * @param onPluginChange Called when the code of a plugin has changed: Node cannot load a module again. If it does not throw,
   *   the previous code stays in use.
   */
  constructor(onPluginChange: () => void) {
    this.#onPluginChange = onPluginChange;
  }

  /**
   * The framework of the config that `place` leads to. If that can no longer be used, it is the previous one, and `warn` is told.
   *
   * @throws FdpassError `config`
   */
  async find(place: ConfigPlace, warn: WriteLine): Promise<Framework> {
    const path = configPath(place);
    const key = JSON.stringify([place.file, place.env?.['FDPASS_CONFIG'], path]);
    const known = this.#loaded.get(key);
    if (known === undefined) return (await this.#load(key, place)).framework;
    const changed = known.stamps.filter(({ file, identity }) => stampOf(file).identity !== identity);
    const configs = known.framework.config?.sources ?? [];
    const changedConfigs = changed.filter(({ file }) => configs.includes(file));
    if (changedConfigs.length < changed.length) this.#onPluginChange();
    if (changedConfigs.length === 0 && !known.stamps.some(({ isNew }) => isNew)) return known.framework;
    try {
      return (await this.#load(key, place)).framework;
    } catch (error) {
      if (isOutOfDescriptors(error)) throw error; // the configuration is not at fault
      warn(`fdpass: the configuration from before stays in use, since it can no longer be read: ${formatError(error)}`);
      return known.framework;
    }
  }

  async #load(key: string, place: ConfigPlace): Promise<Loaded> {
    const framework = await builtinFramework(place);
    const loaded = { framework, stamps: framework.files.map(stampOf) };
    this.#loaded.delete(key); // the newest is the last
    this.#loaded.set(key, loaded);
    const [oldest] = this.#loaded.keys();
    if (oldest !== undefined && this.#loaded.size > MAX_LOADED) this.#loaded.delete(oldest);
    return loaded;
  }
}

function stampOf(file: string): Stamp {
  const { identity, ageMs = Number.POSITIVE_INFINITY } = stampOfFile(file) ?? {};
  return { file, identity, isNew: ageMs < TOO_NEW_MS };
}
