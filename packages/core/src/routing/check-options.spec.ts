import { type } from 'arktype';
import { expect } from 'chai';
import * as v from 'valibot';
import { z } from 'zod';
import { isFdpassError, type Locate, unfoldErrors } from '../ground/errors.js';
import { credentialsSchema } from '../proxy/schema.js';
import { StrategyRegistry } from '../strategy/registry.js';
import type { StandardSchema, Strategy } from '../strategy/strategy.js';
import { checkOptions } from './check-options.js';

const OPTIONS = v.pipe(
  v.strictObject({
    size: v.optional(v.number('must be a number')),
    text: v.optional(v.string()),
    kind: v.optional(v.picklist(['small', 'large'])),
    inner: v.optional(v.strictObject({ list: v.pipe(v.array(v.string('must be a text')), v.description('texts')) })),
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

/** What is said of each thing that is wrong, with the hint if that is its own, and whether the key or the value is meant. */
async function refusals(options: Record<string, unknown>, optionsSchema: StandardSchema): Promise<string[]> {
  const strategy: Strategy = {
    name: 'net',
    optionsSchema,
    create: () => ({ dial: () => Promise.reject(new Error()) }),
  };
  const registry = new StrategyRegistry();
  registry.register(strategy);
  const locate: Locate = (path, part) => ({ file: [...path, part ?? 'value'].join('/'), line: 0, column: 0 });
  try {
    const hop = { entry: strategy, options, label: 'net', place: { baseDir: '/', locate }, path: [], settings: [] };
    await checkOptions(strategy, hop, registry);
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    return unfoldErrors(error).map(({ where, summary, hint }) => {
      const own = hint === 'see: fdpass strategies net' ? '' : `; ${hint}`;
      return `${where?.file}: ${summary}${own}`;
    });
  }
  return expect.fail('it was not refused');
}

describe('errors in the options of a hop', () => {
  const ALL = 'use one of: size, text, kind, inner, headers, chatty';
  const CASES: readonly (readonly [options: Record<string, unknown>, ...errors: readonly string[]])[] = [
    [{ size: 'PW' }, 'size/value: option "size": must be a number'],
    [{ text: 4711 }, 'text/value: option "text": must be a text, not a number'],
    [{ text: ['PW'] }, 'text/value: option "text": must be a text, not a list'],
    [{ text: null }, 'text/value: option "text": must be a text, not nothing'],
    [{ kind: 'PW' }, 'kind/value: option "kind": must be "small" or "large"'],
    [{ kind: 'lrage' }, 'kind/value: option "kind": must be "small" or "large"; did you mean "large"?'],
    [{ kind: 5 }, 'kind/value: option "kind": must be "small" or "large", not a number'],
    [{ inner: 'PW' }, 'inner/value: option "inner": must be a mapping, not a text'],
    [{ inner: { list: ['a', 4711] } }, 'inner/list/1/value: option "inner.list.1": must be a text'],
    [{ inner: {} }, 'inner/list/value: "list" is missing in "inner": texts'],
    [{ inner: { list: [], PW: 1 } }, 'inner/PW/unknown-key: unknown option in "inner"; use one of: list'],
    [
      { inner: { lsit: [] } },
      'inner/lsit/key: unknown option "lsit" in "inner"; did you mean "list"?',
      'inner/list/value: "list" is missing in "inner": texts',
    ],
    [
      { headers: { Authorization: 4711 } },
      'headers/Authorization/value: option "headers.Authorization": must be a text',
    ],
    [{ headers: { 'u:PW@h': 4711 } }, 'headers/u:PW@h/unknown-key: option "headers.***": must be a text'],
    [{ size: 5, text: 'x' }, 'value: give either "size" or "text"'],
    [{ siez: 5 }, 'siez/key: unknown option "siez"; did you mean "size"?'],
    [{ hunter2: 5 }, `hunter2/unknown-key: unknown option; ${ALL}`],
    [
      { PW: 1, siez: 'PW', kind: 'PW' },
      `PW/unknown-key: unknown option; ${ALL}`,
      'siez/key: unknown option "siez"; did you mean "size"?',
      'kind/value: option "kind": must be "small" or "large"',
    ],
    [{ chatty: 'PW' }, 'chatty/value: option "chatty": is not valid'],
    [{ password: 'PW' }, `password/unknown-key: unknown option; ${ALL}`],
  ];
  for (const [options, ...errors] of CASES) {
    it(`${JSON.stringify(options)}: ${errors.join(' + ')}`, async () =>
      expect(await refusals(options, OPTIONS)).to.deep.equal(errors));
  }

  const SOURCES = 'name where it comes from: passwordFile, passwordEnv, passwordCommand, netrc or ask';
  const WITH_CREDENTIALS = v.strictObject({ credentials: v.optional(credentialsSchema), url: v.optional(v.string()) });
  for (const key of ['password', 'passwd', 'pass', 'Secret', 'token']) {
    it(`{ ${key}: … }: where a password can come from`, async () => {
      const said = 'a password cannot be written in a config';
      expect(await refusals({ [key]: 'PW' }, WITH_CREDENTIALS)).to.deep.equal([
        `${key}/key: ${said}; ${SOURCES.replace('from:', 'from, under "credentials":')}`,
      ]);
      expect(await refusals({ credentials: { [key]: 'PW' } }, WITH_CREDENTIALS)).to.deep.equal([
        `credentials/${key}/key: ${said}; ${SOURCES}`,
      ]);
    });
  }
  it('a misspelt source of a password is a misspelt key', async () =>
    expect(await refusals({ credentials: { passwordFiel: '/f' } }, WITH_CREDENTIALS)).to.deep.equal([
      'credentials/passwordFiel/key: unknown option "passwordFiel" in "credentials"; did you mean "passwordFile"?',
    ]));

  const JSON_SCHEMA = { type: 'object', properties: { size: { type: 'number' } } };
  const FOREIGN: readonly (readonly [options: Record<string, unknown>, schema: StandardSchema, message: string])[] = [
    [
      { size: 'PW' },
      saying('must be a number (was "PW")', ['size'], JSON_SCHEMA),
      'size/value: option "size": must be a number',
    ],
    [{ size: 'PW' }, saying('PW is bad', ['size'], JSON_SCHEMA), 'size/value: option "size": is not valid'],
    [
      { size: 'PW' },
      saying('Invalid, so PW', ['size'], JSON_SCHEMA),
      'size/value: option "size": must be a number, not a text',
    ],
    [
      { size: 5 },
      saying('Invalid: it must be odd', ['size'], JSON_SCHEMA),
      'size/value: option "size": Invalid: it must be odd',
    ],
    [
      { size: 1, PW: 2 },
      saying('Unrecognized key: "PW"', [], JSON_SCHEMA),
      'PW/unknown-key: unknown option; use one of: size',
    ],
    [
      { siez: 1 },
      saying('Unrecognized key: "siez"', [], JSON_SCHEMA),
      'siez/key: unknown option "siez"; did you mean "size"?',
    ],
    [
      { siez: 1 },
      saying('siez must be removed', ['siez'], JSON_SCHEMA),
      'siez/key: unknown option "siez"; did you mean "size"?',
    ],
    [{ size: 'a' }, saying('a size must be a number', [], undefined), 'value: is not valid'],
    [{ size: 'P' }, saying('a Prime number is needed', [], JSON_SCHEMA), 'value: a Prime number is needed'],
    [{ size: 'PW' }, saying('must be a number', ['size']), 'size/unknown-key: option "***": must be a number'],
    [{ other: 1 }, saying('is missing', ['size']), 'size/value: option "size": is missing'],
  ];
  for (const [options, schema, message] of FOREIGN) {
    it(`of a library of somebody else, ${JSON.stringify(options)}: ${message}`, async () => {
      expect(await refusals(options, schema)).to.deep.equal([message]);
    });
  }

  it('does not take the alternatives of a value for its keys', async () => {
    const route = v.union(
      [v.looseObject({ strategy: v.string() }), v.strictObject({ use: v.string() })],
      'must be a route',
    );
    const schema = v.strictObject({ routes: v.array(route), size: v.number() });
    expect(await refusals({ routes: [{ strategy: 'a', x: 1 }], size: 'PW' }, schema)).to.deep.equal([
      'size/value: option "size": must be a number, not a text',
    ]);
  });

  const SAME = /^size\/value: option "size": must be a number(?:, not a text)?$/;
  const UNKNOWN = 'siez/key: unknown option "siez"; did you mean "size"?';
  const NEEDED = 'needed/value: "needed" is missing: what it needs';
  const described = 'what it needs';
  const LIBRARIES: readonly (readonly [name: string, schema: StandardSchema])[] = [
    ['valibot', v.strictObject({ size: v.optional(v.number()), needed: v.pipe(v.string(), v.description(described)) })],
    ['zod', z.strictObject({ size: z.number().optional(), needed: z.string().describe(described) })],
    ['arktype', type({ 'size?': 'number', needed: type('string').describe(described), '+': 'reject' })],
  ];
  for (const [name, schema] of LIBRARIES) {
    it(`sound alike with ${name}`, async () => {
      const [wrong, ...more] = await refusals({ size: 'PW', needed: 'x' }, schema);
      expect(wrong).to.match(SAME);
      expect(more).to.deep.equal([]);
      expect(await refusals({ siez: 5, needed: 'x' }, schema)).to.deep.equal([UNKNOWN]);
      const [stray, hunter, needed] = (await refusals({ siez: 5, PW: 6 }, schema)).sort().reverse();
      expect([stray, needed && hunter]).to.deep.equal([UNKNOWN, NEEDED]);
      expect(needed).to.match(/^PW\/unknown-key: unknown option; use one of: /);
    });
  }
});
