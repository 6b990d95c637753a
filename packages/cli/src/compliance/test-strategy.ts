import { pathToFileURL } from 'node:url';
import { FdpassError, isFdpassError, messageOf } from '@fdpass/core';
import { type CheckResult, type StrategySubject, testStrategy } from '@fdpass/testkit';
import { type Arguments, checkCount, usage } from '../arguments.js';
import { loadPluginFile, type PluginFile } from '../plugin-file.js';
import { print } from '../print.js';
import { FDPASS } from '../syntax.js';
import { lookOf } from '../trace/look.js';
import { checkLines, renderJson, type StrategyReport, summaryLine, titleLine } from './report.js';
import { subjectsOf } from './subjects.js';
import { watchAndRun } from './watch.js';

/** The status for a fault of a plugin. */
const EXIT_FAULT = 70;

/** `fdpass test-strategy FILE`: the compliance suite on the strategies of a plugin file. Returns the exit code. */
export async function testStrategyFile(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [written] = args.operands;
  if (written === undefined) throw usage(FDPASS, 'the file of the plugin is missing');
  if (args.flag('watch')) return watchAndRun(written, args.value('server'));
  const plugin = await loadPluginFile(written);
  const write = args.flag('json') ? async () => {} : (lines: readonly string[]) => print(`${lines.join('\n')}\n`);
  const look = lookOf(process.stdout.isTTY ? process.stdout.columns : undefined);
  const reports: StrategyReport[] = [];
  for (const subject of await subjectsOf(args, plugin)) {
    const { title, strategy } = subject;
    await write([titleLine(strategy.name, title, written)]);
    const checks = await runChecks(subject, plugin, args, (result) => write(checkLines(result, look)));
    reports.push({ strategy: strategy.name, title, checks });
    await write(['']);
  }
  const isFailed = reports.some(({ checks }) => checks.some(({ outcome }) => outcome === 'failed'));
  const exitStatus = isFailed ? EXIT_FAULT : 0;
  await (args.flag('json') ? print(renderJson(plugin.file, reports, exitStatus)) : write([summaryLine(reports, look)]));
  return exitStatus;
}

async function runChecks(
  subject: StrategySubject,
  plugin: PluginFile,
  args: Arguments,
  report: (result: CheckResult) => Promise<void>,
): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  try {
    for await (const result of testStrategy(subject)) {
      results.push(result);
      await report(result);
    }
  } catch (error) {
    throw withoutTrial(error, subject, plugin, args);
  }
  return results;
}

/** The error if the strategy cannot be tested at all. */
function withoutTrial(
  error: unknown,
  { strategy: { name } }: StrategySubject,
  { file, written }: PluginFile,
  args: Arguments,
): FdpassError {
  const { code, hint, cause } = isFdpassError(error)
    ? error
    : { code: 'internal' as const, hint: undefined, cause: error };
  const place = placeIn(file, cause ?? error);
  const where = code === 'internal' && place !== undefined ? ` (${written}:${place})` : '';
  const message = `${name} cannot be tested: ${messageOf(error)}${where}`;
  return new FdpassError(code, message, { hint: hintFor(args, hint), cause: error });
}

function hintFor(args: Arguments, hint: string | undefined): string {
  if (args.value('server') !== undefined) return hint ?? 'check what start() gives';
  if (args.value('use') !== undefined) return hint ?? 'check that its server is running';
  return 'say with --use or --server how to reach its server';
}

/** The line and column of a file where an error was made. */
function placeIn(file: string, error: unknown): string | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const line = stack
    .split('\n')
    .find((frame) => frame.includes(`${file}:`) || frame.includes(`${pathToFileURL(file)}:`));
  return /:(\d+:\d+)\)?$/.exec(line ?? '')?.[1];
}
