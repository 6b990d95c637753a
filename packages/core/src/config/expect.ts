import * as v from 'valibot';
import { isFdpassError } from '../ground/errors.js';
import { describeType, hintAtKnown, isMapping, quoteUnknown } from '../ground/shown.js';

/*
 * What the config's schema is made of, with messages for the person who wrote the file.
 */

/** A text; not empty. */
export const text: v.GenericSchema<string> = v.pipe(
  v.string(
    (issue) =>
      `expected a text, not ${describeType(issue.input)}${typeof issue.input === 'number' ? '; put it in quotes' : ''}`,
  ),
  v.nonEmpty('expected a text, not an empty one'),
);

/** A list, or a single value in place of a list of one. */
export function listOf<T>(item: v.GenericSchema<unknown, T>): v.GenericSchema<unknown, T[]> {
  return v.pipe(
    v.unknown(),
    v.transform((value): unknown[] => (Array.isArray(value) ? value : [value])),
    v.array(item),
    v.metadata({ listOf: item }),
  );
}

/** The same, not empty. */
export function atLeastOne<T>(list: v.GenericSchema<unknown, T[]>): v.GenericSchema<unknown, T[]> {
  return v.pipe(
    list,
    v.nonEmpty('an empty list matches nothing; leave it out to match everything'),
    v.metadata({ atLeastOne: true }),
  );
}

/** A key that can be absent, and what it is for. */
export function entry<T>(
  description: string,
  schema: v.GenericSchema<unknown, T>,
): v.OptionalSchema<v.GenericSchema<unknown, T>, undefined> {
  return v.optional(v.pipe(schema, v.description(description)) as v.GenericSchema<unknown, T>);
}

/** A mapping with these keys and no others. `what` names it in messages, e.g. `a rule`. */
export function mapping<Entries extends v.ObjectEntries>(
  what: string,
  entries: Entries,
): v.GenericSchema<unknown, v.InferOutput<v.StrictObjectSchema<Entries, undefined>>> {
  const message = (issue: v.StrictObjectIssue): string => describeKey(issue, what, Object.keys(entries));
  const schema = v.strictObject(entries, message);
  return v.pipe(v.custom<object>(isMapping, notMapping(what)), schema, v.metadata({ mapping: schema }));
}

/** The message for what should be a mapping. */
export function notMapping(what: string): (issue: v.CustomIssue) => string {
  return ({ input }) => `expected ${what} as a mapping, not ${describeType(input)}`;
}

/** The output of `item`, converted by a function that throws an FdpassError for what it refuses. */
export function converted<In, Out>(
  item: v.GenericSchema<unknown, In>,
  convert: (value: In) => Out,
): v.GenericSchema<unknown, Out> {
  return v.pipe(
    item,
    v.rawTransform(({ dataset, addIssue, NEVER }): Out => {
      try {
        return convert(dataset.value);
      } catch (error) {
        if (!isFdpassError(error)) throw error;
        addIssue({ message: error.hint === undefined ? error.message : `${error.message}; ${error.hint}` });
        return NEVER;
      }
    }),
  );
}

function describeKey(issue: v.StrictObjectIssue, what: string, known: readonly string[]): string {
  const key = String(issue.path?.[0]?.key);
  if (issue.expected !== 'never') return `${what} needs ${JSON.stringify(key)}`;
  const meant = Object.hasOwn(WRONG_KEYS, key) ? WRONG_KEYS[key] : undefined;
  if (meant !== undefined) return `${what} has no ${JSON.stringify(key)}; ${meant}`;
  return `${what} has no ${quoteUnknown(key, known, 'key of this name')}; ${hintAtKnown(key, known)}`;
}

/** Keys that people know from other programs, and what to write instead. */
const WRONG_KEYS: Readonly<Record<string, string>> = {
  $import: 'use "extends"',
  import: 'use "extends"',
  strategy: 'the strategy and its options go under "use"',
};
