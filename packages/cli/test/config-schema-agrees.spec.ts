import { formatError, type Strategy, type StrategyHost } from '@fdpass/core';
import { configJsonSchema, loadFramework } from '@fdpass/core/host';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import * as v from 'valibot';
import * as z from 'zod';
import { BUILTIN } from '../dist/builtin.js';

interface Tree {
  readonly name: string;
  readonly children?: readonly Tree[] | undefined;
}
const tree: z.ZodType<Tree> = z.object({
  name: z.string(),
  get children() {
    return z.array(tree).optional();
  },
});

const kinds = [
  { kind: 'a', word: 'string' },
  { kind: 'b', word: 'number' },
] as const;

/** Strategies of third parties whose schemas are more than a mapping of options. */
const PLUGINS: readonly Strategy[] = Object.entries({
  'zod-union': z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal(kinds[0].kind), word: z.string() }),
    z.strictObject({ kind: z.literal(kinds[1].kind), word: z.number() }),
  ]),
  'valibot-union': v.variant('kind', [
    v.strictObject({ kind: v.literal(kinds[0].kind), word: v.string() }),
    v.strictObject({ kind: v.literal(kinds[1].kind), word: v.number() }),
  ]),
  'zod-tree': z.strictObject({ tree }),
  'zod-open': z.object({ size: z.number().optional() }),
  'zod-record': z.record(z.string(), z.number().or(z.string())),
  'falls-back': v.strictObject({ size: v.fallback(v.number(), 3) }),
  'without-schema': undefined,
}).map(
  ([name, optionsSchema]) =>
    ({ name, optionsSchema, shorthand: 'routes', create: (_: unknown, host: StrategyHost) => host.forward }) as never,
);

const use = (hop: unknown): object => ({ rules: [{ use: hop }] });

/** What validation takes: an editor that marks it would be wrong. */
const GOOD: readonly unknown[] = [
  { hops: { 'site:corp': 'direct' }, ...use('site:corp') },
  use('SOCKS5H://proxy.example'),
  use({ 'first-of': ['direct'] }),
  use({ 'happy-eyeballs': { family: 4 } }),
  use({ strategy: 'zod-union', kind: 'a', word: 'x' }),
  use({ strategy: 'valibot-union', kind: 'b', word: 7 }),
  use({ zodUnion: { kind: 'b', word: 7 } }),
  use({ strategy: 'zod-tree', tree: { name: 'a', children: [{ name: 'b' }] } }),
  use({ zodTree: { tree: { name: 'a', children: [{ name: 'b' }] } } }),
  use({ zodOpen: ['direct'] }),
  use({ strategy: 'zod-record', a: 1 }),
  use({ strategy: 'falls-back' }),
  use({ strategy: 'falls-back', size: 'big' }),
  use({ withoutSchema: ['direct'] }),
];

const BAD: readonly unknown[] = [
  use('gopher://proxy.example'),
  use({ strategy: 'firstOf', routes: ['direct'] }),
  use({ 'first-of': [] }),
  use({ 'first-of': ['direct'], firstOf: ['direct'] }),
  { rules: [{ local_network: '10.0.0.0/8', use: 'direct' }] },
  { rules: [{ host: [], use: 'direct' }] },
  use({ strategy: 'happy-eyeballs', first_family: 4 }),
  use({ strategy: 'zod-union', kind: 'a', word: 7 }),
  use({ strategy: 'zod-union', kind: 'c', word: 'x' }),
  use({ strategy: 'valibot-union', kind: 'b', word: 'x' }),
  use({ strategy: 'valibot-union', kind: 'a', word: 'x', more: 1 }),
  use({ strategy: 'zod-tree', tree: { name: 'a', children: [{ name: 1 }] } }),
  use({ zodTree: { tree: { name: 'a', children: [{ name: 1 }] } } }),
  use({ zodOpen: { size: 'big' } }),
];

describe("the config's JSON Schema and validation", () => {
  let objection: (config: unknown) => string | undefined;
  const strategies = [...BUILTIN, ...PLUGINS];

  before(async () => {
    const { registry } = await loadFramework({ strategies, defaultStrategy: 'direct', config: false });
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(await configJsonSchema(registry));
    objection = (config) => (validate(config) ? undefined : JSON.stringify(validate.errors));
  });

  async function objectionByCheck(content: unknown): Promise<string | undefined> {
    try {
      const config = { content, baseDir: '/' };
      const { router } = await loadFramework({ strategies, defaultStrategy: 'direct', config });
      const [first] = await router.check();
      return first && formatError(first);
    } catch (error) {
      return formatError(error);
    }
  }

  for (const config of GOOD) {
    it(`both take ${JSON.stringify(config)}`, async () => {
      expect([await objectionByCheck(config), objection(config)]).to.deep.equal([undefined, undefined]);
    });
  }

  for (const config of BAD) {
    it(`both refuse ${JSON.stringify(config)}`, async () => {
      expect(await objectionByCheck(config)).to.be.a('string');
      expect(objection(config)).to.be.a('string');
    });
  }
});
