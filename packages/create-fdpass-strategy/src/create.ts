import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TEMPLATE = fileURLToPath(new URL('../template', import.meta.url));

/** Prefixes of package names; the rest is the strategy's own name. */
const PREFIX = /^(fdpass-)?strategy-|^fdpass-/;

/** Names that are valid for an npm package and for a strategy. */
const NAME = /^[a-z][a-z0-9-]*$/;

/** npm leaves these out of packages under their real names. */
const RENAMED: Readonly<Record<string, string>> = { _gitignore: '.gitignore', '_package.json': 'package.json' };

/** What {@link createProject} made. */
export interface CreatedProject {
  /** Absolute. */
  readonly folder: string;
  /** The strategy's word in the config. */
  readonly strategy: string;
}

/**
 * Writes a new project into `folder`, which must be empty or not exist yet. The strategy is named after the folder, without
 * the prefix `fdpass-strategy-`.
 *
 * @throws Error that says what is wrong, on one line.
 */
export function createProject(folder: string, version: string = ownVersion()): CreatedProject {
  const path = resolve(folder);
  const packageName = basename(path);
  const strategy = packageName.replace(PREFIX, '');
  if (!NAME.test(packageName) || !NAME.test(strategy)) {
    throw new Error(
      `${JSON.stringify(packageName)} is not a name for a strategy: use lower-case letters, digits and dashes`,
    );
  }
  if (existsSync(path) && readdirSync(path).length > 0) {
    throw new Error(`${path} exists and is not empty; name a new or an empty folder`);
  }
  cpSync(TEMPLATE, path, { recursive: true });
  for (const [from, to] of Object.entries(RENAMED)) renameSync(join(path, from), join(path, to));
  fillIn(path, { __PACKAGE__: packageName, __STRATEGY__: strategy, __VERSION__: version });
  return { folder: path, strategy };
}

/** The version of this package: all packages of fdpass are released in step. */
function ownVersion(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

function fillIn(folder: string, words: Readonly<Record<string, string>>): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    const filled = Object.entries(words).reduce(
      (text, [placeholder, word]) => text.replaceAll(placeholder, word),
      readFileSync(file, 'utf8'),
    );
    writeFileSync(file, filled);
  }
}
