import type { StrategyEntry } from '@fdpass/core';
import { type JsonSchema, optionsJsonSchema, type StrategyRegistry } from '@fdpass/core/host';
import { type Arguments, checkCount } from './arguments.js';
import { builtinFramework } from './command-framework.js';
import { print } from './print.js';
import { FDPASS } from './usage.js';

interface OptionSummary {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description: string;
  /** The keys of a mapping; absent if it has no fixed ones. */
  readonly options?: readonly OptionSummary[];
}

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

interface StrategySummary {
  readonly name: string;
  readonly schemes: readonly string[];
  readonly firstOnly: boolean;
  readonly options: readonly OptionSummary[];
}

async function summarize(entry: StrategyEntry, registry: StrategyRegistry): Promise<StrategySummary> {
  const { name, schemes = [], firstOnly = false } = entry;
  return { name, schemes, firstOnly, options: optionsIn(await optionsJsonSchema(entry, registry)) };
}

function optionsIn(schema: JsonSchema): OptionSummary[] {
  const { properties = {}, required = [] } = schema as {
    readonly properties?: Readonly<Record<string, JsonSchema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, of]): OptionSummary => {
    const options = optionsIn(of);
    return {
      name,
      type: typeOf(of),
      required: required.includes(name),
      ...('default' in of && { default: of['default'] }),
      description: String(of['description'] ?? ''),
      ...(options.length > 0 && { options }),
    };
  });
}

/** A JSON Schema in a word or two. */
function typeOf({ $ref, type, anyOf, enum: values, items, ...rest }: JsonSchema): string {
  if ('const' in rest) return JSON.stringify(rest['const']);
  if (typeof $ref === 'string') return $ref.slice($ref.lastIndexOf('/') + 1);
  if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(' | ');
  if (Array.isArray(anyOf)) return [...new Set(anyOf.map(typeOf))].join(' | ');
  if (type === 'array') return `list of ${items === undefined ? 'anything' : typeOf(items as JsonSchema)}`;
  return WORDS[String(type)] ?? 'anything';
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'true or false',
  object: 'mapping',
  null: 'nothing',
};

function format({ name, schemes, firstOnly, options }: StrategySummary, withOptions: boolean): string {
  const urls = schemes.length > 0 ? `  ${schemes.map((scheme) => `${scheme}://`).join(' ')}` : '';
  const place = firstOnly ? '  (first hop only)' : '';
  if (!withOptions) return `${name.padEnd(16)}${place}${urls}\n`;
  return `${[`${name}${place}${urls}`, ...table(options)].join('\n')}\n`;
}

/** One line for each option, and for the keys of one that is a mapping, under it. */
function table(options: readonly OptionSummary[]): string[] {
  const width = (key: 'name' | 'type'): number => Math.max(...options.map((option) => option[key].length), 0) + 2;
  const lines = options.flatMap((option) => [
    `${option.name.padEnd(width('name'))}${option.type.padEnd(width('type'))}${helpOf(option)}`.trimEnd(),
    ...table(option.options ?? []),
  ]);
  return lines.map((line) => `  ${line}`);
}

/** The description, with the default if the schema tells one and the description does not. */
function helpOf({ required, description, ...rest }: OptionSummary): string {
  const isTold = !('default' in rest) || /\bdefault\b/.test(description);
  return `${required ? '(needed) ' : ''}${description}${isTold ? '' : ` (default ${JSON.stringify(rest.default)})`}`.trim();
}
