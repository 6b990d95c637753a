import type fs from 'node:fs';

/** Calls `change` with the first file that `action` opens, right after that: what a neighbour does at the worst moment. */
export function changeAfterOpen<T>(change: (path: string) => void, action: () => T): T {
  const { syncBuiltinESMExports } = process.getBuiltinModule('node:module');
  const patched = process.getBuiltinModule('node:fs') as { -readonly [Name in keyof typeof fs]: (typeof fs)[Name] };
  const { openSync } = patched;
  const restore = (): void => {
    patched.openSync = openSync;
    syncBuiltinESMExports();
  };
  patched.openSync = (path, ...rest) => {
    const fd = openSync(path, ...rest);
    restore();
    change(String(path));
    return fd;
  };
  syncBuiltinESMExports();
  try {
    return action();
  } finally {
    restore();
  }
}
