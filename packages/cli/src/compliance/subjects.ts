import { dirname } from 'node:path';
import { FdpassError, messageOf, type StrategyEntry } from '@fdpass/core';
import { didYouMean, importFile, quoteUnknown, readHop } from '@fdpass/core/host';
import { CHECK_NAMES, type StrategySubject } from '@fdpass/testkit';
import { type Arguments, usage } from '../arguments.js';
import { namedFile, type PluginFile } from '../plugin-file.js';
import { FDPASS } from '../syntax.js';

/** What a file of `--server` exports: a subject of the testkit that names its strategy instead of having it. */
type ServerExport = Omit<StrategySubject, 'strategy'> & { readonly strategy?: string };

/** What is to be tested, by `--use`, by `--server`, or with nothing to reach. @throws FdpassError `usage`, `config` */
export async function subjectsOf(args: Arguments, plugin: PluginFile): Promise<readonly StrategySubject[]> {
  const [use, server] = [args.value('use'), args.value('server')];
  if (use !== undefined && server !== undefined) throw usage(FDPASS, '--use and --server are two ways to say the same');
  const skip = skippedChecks(args.values('skip'));
  const subjects =
    use !== undefined
      ? [await subjectOfHop(use, plugin)]
      : server !== undefined
        ? await subjectsOfServer(server, plugin)
        : [{ strategy: entryOf(undefined, plugin, '--use') }];
  const baseDir = dirname(plugin.file); // where a config that names it is, most often
  return subjects.map((subject) => ({ baseDir, ...subject, skip: { ...subject.skip, ...skip } }));
}

/** The server of a hop runs already. */
async function subjectOfHop(use: string, plugin: PluginFile): Promise<StrategySubject> {
  const { entry, options } = await readHop(use, plugin.registry, dirname(plugin.file), '--use');
  return { strategy: entryOf(entry.name, plugin, '--use'), start: () => ({ options }) };
}

async function subjectsOfServer(written: string, plugin: PluginFile): Promise<readonly StrategySubject[]> {
  const exported = await importFile(namedFile(written)).catch((error: unknown) => {
    throw error instanceof FdpassError
      ? error
      : new FdpassError('config', `${written}: ${String(error)}`, { cause: error });
  });
  const given = 'default' in exported ? [exported.default].flat() : [exported];
  return given.map((subject) => {
    if (!isServerExport(subject))
      throw new FdpassError('config', `${written} does not export start()`, {
        hint: 'export a function that starts the server and returns { options, close }',
      });
    const start: StrategySubject['start'] = async (origin) => {
      try {
        return (await subject.start?.(origin)) ?? { options: {} };
      } catch (cause) {
        throw new FdpassError('config', `start() of ${written} failed: ${messageOf(cause)}`, { cause });
      }
    };
    return { ...subject, start, strategy: entryOf(subject.strategy, plugin, '"strategy"') };
  });
}

function isServerExport(value: unknown): value is ServerExport {
  return typeof value === 'object' && value !== null && 'start' in value && typeof value.start === 'function';
}

/** The strategy of that name; without a name, the only one of the file. */
function entryOf(name: string | undefined, { entries, written }: PluginFile, how: string): StrategyEntry {
  const names = entries.map((entry) => entry.name);
  const [only, ...others] = name === undefined ? entries : entries.filter((entry) => entry.name === name);
  if (only !== undefined && others.length === 0) return only;
  if (name !== undefined)
    throw new FdpassError('config', `${how} names a strategy that is not in ${written}`, {
      hint: didYouMean(name, names) ?? `name one of ${names.join(', ')}`,
    });
  throw new FdpassError('usage', `${written} has several strategies: ${names.join(', ')}`, {
    hint: `say with ${how} which one is meant`,
  });
}

function skippedChecks(names: readonly string[]): Readonly<Record<string, string>> {
  for (const name of names) {
    if (CHECK_NAMES.includes(name)) continue;
    throw new FdpassError('usage', `--skip: there is no check called ${quoteUnknown(name, CHECK_NAMES, 'this')}`, {
      hint: didYouMean(name, CHECK_NAMES) ?? 'use a name that a run prints',
    });
  }
  return Object.fromEntries(names.map((name) => [name, '--skip']));
}
