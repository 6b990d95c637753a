import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type FdpassError, isFdpassError } from '../ground/errors.js';

/** A folder of its own for each test of the suite that calls this; removed after it. */
export function useFolder(): { path(name?: string): string; write(name: string, text: string, mode?: number): string } {
  let root = '';
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'fdpass-config-')));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const path = (name = '.'): string => join(root, name);
  return {
    path,
    write(name, text, mode = 0o600) {
      mkdirSync(dirname(path(name)), { recursive: true });
      writeFileSync(path(name), text, { mode });
      return path(name);
    },
  };
}

/** The config error that `action` throws. */
export function refusal(action: () => unknown): FdpassError {
  try {
    action();
  } catch (error) {
    if (isFdpassError(error) && error.code === 'config') return error;
    throw error;
  }
  throw new Error('not refused');
}
