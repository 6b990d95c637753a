import { SETTING_KEYS } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { helpOf, type OptionSummary, type StrategySummary, summarize } from './option-summary.js';
import { print } from './print.js';
import { FDPASS } from './usage.js';

/** `fdpass strategies [NAME]`: what is installed, with options. */
export async function strategies(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [name] = args.operands;
  const { registry } = await builtinFramework({});
  const entries = name === undefined ? registry.entries() : [registry.entry(name)];
  const summaries = await Promise.all(entries.map((entry) => summarize(entry, registry)));
  if (args.flag('json')) {
    await print(`${JSON.stringify(summaries, null, 2)}\n`);
  } else {
    await print(summaries.map((summary) => format(summary, name !== undefined)).join(''));
  }
  return 0;
}

function format({ name, schemes, firstOnly, options }: StrategySummary, withOptions: boolean): string {
  const urls = schemes.length > 0 ? `  ${schemes.map((scheme) => `${scheme}://`).join(' ')}` : '';
  const place = firstOnly ? '  (first hop only)' : '';
  if (!withOptions) return `${name.padEnd(16)}${place}${urls}\n`;
  return `${[`${name}${place}${urls}`, ...table(options), '', ANY_HOP].join('\n')}\n`;
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
