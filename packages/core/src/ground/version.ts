import { readFileSync } from 'node:fs';
import { join } from 'node:path';

declare const FDPASS_VERSION: string | undefined;

let known = typeof FDPASS_VERSION === 'string' ? FDPASS_VERSION : undefined;

/** The version of fdpass, whose packages have the same one. The build puts it into the commands. */
export function fdpassVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
