import type { StrategyEntry, TargetKind } from '@fdpass/core';
import { type JsonSchema, optionsJsonSchema, type StrategyRegistry } from '@fdpass/core/host';

/** A key of a mapping, as people read it. */
export interface OptionSummary {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description: string;
  /** The keys of a mapping; absent if it has no fixed ones. */
  readonly options?: readonly OptionSummary[];
}

/** A strategy with its options. */
export interface StrategySummary {
  readonly name: string;
  readonly schemes: readonly string[];
  readonly firstOnly: boolean;
  /** The option that is meant by a value that is not a mapping. */
  readonly shorthand?: string;
  /** The kinds of names that it accepts. */
  readonly targets: readonly TargetKind[];
  /** Whether its options are known. Otherwise users can write any; a schema, if there is one, still checks them. */
  readonly hasKnownOptions: boolean;
  readonly options: readonly OptionSummary[];
}

/** A strategy's schema as people read it. */
export async function summarize(entry: StrategyEntry, registry: StrategyRegistry): Promise<StrategySummary> {
  const { name, schemes = [], firstOnly = false, shorthand, targets = ['host'] } = entry;
  const schema = await optionsJsonSchema(entry, registry);
  return {
    name,
    schemes,
    firstOnly,
    ...(shorthand !== undefined && { shorthand }),
    targets,
    hasKnownOptions: schema['properties'] !== undefined,
    options: optionsIn(schema),
  };
}

/** The keys of a schema's mapping. */
export function optionsIn(schema: JsonSchema): OptionSummary[] {
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
      description: descriptionOf(of),
      ...(options.length > 0 && { options }),
    };
  });
}

/** Its own, or that of the first alternative that has one. */
function descriptionOf({ description, anyOf = [] }: JsonSchema): string {
  if (typeof description === 'string') return description;
  return (anyOf as JsonSchema[]).map(descriptionOf).find((text) => text !== '') ?? '';
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

/** The description, with the default if the schema has one that the description does not mention. */
export function helpOf({ required, description, ...rest }: OptionSummary): string {
  const isTold = !('default' in rest) || /\bdefault\b/.test(description);
  return `${required ? '(required) ' : ''}${description}${isTold ? '' : ` (default ${JSON.stringify(rest.default)})`}`.trim();
}
