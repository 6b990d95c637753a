import { makeCodeFolder } from './code-folder.js';

/** The part of Node that controls its compile cache. */
interface CompileCache {
  enableCompileCache?(folder: string): void; // Node 22.1 and later
  flushCompileCache?(): void; // Node 22.10 and later
}

let write = (): void => {};

/** Lets Node keep what V8 compiles of plugins, which are ES modules, in the user's own folder. Called before they are loaded. */
export function keepPluginCode(): void {
  const cache = process.getBuiltinModule('node:module') as CompileCache;
  const folder = cache.enableCompileCache && makeCodeFolder();
  if (folder === undefined) return;
  cache.enableCompileCache?.(folder);
  write = () => cache.flushCompileCache?.();
}

/** Writes that code, which Node itself does only in process.exit(). Does nothing, and loads nothing, in a start without plugins. */
export function writePluginCode(): void {
  write();
}
