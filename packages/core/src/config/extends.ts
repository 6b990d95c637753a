import { existsSync, realpathSync } from 'node:fs';
import { extname } from 'node:path';
import { type FdpassError, isFdpassError } from '../ground/errors.js';
import { expandPath } from '../ground/files.js';
import { resolveModule } from '../ground/modules.js';
import { DATA_EXTENSIONS, isFileSpecifier } from './places.js';
import { checkContent, type FileContent, type Report } from './schema.js';
import { configError, readSource, type Source } from './source.js';

/** One file of a config and its content. */
export interface LoadedFile {
  readonly source: Source;
  readonly content: FileContent;
}

const PACKAGE_FILES: readonly string[] = ['fdpass.yaml', 'fdpass.yml', 'fdpass.json'];

/**
 * A config and everything it extends, in the order in which they count: a file, then the first it extends with all that
 * this one extends, then the second. A file that is reached twice counts where it comes first.
 *
 * @param report For a check: is told all that is wrong, and the result is the rest.
 * @throws FdpassError `config` that points at the `extends` that cannot be followed, or shows the whole cycle.
 */
export function loadWithExtends(main: Source, report?: Report): readonly LoadedFile[] {
  const files: LoadedFile[] = [];
  follow(main, [], { seen: new Set(), files, report });
  return files;
}

/** What one walk through the files has found. */
interface Walk {
  /** Files, by what they are and not by how they are reached. */
  readonly seen: Set<string>;
  readonly files: LoadedFile[];
  readonly report: Report | undefined;
}

function follow(source: Source, path: readonly string[], walk: Walk): void {
  const { seen, files, report } = walk;
  const identity = existsSync(source.file) ? realpathSync(source.file) : source.file; // given in code: no file
  if (seen.has(identity)) return;
  seen.add(identity);
  const content = checkContent(source, report);
  files.push({ source, content });
  for (const [index, specifier] of content.extends.entries()) {
    const extended = readOrReport(() => readExtended(source, index, specifier, [...path, identity]), report);
    if (extended !== undefined) follow(extended, [...path, identity], walk);
  }
}

function readOrReport(read: () => Source, report: Report | undefined): Source | undefined {
  try {
    return read();
  } catch (error) {
    if (report === undefined || !isFdpassError(error)) throw error;
    report(error);
    return undefined;
  }
}

function readExtended(from: Source, index: number, specifier: string, path: readonly string[]): Source {
  const where = from.locate(['extends', index]);
  const file = resolveExtended(from, specifier, (message, hint) => configError(where, message, hint));
  const start = existsSync(file) ? path.indexOf(realpathSync(file)) : -1;
  if (start !== -1) {
    const cycle = [...path.slice(start), path[start]].join(' -> ');
    throw configError(where, `the config extends itself: ${cycle}`, 'remove one of them');
  }
  try {
    return readSource(file);
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    throw configError(where, `cannot extend ${JSON.stringify(specifier)}: ${error.message}`, error.hint, error);
  }
}

type Fault = (message: string, hint?: string) => FdpassError;

function resolveExtended(from: Source, specifier: string, failed: Fault): string {
  if (isFileSpecifier(specifier)) return expandPath(specifier, from.baseDir);
  const file = resolvePackage(from.file, specifier, failed);
  if (DATA_EXTENSIONS.includes(extname(file))) return file;
  throw failed(
    `${JSON.stringify(specifier)} is ${file}, which is neither YAML nor JSON`,
    'a config is data and is never run',
  );
}

/** The package's main file if that is data, else the file of ours in it. */
function resolvePackage(from: string, name: string, failed: Fault): string {
  const found = filesOfPackage(from, name, failed);
  const file = found.find((path) => DATA_EXTENSIONS.includes(extname(path))) ?? found[0];
  if (file !== undefined) return file;
  throw failed(
    `${JSON.stringify(name)} is neither a file nor a package installed here`,
    `install it beside the config, or write a file as "./${name}"`,
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
