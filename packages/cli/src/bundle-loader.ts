import { readFileSync, statSync } from 'node:fs';
import { Script } from 'node:vm';
import { type LoadedScript, readKeptCode } from './kept-code.js';

/** How a module loads another. */
export type Require = (name: string) => unknown;

type ModuleFunction = (
  exports: unknown,
  require: Require,
  module: { exports: unknown },
  filename: string,
  dirname: string,
) => void;

/** Imports plugins, which can be ES modules. Node would warn about a script of ours that imports them itself. */
const IMPORTER = './plugins.cjs';

/** The arguments of {@link loadBundles}. */
interface Loading {
  /** Where the bundles are. */
  readonly folder: string;
  /** Where code is kept: a folder in which nobody else can write. Undefined: nowhere. */
  readonly codeFolder: string | undefined;
  /** Whether Node was started with the option of a quick start. Default false. */
  readonly isQuick?: boolean;
  /** Loads whatever is not a bundle. */
  readonly ask: Require;
  /** Receives the scripts that have been loaded, so that their compiled code can be kept. */
  readonly scripts: LoadedScript[];
}

/**
 * Loads our bundles, with what V8 compiled of them in earlier starts: the functions that were called, too. Node's own compile
 * cache has only those that V8 compiles before a script runs, and leaves hundreds to each start.
 *
 * @returns What a module exports. `./NAME.cjs` is a bundle.
 */
export function loadBundles({ folder, codeFolder, isQuick, ask, scripts }: Loading): Require {
  const modules = new Map<string, unknown>();
  // V8 itself rejects what was compiled for another processor or with other options. So each has its own.
  const version = `code-${process.version}-${process.arch}${isQuick ? '-quick' : ''}`;

  // Not join(): it takes paths apart letter by letter, often enough in a start that V8 optimises it.
  const pathOf = (name: string): string => folder + name.slice('.'.length);
  const load: Require = (name) => {
    if (!modules.has(name)) modules.set(name, find(name));
    return modules.get(name);
  };
  const find: Require = (name) => {
    if (name === IMPORTER) return ask(pathOf(name));
    return name.startsWith('./') ? run(name) : ask(name);
  };
  const run: Require = (name) => {
    const file = pathOf(name);
    const start = compile(file, codeFolder && `${codeFolder}/${version}${file}`).runInThisContext() as ModuleFunction;
    const module = { exports: {} };
    start(module.exports, load, module, file, folder);
    return module.exports;
  };
  const compile = (filename: string, file: string | undefined): Script => {
    const source = readFileSync(filename, 'latin1'); // all of it ASCII, and a function, so V8 takes it as it is
    if (file === undefined) return new Script(source, { filename });
    const state = stateOf(filename);
    const { data, starts } = readKeptCode(file, state);
    const script = new Script(source, { filename, ...(data && { cachedData: data }) });
    scripts.push({ script, file, state, starts: script.cachedDataRejected === true ? 0 : starts });
    return script;
  };
  return load;
}

/** A stamp that changes when a bundle does, since V8 itself compares only the length. */
function stateOf(file: string): string {
  const { ino, size, mtimeMs } = statSync(file);
  return `${ino} ${size} ${mtimeMs}`;
}
