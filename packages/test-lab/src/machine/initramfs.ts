import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A file, or without content a folder, of an archive. */
export interface ArchiveEntry {
  readonly path: string;
  readonly content?: string | Uint8Array;
}

const FOLDER = 0o040755;
const PROGRAM = 0o100755;

/** An archive as the kernel unpacks it at boot: cpio(5), the "new ASCII" form. Everything in it can be executed. */
export function archive(entries: readonly ArchiveEntry[]): Buffer {
  const parts = [...entries, { path: 'TRAILER!!!' }].flatMap(({ path, content }, index) => {
    const data = Buffer.from(content ?? '');
    const mode = content === undefined ? FOLDER : PROGRAM;
    const name = Buffer.from(`${path}\0`);
    const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
    const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`);
    return [padded(Buffer.concat([header, name])), padded(data)];
  });
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
}

/**
 * The files of modules and of those that they need, in the order to load them (modules.dep(5)). What is not among the files
 * is a part of the kernel itself.
 */
export function moduleFiles(folder: string, names: readonly string[]): readonly string[] {
  const lines = readFileSync(join(folder, 'modules.dep'), 'utf8').split('\n').filter(Boolean);
  const needs = new Map(
    lines.map((line) => {
      const [file = '', rest = ''] = line.split(':');
      return [nameOf(file), [file, ...rest.split(' ').filter(Boolean)]] as const;
    }),
  );
  // A module is before what it needs, and that again before what that needs.
  const files = names.flatMap((name) => (needs.get(name) ?? []).toReversed());
  return [...new Set(files)].map((file) => join(folder, file));
}

function nameOf(file: string): string {
  return basename(file)
    .replace(/\.ko(\.\w+)?$/, '')
    .replaceAll('-', '_');
}
