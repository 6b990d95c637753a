import { isAbsolute, join } from 'node:path';
import type { StrategyEntry } from '@fdpass/core';
import { currentFolder, expandPath, inspectFile, type StrategyRegistry } from '@fdpass/core/host';
import { BUILTIN } from './builtin.js';
import { frameworkWith } from './command-framework.js';

/** A plugin that was named on the command line. */
export interface PluginFile {
  /** As it was written. */
  readonly written: string;
  /** Absolute. */
  readonly file: string;
  /** Its strategies. */
  readonly entries: readonly StrategyEntry[];
  /** Those, and the built-in ones. */
  readonly registry: StrategyRegistry;
}

/** Whether an operand names a file: the name of a strategy has neither a dot nor a slash. */
export function isFileName(word: string): boolean {
  return /[./]/.test(word);
}

/** The absolute path of a file that an operand or an option names. @throws FdpassError `config` if it is not a file. */
export function namedFile(written: string): string {
  const file = expandPath(written, currentFolder());
  inspectFile(file);
  return file;
}

/** Loads a plugin without any configuration. @throws FdpassError `config` that says why it cannot be used. */
export async function loadPluginFile(written: string): Promise<PluginFile> {
  const file = namedFile(written);
  const specifier = isAbsolute(written) || written.startsWith('~/') ? file : `./${join(written)}`;
  const { registry } = await frameworkWith({ specifier, from: join(currentFolder(), 'any'), where: () => undefined });
  const builtin = new Set(BUILTIN);
  return { written, file, registry, entries: registry.entries().filter((entry) => !builtin.has(entry)) };
}
