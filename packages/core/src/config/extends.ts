import { existsSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { type FdpassError, isFdpassError, type Where } from '../ground/errors.js';
import { expandPath } from '../ground/files.js';
import { resolveModule } from '../ground/modules.js';
import { isShownPath } from '../ground/shown.js';
import { type ReadPatternFile, readPatternFiles } from './pattern-files.js';
import { DATA_EXTENSIONS, isFileSpecifier } from './places.js';
import { checkContent, type FileContent, orReport, type Report } from './schema.js';
import { configError, type Source } from './source.js';

/** One file of a config and its content. */
export interface LoadedFile {
  readonly source: Source;
  readonly content: FileContent;
  /** The files of patterns that its rules name; the patterns are in the content. */
  readonly patternFiles: readonly ReadPatternFile[];
}

const PACKAGE_FILES: readonly string[] = ['fdpass.yaml', 'fdpass.yml', 'fdpass.json'];

/** Reads a file of a config that can be trusted. @throws FdpassError `config` that points at what is wrong. */
export type ReadFile = (file: string) => Source;

/** How {@link loadWithExtends} walks. */
export interface ExtendsOptions {
  readonly read: ReadFile;
  /** As {@link expandPath} takes it. */
  readonly home?: string | undefined;
  /** For a check: is told all that is wrong, and the result is the rest. */
  readonly report?: Report | undefined;
}

/** One walk through the files. */
interface Walk {
  readonly read: ReadFile;
  readonly files: LoadedFile[];
  /** Files, by what they are and not by how they are reached. */
  readonly seen: Set<string>;
  /** What `~/` means. */
  readonly home: string | undefined;
  readonly report: Report | undefined;
}

/**
 * A config and everything it extends, in the order in which they count: a file, then the first it extends with all that
 * this one extends, then the second. A file that is reached twice counts where it comes first.
 *
 * @throws FdpassError `config` that points at the `extends` that cannot be followed, or shows the whole cycle.
 */
export function loadWithExtends(main: Source, options: ExtendsOptions): readonly LoadedFile[] {
  const walk: Walk = { files: [], seen: new Set(), read: options.read, home: options.home, report: options.report };
  follow(main, [], walk);
  return walk.files;
}

function follow(source: Source, path: readonly string[], walk: Walk): void {
  const { seen, files, home, report, read: readFile } = walk;
  const identity = existsSync(source.file) ? realpathSync(source.file) : source.file; // given in code: no file
  if (seen.has(identity)) return;
  seen.add(identity);
  const { content, patternFiles } = readPatternFiles(source, checkContent(source, report), { home, report });
  files.push({ source, content, patternFiles });
  const way = [...path, identity];
  for (const [index, specifier] of content.extends.entries()) {
    const where = source.locate(['extends', index]);
    const read = (): Source => {
      const file = resolveExtended(source, specifier, home, (message, hint) => configError(where, message, hint));
      return readExtended(() => readFile(file), file, specifier, { where, path: way });
    };
    const extended = orReport(report, undefined, read);
    if (extended !== undefined) follow(extended, way, walk);
  }
}

function readExtended(
  read: () => Source,
  file: string,
  specifier: string,
  { where, path }: { readonly where: Where; readonly path: readonly string[] },
): Source {
  const start = existsSync(file) ? path.indexOf(realpathSync(file)) : -1;
  if (start !== -1) {
    const cycle = [...path.slice(start), path[start]].join(' -> ');
    throw configError(where, `the config extends itself: ${cycle}`, 'remove one of them');
  }
  try {
    return read();
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    if (!isShownFile(specifier)) throw configError(where, 'this file cannot be read', 'check its path');
    throw configError(where, `cannot extend ${JSON.stringify(specifier)}: ${error.message}`, error.hint, error);
  }
}

/** Whether it can be nothing but the name of a file or a package that is there. */
function isShownFile(specifier: string): boolean {
  return isShownPath(specifier) || /^[\w@/.-]+\.(?:yaml|yml|json)$/.test(specifier) || !isFileSpecifier(specifier);
}

type Fault = (message: string, hint?: string) => FdpassError;

function resolveExtended(from: Source, specifier: string, home: string | undefined, failed: Fault): string {
  if (isFileSpecifier(specifier)) return expandPath(specifier, from.baseDir, home);
  const file = resolvePackage(from.file, specifier, failed);
  if (DATA_EXTENSIONS.includes(extname(file))) return file;
  throw failed(
    `the package's file is ${file}, which is neither YAML nor JSON`,
    'name a YAML or JSON file: a config is data and is never run',
  );
}

/** The package's main file if that is data, else the file of ours in it. */
function resolvePackage(from: string, name: string, failed: Fault): string {
  const found = filesOfPackage(from, name, failed);
  const file = found.find((path) => DATA_EXTENSIONS.includes(extname(path))) ?? found[0];
  if (file !== undefined) return file;
  throw failed(
    'this is neither a file nor a package installed here',
    'install it beside the config, or write a file as "./NAME"',
  );
}

function filesOfPackage(from: string, name: string, failed: Fault): string[] {
  const names = [name, ...PACKAGE_FILES.map((file) => `${name}/${file}`)];
  try {
    return names.map((specifier) => resolveModule(specifier, from)).filter((file) => file !== undefined);
  } catch (error) {
    throw isFdpassError(error) ? failed(error.message, error.hint) : error;
  }
}
