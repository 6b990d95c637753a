import { expect } from 'chai';
import * as v from 'valibot';
import { isFdpassError } from '../ground/errors.js';
import { StrategyRegistry } from '../strategy/registry.js';
import type { StandardSchema, Strategy } from '../strategy/strategy.js';
import { checkOptions } from './check-options.js';
import type { Hop } from './hop.js';

const OPTIONS = v.pipe(
  v.strictObject({
    size: v.optional(v.number('must be a number')),
    text: v.optional(v.string()),
    kind: v.optional(v.picklist(['small', 'large'])),
    inner: v.optional(v.strictObject({ list: v.array(v.string('must be a text')) })),
    headers: v.optional(v.record(v.string(), v.string('must be a text'))),
    chatty: v.optional(
      v.pipe(
        v.string(),
        v.check(
          (text) => text === '',
          ({ input }) => `wrong is ${input}, sorry`,
        ),
      ),
    ),
  }),
  v.check(({ size, text }) => size === undefined || text === undefined, 'give either "size" or "text"'),
);

/** What a library of somebody else says. */
function saying(message: string, path: readonly string[], json?: object): StandardSchema {
  const validate = () => ({ issues: [{ message, path }] });
  return { '~standard': { version: 1, vendor: 'acme', validate, ...(json && { jsonSchema: { input: () => json } }) } };
}

async function refusal(options: object, optionsSchema: StandardSchema): Promise<string> {
  const strategy: Strategy = {
    name: 'net',
    optionsSchema,
    create: () => ({ dial: () => Promise.reject(new Error()) }),
  };
  const registry = new StrategyRegistry();
  registry.register(strategy);
  try {
    await checkOptions(strategy, { entry: strategy, options } as Hop, registry);
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    expect(error.hint).to.equal('see: fdpass strategies net');
    return error.message;
  }
  return expect.fail('it was not refused');
}

describe('errors in the options of a hop', () => {
  const CASES: readonly (readonly [options: object, message: string])[] = [
    [{ size: 'PW' }, 'option "size": must be a number'],
    [{ text: 4711 }, 'option "text": Invalid type: Expected string'],
    [{ kind: 'PW' }, 'option "kind": Invalid type: Expected ("small" | "large")'],
    [{ inner: { list: ['a', 4711] } }, 'option "inner.list.1": must be a text'],
    [{ inner: {} }, 'option "inner.list": Invalid key: Expected "list"'],
    [{ inner: { list: [], PW: 1 } }, 'option "inner": there is no option of this name; known: list'],
    [{ headers: { Authorization: 4711 } }, 'option "headers.Authorization": must be a text'],
    [{ headers: { 'u:PW@h': 4711 } }, 'option "headers.***": must be a text'],
    [{ size: 5, text: 'x' }, 'give either "size" or "text"'],
    [{ siez: 5 }, 'there is no "siez"; did you mean "size"?'],
    [{ hunter2: 5 }, 'there is no option of this name; known: size, text, kind, inner, headers, chatty'],
    [{ chatty: 'PW' }, 'option "chatty": is not valid'],
  ];
  for (const [options, message] of CASES) {
    it(`${JSON.stringify(options)}: ${message}`, async () => expect(await refusal(options, OPTIONS)).to.equal(message));
  }

  const JSON_SCHEMA = { type: 'object', properties: { size: { type: 'number' } } };
  const FOREIGN: readonly (readonly [options: object, schema: StandardSchema, message: string])[] = [
    [{ size: 'PW' }, saying('must be a number (was "PW")', ['size'], JSON_SCHEMA), 'option "size": must be a number'],
    [{ size: 'PW' }, saying('PW is bad', ['size'], JSON_SCHEMA), 'option "size": is not valid'],
    [
      { size: 1, PW: 2 },
      saying('Unrecognized key: "PW"', [], JSON_SCHEMA),
      'there is no option of this name; known: size',
    ],
    [{ siez: 1 }, saying('Unrecognized key: "siez"', [], JSON_SCHEMA), 'there is no "siez"; did you mean "size"?'],
    [{ size: 'a' }, saying('a size must be a number', [], undefined), 'is not valid'],
    [{ size: 'P' }, saying('a Prime number is needed', [], JSON_SCHEMA), 'a Prime number is needed'],
    [{ size: 'PW' }, saying('must be a number', ['size']), 'option "***": must be a number'],
    [{ other: 1 }, saying('is missing', ['size']), 'option "size": is missing'],
  ];
  for (const [options, schema, message] of FOREIGN) {
    it(`of a library of somebody else, ${JSON.stringify(options)}: ${message}`, async () => {
      expect(await refusal(options, schema)).to.equal(message);
    });
  }
});
