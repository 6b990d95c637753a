import { configJsonSchema, type JsonSchema } from '@fdpass/core/host';
import { builtinFramework } from './command-framework.js';
import { helpOf, type OptionSummary, optionsIn, type StrategySummary, summarize } from './option-summary.js';
import { manCode, manList, manSection, manTerms, manText, manTitle, roff } from './roff.js';
import { FDPASS_USAGE, MANUAL_DATE } from './usage.js';

const EXAMPLE = `defaults: { timeout: 30s }
hops:
  corp: { strategy: http-connect, url: "http://proxy.corp.example:3128" }
  tor: socks5h://127.0.0.1:9050
rules:
  - host: "*.onion"
    use: tor
  - host: ["*.corp.example", "!public.corp.example", "10.0.0.0/8"]
    port: [22, "2200-2299"]
    use: [corp, tor]
  - use: happy-eyeballs`;

const DESCRIPTION = [
  'The configuration tells fdpass(1) how each host is reached. It is YAML 1.2 or JSON. The first rule that matches a host decides; a rule without patterns matches every host. A host that no rule matches is reached directly, by happy-eyeballs.',
  'The value of "use" is the name of a hop or a strategy, a URL, a mapping with "strategy" and its options, or a list of these: a chain in travel order, as ProxyJump of ssh_config(5) has it. { firstOf: [...] }, { race: [...] } and { hosts: [...] } are short for the strategies of these names. Durations are written 250ms, 30s, 2m or 1h; a plain number means seconds. Relative paths start at the folder of the file that they are in.',
  'A file must belong to the user or root, and nobody else may have write permission. Files in the current directory are never read.',
];

/** The man(7) page of the configuration, section 5, made from the schemas that check it. */
export async function formatConfigManPage(): Promise<string> {
  const { registry } = await builtinFramework(false);
  const schema = await configJsonSchema(registry);
  const strategies = await Promise.all(registry.entries().map((entry) => summarize(entry, registry)));
  const lines = [
    manTitle('fdpass-config', 5, MANUAL_DATE),
    ...manSection('NAME', [manText('fdpass-config - how fdpass reaches each host')]),
    ...manSection('DESCRIPTION', DESCRIPTION.map(manText)),
    ...manList('KEYS', termsOf(optionsIn(schema))),
    ...manList('RULES', termsOf(keysOf(schema, 'rules'))),
    ...manList('DEFAULTS', termsOf(keysOf(schema, 'defaults'))),
    '.SH STRATEGIES',
    ...strategies.flatMap(strategyLines),
    ...manList('FILES', FDPASS_USAGE.files),
    ...manSection('EXAMPLES', [manCode(EXAMPLE)]),
    '.SH SEE ALSO',
    '.BR fdpass (1),',
    '.BR ssh_config (5)',
  ];
  return `${lines.join('\n')}\n`;
}

/** The keys of a mapping that is the value of `name`, or of each entry of a list there. */
function keysOf(schema: JsonSchema, name: string): OptionSummary[] {
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>>;
  return optionsIn(mappingIn(properties[name]) ?? {});
}

/** The alternative of a schema that is a mapping with fixed keys. */
function mappingIn(schema: JsonSchema | undefined): JsonSchema | undefined {
  if (schema === undefined || 'properties' in schema) return schema;
  const within = [
    ...((schema['anyOf'] ?? []) as JsonSchema[]),
    ...('items' in schema ? [schema['items'] as JsonSchema] : []),
  ];
  return within.map(mappingIn).find((found) => found !== undefined);
}

function termsOf(options: readonly OptionSummary[]): [string, string][] {
  return options.map((option) => [option.name, describe(option)]);
}

/** Its type, what it is for, and its keys. */
function describe(option: OptionSummary): string {
  const { type, options = [] } = option;
  const keys = options.map((key) => `${key.name} (${describe(key)})`).join(', ');
  return `${type}: ${helpOf(option)}${keys === '' ? '' : `; its keys: ${keys}`}`.replace(/: $/, '');
}

function strategyLines({ name, schemes, firstOnly, options }: StrategySummary): string[] {
  const urls = schemes.length > 0 ? `URLs: ${schemes.map((scheme) => `${scheme}://`).join(' ')}.` : '';
  const place = firstOnly ? 'It can be the first hop only.' : '';
  const text = [urls, place].filter(Boolean).join(' ');
  return [`.SS ${roff(name)}`, ...(text === '' ? [] : manText(text)), ...manTerms(termsOf(options))];
}
