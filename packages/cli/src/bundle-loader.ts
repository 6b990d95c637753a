import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { KeptCode } from './kept-code.js';

/** How a module asks for another. */
export type Require = (name: string) => unknown;

type ModuleFunction = (
  exports: unknown,
  require: Require,
  module: { exports: unknown },
  filename: string,
  dirname: string,
) => void;

/** Imports plugins, which can be ES modules. Node warns of a script of our own that does. */
const IMPORTER = './plugins.cjs';

/**
 * Loads our bundles, with what V8 compiled of them in earlier starts: the functions that were called, too. Node's own compile
 * cache has only those that V8 compiles before a script runs, and leaves hundreds to each start.
 */
export class BundleLoader {
  readonly #folder: string;
  readonly #codeFolder: string | undefined;
  readonly #ask: Require;
  readonly #loaded = new Map<string, unknown>();
  readonly #kept: { readonly code: KeptCode; readonly script: Script }[] = [];

  /**
   * @param folder Where the bundles are.
   * @param cacheFolder Where code is kept: a folder in which nobody else can write. Undefined: nowhere.
   * @param ask Loads whatever is not a bundle.
   */
  constructor(folder: string, cacheFolder: string | undefined, ask: Require) {
    const version = `code-${process.version}-${process.arch}`; // V8 itself rejects what was compiled for another processor
    this.#folder = folder;
    this.#codeFolder = cacheFolder === undefined ? undefined : join(cacheFolder, version, folder);
    this.#ask = ask;
  }

  /** What a module exports. `./NAME.cjs` is a bundle. */
  readonly load: Require = (name) => {
    if (!this.#loaded.has(name)) this.#loaded.set(name, this.#find(name));
    return this.#loaded.get(name);
  };

  /** Keeps what has been compiled until now, for the next start. Fails silently, for without it a start only takes longer. */
  readonly keep = (): void => {
    const growing = this.#kept.filter(({ code }) => !code.isComplete);
    if (this.#codeFolder === undefined || growing.length === 0) return;
    try {
      mkdirSync(this.#codeFolder, { recursive: true, mode: 0o700 });
      for (const { code, script } of growing) code.add(script);
    } catch {
      // for instance a full disk
    }
  };

  #find(name: string): unknown {
    if (name === IMPORTER) return this.#ask(join(this.#folder, name));
    return name.startsWith('./') ? this.#run(name) : this.#ask(name);
  }

  #run(name: string): unknown {
    const file = join(this.#folder, name);
    // A bundle is ASCII: a byte a character, which V8 takes as it is.
    const source = `(function(exports,require,module,__filename,__dirname){${readFileSync(file, 'latin1')}\n})`;
    const start = this.#compile(name, file, source).runInThisContext() as ModuleFunction;
    const module = { exports: {} };
    start(module.exports, this.load, module, file, this.#folder);
    return module.exports;
  }

  #compile(name: string, filename: string, source: string): Script {
    if (this.#codeFolder === undefined) return new Script(source, { filename });
    const code = new KeptCode(join(this.#codeFolder, name), stateOf(filename));
    const script = new Script(source, { filename, ...(code.data && { cachedData: code.data }) });
    if (script.cachedDataRejected === true) code.forget();
    this.#kept.push({ code, script });
    return script;
  }
}

/** What changes when a bundle does, for V8 itself compares only the length. */
function stateOf(file: string): string {
  const { ino, size, mtimeMs } = statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}
