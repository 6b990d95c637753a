import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Context, Runnable } from 'mocha';

const FOLDERS = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];

/** Where a program is, servers' folders included; undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  return FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The paths of real programs that a test talks to. A missing one skips the test by name; with FDPASS_REQUIRE_PEERS=1, as
 * in CI, it fails it.
 */
export function requirePeers(test: Context, ...names: readonly string[]): Record<string, string> {
  const found = names.map((name) => [name, findProgram(name)] as const);
  const missing = found.flatMap(([name, path]) => (path === undefined ? [name] : []));
  if (missing.length > 0) skipOrFail(test, `not installed: ${missing.join(', ')}`);
  return Object.fromEntries(found.flatMap(([name, path]) => (path === undefined ? [] : [[name, path]])));
}

/** Skips the running test with a reason, or fails it where peers are required. */
export function skipOrFail(test: Context, reason: string): never {
  if (process.env['FDPASS_REQUIRE_PEERS'] === '1') throw new Error(reason);
  return skip(test, reason);
}

/** Skips the running test, or in a hook all tests of its suite, with a reason that the report shows. */
export function skip(test: Context, reason: string): never {
  const runnable = test.test as (Runnable & { readonly type?: string }) | undefined; // mocha's types leave it out
  // A hook is not reported as skipped, the tests that it was to prepare are.
  const reported = runnable?.type === 'hook' ? runnable.parent : runnable;
  if (reported) Object.assign(reported, { skipReason: reason });
  return test.skip();
}
