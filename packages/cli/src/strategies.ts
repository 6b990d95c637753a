import { SETTING_KEYS } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { helpOf, type OptionSummary, type StrategySummary, summarize } from './option-summary.js';
import { isFileName, loadPluginFile, type PluginFile } from './plugin-file.js';
import { print } from './print.js';
import { FDPASS } from './syntax.js';

/** `fdpass strategies [NAME|FILE]`: what is installed or in a file, with options. */
export async function strategies(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [word] = args.operands;
  const { entries, registry } = await chosen(word);
  const summaries = await Promise.all(entries.map((entry) => summarize(entry, registry)));
  if (args.flag('json')) {
    await print(`${JSON.stringify(summaries, null, 2)}\n`);
  } else {
    await print(
      `${(word === undefined ? summaries.map(headOf) : summaries.flatMap(describe).concat(ANY_HOP)).join('\n')}\n`,
    );
  }
  return 0;
}

async function chosen(word: string | undefined): Promise<Pick<PluginFile, 'entries' | 'registry'>> {
  if (word !== undefined && isFileName(word)) return loadPluginFile(word);
  const { registry } = await builtinFramework({});
  return { registry, entries: word === undefined ? registry.entries() : [registry.entry(word)] };
}

/** One strategy in a line. */
function headOf({ name, schemes, firstOnly }: StrategySummary): string {
  const urls = schemes.length > 0 ? `  ${schemes.map((scheme) => `${scheme}://`).join(' ')}` : '';
  return `${name.padEnd(16)}${firstOnly ? '  (first hop only)' : ''}${urls}`.trimEnd();
}

/** All there is to know of one, and an empty line. */
function describe(summary: StrategySummary): string[] {
  const { name, options, hasKnownOptions, shorthand, targets } = summary;
  const notes = [
    ...(hasKnownOptions ? [] : ['Its options are not listed: it has no schema that says which there are.']),
    ...(shorthand === undefined ? [] : [`{ ${name}: VALUE } is { strategy: ${name}, ${shorthand}: VALUE }.`]),
    ...(targets.join() === 'host' ? [] : [`Accepts names of these kinds: ${targets.join(', ')}.`]),
  ];
  return [headOf(summary).replace(/^(\S+) {2,}/, '$1  '), ...table(options), ...notes.map((note) => `  ${note}`), ''];
}

const ANY_HOP = `Any hop also has ${SETTING_KEYS.join(', ')}: see docs/configuration.md.`;

/** One line for each option, and for the keys of one that is a mapping, under it. */
function table(options: readonly OptionSummary[]): string[] {
  const width = (key: 'name' | 'type'): number => Math.max(...options.map((option) => option[key].length), 0) + 2;
  const lines = options.flatMap((option) => [
    `${option.name.padEnd(width('name'))}${option.type.padEnd(width('type'))}${helpOf(option)}`.trimEnd(),
    ...table(option.options ?? []),
  ]);
  return lines.map((line) => `  ${line}`);
}
