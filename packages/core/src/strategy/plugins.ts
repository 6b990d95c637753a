import { basename } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { NamedPlugin } from '../config/load.js';
import { formatMs } from '../ground/clock.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { checkTrusted } from '../ground/files.js';
import { resolveModule } from '../ground/modules.js';
import { isShownPath } from '../ground/shown.js';
import { messageOf } from '../ground/text.js';
import { adviceOnLoading, type LoadAdvice } from './load-hint.js';
import type { StrategyRegistry } from './registry.js';
import { STRATEGY_API_VERSION, type Strategy } from './strategy.js';

const LOAD_TIMEOUT_MS = 5_000;

/**
 * Loads the plugins of a config and registers their strategies. A plugin is a package or a file, ES module or CommonJS,
 * resolved from the place of the config file that names it, never from the current directory; the file that is run must
 * be writable by nobody else, as the config itself. Its strategies are its exports, or its default export (one or a list).
 *
 * @returns The plugins' files.
 * @throws FdpassError `config` that names the plugin and where it is in the config.
 */
export async function loadPlugins(
  plugins: readonly NamedPlugin[],
  registry: StrategyRegistry,
): Promise<readonly string[]> {
  const files: string[] = [];
  for (const plugin of plugins) {
    try {
      const file = resolvePlugin(plugin.specifier, plugin.from);
      for (const strategy of await strategiesOf(file)) registry.register(strategy, plugin.specifier);
      files.push(file);
    } catch (error) {
      throw withPlugin(error, plugin);
    }
  }
  return files;
}

async function strategiesOf(file: string): Promise<Strategy[]> {
  const exported = Object.values(await importTrusted(file)).flat();
  const strategies = [...new Set(exported.flatMap(withDefault))].filter(isStrategy);
  if (strategies.length === 0)
    throw new FdpassError('config', `${file} does not export a strategy`, {
      hint: 'export an object with "name" and "create"',
    });
  strategies.forEach(checkVersion);
  return strategies;
}

/** Imports a file that only the user or root can have written. @throws FdpassError `config`; what the module throws. */
export function importTrusted(file: string): Promise<object> {
  checkTrusted(file);
  return importWithin(LOAD_TIMEOUT_MS, file);
}

/** A module may await for ever at its top level; no deadline of a dial runs yet. */
async function importWithin(timeoutMs: number, file: string): Promise<object> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_, reject) => {
    const late = new FdpassError('config', `${file} did not load within ${formatMs(timeoutMs)}`, {
      hint: 'move slow work to dial(), which has a deadline',
    });
    timer = setTimeout(() => reject(late), timeoutMs);
  });
  try {
    return await Promise.race([import(pathToFileURL(file).href) as Promise<object>, tooLong]);
  } catch (error) {
    const placed = error instanceof SyntaxError ? await withPlace(error, file) : error;
    const advice = adviceOnLoading(error);
    throw advice === undefined ? placed : withAdvice(placed, advice);
  } finally {
    clearTimeout(timer);
  }
}

function withAdvice(error: unknown, { message = messageOf(error), hint }: LoadAdvice): FdpassError {
  return new FdpassError('config', message, { hint, cause: error });
}

/** A syntax error with the file and line in its message, which need not be the plugin's own file but one that it imports. */
async function withPlace(error: SyntaxError, file: string): Promise<Error> {
  const isUnplaced = /at compileSourceTextModule\b/.test(error.stack ?? '');
  const place = placeOf(isUnplaced ? await reportOfImport(file) : (error.stack ?? ''));
  return place === undefined ? error : new SyntaxError(`${place}: ${error.message}`, { cause: error });
}

/** Node begins the report of a syntax error with `FILE:LINE`. */
function placeOf(report: string): string | undefined {
  const [, place, line] = /^(\/.*|file:.*):(\d+)\n/.exec(report) ?? [];
  if (place === undefined) return undefined;
  return `${place.startsWith('file:') ? fileURLToPath(place) : place}:${line}`;
}

/**
 * What Node prints when it imports a file that it cannot parse. It tells the line of an ES module in no other way. Nothing
 * of the module runs, since that begins only when everything that it imports has been parsed.
 */
async function reportOfImport(file: string): Promise<string> {
  if (!basename(process.execPath).startsWith('node')) return ''; // a program with Node inside would start another of itself
  const { execFile } = await import('node:child_process');
  const args = ['--input-type=module', '--eval', `import ${JSON.stringify(pathToFileURL(file).href)}`];
  const { NODE_OPTIONS, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: '/', env, timeout: LOAD_TIMEOUT_MS }, (_error, _stdout, stderr) =>
      resolve(stderr),
    );
  });
}

/** What CommonJS exports arrives as a default export of its own. */
function withDefault(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null || isStrategy(value)) return [value];
  return [value, ...Object.values(value).flat()];
}

function resolvePlugin(specifier: string, from: string): string {
  const file = resolveModule(specifier, from);
  if (file !== undefined) return file;
  throw new FdpassError('config', 'it is neither a file nor a package installed beside the config', {
    hint: 'install it there, or write a file as "./name.js"',
  });
}

/** A word that is neither a path nor a package can be anything that has got into the wrong place. */
function shownName({ specifier, from }: NamedPlugin): string {
  return isShownPath(specifier) || isInstalled(specifier, from) ? ` ${JSON.stringify(specifier)}` : '';
}

function isInstalled(specifier: string, from: string): boolean {
  try {
    resolvePlugin(specifier, from);
    return true;
  } catch {
    return false;
  }
}

function isStrategy(value: unknown): value is Strategy {
  if (typeof value !== 'object' || value === null) return false;
  return 'name' in value && typeof value.name === 'string' && 'create' in value && typeof value.create === 'function';
}

function checkVersion({ name, apiVersion = STRATEGY_API_VERSION }: Strategy): void {
  if (apiVersion === STRATEGY_API_VERSION) return;
  throw new FdpassError(
    'config',
    `its strategy ${name} is made for version ${apiVersion} of the plugin interface, and this is version ${STRATEGY_API_VERSION}`,
    {
      hint: apiVersion > STRATEGY_API_VERSION ? 'update fdpass' : 'update the plugin',
    },
  );
}

function withPlugin(error: unknown, plugin: NamedPlugin): FdpassError {
  const message = `the plugin${shownName(plugin)}: ${messageOf(error)}`;
  const { code, hint } = isFdpassError(error) ? error : { code: 'config' as const, hint: undefined };
  return new FdpassError(code, message, { where: plugin.where(), hint, cause: error });
}
