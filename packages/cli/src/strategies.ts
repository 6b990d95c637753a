import type { Strategy, StrategyEntry, StrategyRegistry } from '@fdpass/core';
import * as v from 'valibot';
import { type Arguments, usage } from './arguments.js';
import { builtinFramework } from './builtin.js';
import { FDPASS } from './usage.js';

interface OptionSummary {
  readonly name: string;
  readonly description: string;
}

/** `fdpass strategies [NAME]`: what is installed, with options. */
export async function strategies(args: Arguments): Promise<number> {
  const [name, ...extra] = args.operands;
  if (extra.length > 0) throw usage(FDPASS, `too many operands: ${JSON.stringify(extra[0])}`);
  const framework = builtinFramework({});
  await framework.config(); // loads the plugins
  const { registry } = framework;
  const entries = name === undefined ? registry.entries() : [registry.entry(name)];
  const summaries = await Promise.all(entries.map((entry) => summarize(entry, registry)));
  if (args.flag('json')) {
    process.stdout.write(`${JSON.stringify(summaries, null, 2)}\n`);
  } else {
    for (const summary of summaries) process.stdout.write(format(summary, name !== undefined));
  }
  return 0;
}

interface StrategySummary {
  readonly name: string;
  readonly schemes: readonly string[];
  readonly opensSockets: boolean;
  readonly options: readonly OptionSummary[];
}

async function summarize(entry: StrategyEntry, registry: StrategyRegistry): Promise<StrategySummary> {
  const { name, schemes = [], opensSockets = false } = entry;
  return { name, schemes, opensSockets, options: optionsOf(await registry.load(entry)) };
}

/** Option names and descriptions, where the schema is one whose entries can be looked at. */
function optionsOf(strategy: Strategy): OptionSummary[] {
  const entries = (strategy.optionsSchema as { entries?: Record<string, v.GenericSchema> } | undefined)?.entries ?? {};
  return Object.entries(entries).map(([name, schema]) => ({ name, description: describe(schema) ?? '' }));
}

function describe(schema: v.GenericSchema): string | undefined {
  const wrapped = (schema as { wrapped?: v.GenericSchema }).wrapped;
  return v.getDescription(schema) ?? (wrapped && describe(wrapped));
}

function format({ name, schemes, opensSockets, options }: StrategySummary, withOptions: boolean): string {
  const urls = schemes.length > 0 ? `  ${schemes.map((scheme) => `${scheme}://`).join(' ')}` : '';
  const place = opensSockets ? '  (first hop only)' : '';
  if (!withOptions) return `${name.padEnd(16)}${place}${urls}\n`;
  const width = Math.max(...options.map((option) => option.name.length), 0) + 2;
  const lines = options.map((option) => `  ${option.name.padEnd(width)}${option.description}`.trimEnd());
  return `${[`${name}${place}${urls}`, ...lines].join('\n')}\n`;
}
