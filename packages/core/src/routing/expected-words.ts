import { describeType } from '../ground/shown.js';
import { formsOf, type JsonSchema } from './show-hops.js';

/** What a schema expects in place of a value of another type, e.g. `a text, not a number`; undefined if the type is right. */
export function expectedWords(value: unknown, schema: JsonSchema | undefined): string | undefined {
  const forms = formsOf(schema ?? {}).filter((form) => wordFor(form) !== undefined);
  if (forms.length === 0 || forms.some((form) => accepts(form, value))) return undefined;
  const expected = [...new Set(forms.map(wordFor))].join(' or ');
  const isChoice = typeof value === 'string' && wordsOf(schema).length > 0;
  return isChoice ? expected : `${expected}, not ${describeType(value)}`;
}

/** The words that a schema lets one choose from. */
export function wordsOf(schema: JsonSchema | undefined): string[] {
  return formsOf(schema ?? {})
    .flatMap(choicesOf)
    .filter((word) => typeof word === 'string');
}

function choicesOf(form: JsonSchema): readonly unknown[] {
  if ('const' in form) return [form['const']];
  return Array.isArray(form['enum']) ? form['enum'] : [];
}

function wordFor(form: JsonSchema): string | undefined {
  const choices = choicesOf(form);
  if (choices.length > 0) return choices.map((choice) => JSON.stringify(choice)).join(' or ');
  const { type, format, $ref } = form;
  const name = typeof $ref === 'string' ? $ref.slice($ref.lastIndexOf('/') + 1) : (format ?? type);
  return WORDS[String(name)] ?? WORDS[String(type)];
}

const WORDS: Readonly<Record<string, string>> = {
  duration: 'a duration such as 250ms or 30s',
  delay: 'a duration such as 250ms or 30s',
  route: 'a route',
  path: 'a path',
  'secret-path': 'a path',
  url: 'a URL',
  host: 'a host name or an address',
  string: 'a text',
  number: 'a number',
  integer: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'nothing',
};

function accepts(form: JsonSchema, value: unknown): boolean {
  const choices = choicesOf(form);
  if (choices.length > 0) return choices.includes(value);
  if (form['$ref'] !== undefined) return true; // its own schema has said what is wrong
  return form['type'] === typeOf(value) || (form['type'] === 'integer' && typeof value === 'number');
}

function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}
