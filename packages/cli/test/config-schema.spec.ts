import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatError, type Strategy, socketOptionEntries } from '@fdpass/core';
import { configJsonSchema, loadFramework, SETTING_KEYS, StrategyRegistry } from '@fdpass/core/host';
import { temporaryFolder } from '@fdpass/test-lab';
import { Ajv } from 'ajv';
import { expect } from 'chai';
import * as v from 'valibot';
import { parse } from 'yaml';
import { BUILTIN } from '../dist/builtin.js';
import { builtinFramework } from '../dist/command-framework.js';
import { formatConfigSchema } from '../dist/config-schema.js';
import { fdpass } from './commands.spec.helper.js';
import { blocksOf, docPages, placeOf, ROOT } from './doc-blocks.spec.helper.js';

/** What JSON Schema says is wrong with a config, or nothing. */
function objectionBy(schema: object): (config: unknown) => string | undefined {
  const validate = new Ajv({ strict: false, validateFormats: false, allErrors: false }).compile(schema);
  return (config) => (validate(config) ? undefined : (validate.errors ?? []).map(({ message }) => message).join('; '));
}

/** What fdpass says is wrong with a config, or nothing. */
async function objectionByCheck(content: unknown): Promise<string | undefined> {
  try {
    const [first] = await (await builtinFramework({ content, baseDir: '/' })).router.check();
    return first && formatError(first);
  } catch (error) {
    return formatError(error);
  }
}

const use = (hop: unknown): object => ({ rules: [{ use: hop }] });

const GOOD: readonly unknown[] = [
  {},
  { defaults: null, hops: null, rules: null },
  { $schema: './schema.json', rules: [] },
  use('direct'),
  use('socks5h://127.0.0.1:9050'),
  use('jump://me@host.example'),
  { hops: { corp: 'http://proxy.example', tor: 'socks5h://tor.example' }, ...use(['corp', 'tor']) },
  use({ strategy: 'direct', bindInterface: 'eth1', keepAlive: { idle: '30s', count: 3 } }),
  use({ strategy: 'happy-eyeballs', attemptDelay: '100ms', family: 4 }),
  use({ firstOf: ['direct', 'socks5h://127.0.0.1:1'] }),
  use({ race: [{ use: 'direct' }, { use: 'happy-eyeballs', delay: '1s' }] }),
  use({ race: { routes: ['direct'], stagger: '100ms', grace: 0 } }),
  use({ hosts: ['a.example', 'b.example'] }),
  use({ strategy: 'srv', service: '_ssh._tcp' }),
  use({ strategy: 'http-connect', url: 'http://proxy.example:3128', credentials: { passwordEnv: 'PASS' } }),
  use({ strategy: 'command', command: ['nc', '%h', '%p'], patience: 2 }),
  use({ strategy: 'jump', hosts: ['a', 'b'] }),
  use({ strategy: 'local', path: '/run/socket' }),
  { rules: { host: '*.example', port: 22, timeout: '1m', use: 'direct' } },
  {
    rules: [
      {
        host: ['*.example', '!x.example'],
        port: ['2200-2299', 22],
        user: 'root',
        alias: ['a'],
        localNetwork: '10.0.0.0/8',
        use: 'direct',
      },
    ],
  },
  { defaults: { timeout: 10, noDelay: true, dscp: 'ef' } },
];

const BAD: readonly unknown[] = [
  [],
  'rules',
  { ruels: [] },
  use({ race: { routes: ['direct'], stagger: 100 } }),
  use({ race: { routes: ['direct'], stagger: '100' } }),
  use({ strategy: 'happy-eyeballs', attemptDelay: 250 }),
  { rules: [{ hots: 'x', use: 'direct' }] },
  { rules: [{ host: 'x' }] },
  { rules: [{ host: 7, use: 'direct' }] },
  { rules: [{ port: [], use: 'direct' }] },
  { rules: [{ timeout: 'soon', use: 'direct' }] },
  { rules: [{ use: 7 }] },
  { rules: [{ use: '' }] },
  { rules: [{ use: [] }] },
  { defaults: { timeout: '-1s' } },
  { defaults: { keepAlive: 'often' } },
  { defaults: { dscp: 64 } },
  { hops: ['a'] },
  { plugins: [1] },
  use('gopher://proxy.example'),
  use({ strategy: 'direkt' }),
  use({ strategy: 'direct', bindInterfaec: 'eth1' }),
  use({ strategy: 'direct', bindPort: 65_536 }),
  use({ strategy: 'happy-eyeballs', attemptDelay: 'quick' }),
  use({ strategy: 'socks' }),
  use({ strategy: 'socks', url: 7 }),
  use({ strategy: 'socks', url: 'socks5h://h', credentials: { password: 'secret' } }),
  use({ firstOf: [] }),
  use({ firstOf: [7] }),
  use({ strategy: 'command', command: [] }),
  use({ strategy: 'command', command: 'nc' }),
  use({ nothing: ['direct'] }),
];

describe("the config's JSON Schema", () => {
  let objection: (config: unknown) => string | undefined;
  before(async () => {
    objection = objectionBy(JSON.parse(await formatConfigSchema()));
  });

  it('is the one that the build puts into the package', async () => {
    const shipped = readFileSync(join(ROOT, 'packages/cli/schema/config.schema.json'), 'utf8');
    expect(shipped).to.equal(await formatConfigSchema());
  });

  for (const config of GOOD) {
    it(`takes, as validation does: ${JSON.stringify(config)}`, async () => {
      expect([objection(config), await objectionByCheck(config)]).to.deep.equal([undefined, undefined]);
    });
  }

  for (const config of BAD) {
    it(`refuses, as validation does: ${JSON.stringify(config)}`, async () => {
      expect(await objectionByCheck(config)).to.be.a('string');
      expect(objection(config)).to.be.a('string');
    });
  }

  it('takes every example in the docs', () => {
    const examples = docPages()
      .flatMap((page) => blocksOf(page))
      .filter(({ language, noRun, code }) => /yaml|json/.test(language) && !noRun && !/^plugins: \["/m.test(code));
    const refused = examples.map((block) => [placeOf(block), objection(parse(block.code))]).filter(([, what]) => what);
    expect(refused).to.deep.equal([]);
    expect(examples.length).to.be.greaterThan(10);
  });

  it('describes every key and every option', async () => {
    const { properties, definitions } = JSON.parse(await formatConfigSchema());
    const undescribed = (
      place: string,
      of: { properties?: Record<string, { description?: string; anyOf?: { description?: string }[] }> },
    ) =>
      Object.entries(of.properties ?? {})
        .filter(
          ([, { description, anyOf = [] }]) => ![description, ...anyOf.map((each) => each.description)].some(Boolean),
        )
        .map(([key]) => `${place}.${key}`);
    const options = Object.entries<object>(definitions).filter(([name]) => name.endsWith('-options'));
    expect([
      ...undescribed('config', { properties }),
      ...options.flatMap(([name, of]) => undescribed(name, of)),
    ]).to.deep.equal([]);
  });

  it('has the keys that docs/configuration.md has, and the options that each README has', async () => {
    const { properties, definitions } = JSON.parse(await formatConfigSchema());
    const page = readFileSync(join(ROOT, 'docs/configuration.md'), 'utf8');
    const rule = definitions && (properties.rules.anyOf[0].anyOf[0].properties as object);
    for (const key of [...Object.keys(properties), ...Object.keys(rule)])
      expect(page, key).to.match(new RegExp(`\`${key.replace('$', '\\$')}\`|^  *-? *${key}:|^${key}:`, 'm'));
    const wrong = BUILTIN.flatMap(({ name }) => {
      const folder = folderOf(name);
      const readme = readFileSync(join(ROOT, `packages/strategy-${folder}/README.md`), 'utf8');
      const options = Object.keys(definitions[`${name}-options`].properties ?? {});
      const ofDirect = name === 'happy-eyeballs' ? Object.keys(socketOptionEntries) : []; // "every option of direct"
      const inherited = [...SETTING_KEYS, ...ofDirect];
      const isShown = (option: string): boolean =>
        new RegExp(`\`${option}[.\`]`).test(readme) || inherited.includes(option);
      const missing = options.filter((option) => !isShown(option) && !/^(url|routes)$/.test(option));
      return missing.map((option) => `${name} has ${option}, which its README has not`);
    });
    expect(wrong).to.deep.equal([]);
  });

  it('has every option that a README lists', async () => {
    const { definitions } = JSON.parse(await formatConfigSchema());
    const listed = BUILTIN_FOLDERS.flatMap(([folder, names]) => {
      const known = names.flatMap((name) => optionPaths(definitions[`${name}-options`].properties ?? {}));
      const readme = readFileSync(join(ROOT, `packages/strategy-${folder}/README.md`), 'utf8');
      return optionsInTables(readme).map((option) => ({
        place: `${folder}: ${option}`,
        isKnown: known.includes(option),
      }));
    });
    expect(listed.filter(({ isKnown }) => !isKnown).map(({ place }) => place)).to.deep.equal([]);
    expect(listed.length).to.be.greaterThan(30);
  });
});

/** The package of a strategy, without `strategy-`. */
function folderOf(name: string): string {
  return { 'first-of': 'choice', race: 'choice', hosts: 'choice', jump: 'command' }[name] ?? name;
}

/** Each package with the strategies in it. */
const BUILTIN_FOLDERS: readonly (readonly [folder: string, names: readonly string[]])[] = [
  ...new Set(BUILTIN.map(({ name }) => folderOf(name))),
].map((folder) => [folder, BUILTIN.map(({ name }) => name).filter((name) => folderOf(name) === folder)]);

/** The names of options, and of those within them as `tls.ca`. */
function optionPaths(properties: object): string[] {
  return Object.entries(properties).flatMap(([name, of]: [string, { properties?: object }]) => [
    name,
    ...Object.keys(of.properties ?? {}).map((inner) => `${name}.${inner}`),
  ]);
}

/** The first words of the rows of the tables that have `option` above them. */
function optionsInTables(readme: string): string[] {
  const tables = readme.split(/\n\n/).filter((part) => /^\| option/.test(part));
  return tables
    .flatMap((table) => [...table.matchAll(/^\| ((?:`[\w.]+`(?:, )?)+) \|/gm)])
    .flatMap(([, names = '']) => names.replaceAll('`', '').split(', '));
}

describe("plugins in the config's JSON Schema", () => {
  const standard = (more: object): Strategy['optionsSchema'] =>
    ({ '~standard': { version: 1, vendor: 'somebody', validate: (value: unknown) => ({ value }), ...more } }) as never;
  const create: Strategy['create'] = (_, host) => host.forward;
  const size = { type: 'object', properties: { size: { type: 'number', description: 'how big' } }, required: ['size'] };

  async function objectionWith(...strategies: readonly Strategy[]): Promise<(config: unknown) => string | undefined> {
    const registry = new StrategyRegistry();
    for (const strategy of strategies) registry.register(strategy);
    return objectionBy(await configJsonSchema(registry));
  }

  it('have the options that their library tells', async () => {
    const asked: unknown[] = [];
    const jsonSchema = {
      input: (options: unknown) => {
        asked.push(options);
        return size;
      },
    };
    const objection = await objectionWith({ name: 'sized', optionsSchema: standard({ jsonSchema }) as never, create });
    expect(asked[0]).to.deep.equal({ target: 'draft-07' });
    expect(objection(use({ strategy: 'sized', size: 7 }))).to.equal(undefined);
    expect(objection(use({ sized: { size: 7 } }))).to.equal(undefined);
    expect(objection(use({ strategy: 'sized', size: 'big' }))).to.be.a('string');
    expect(objection(use({ strategy: 'sized' }))).to.be.a('string');
  });

  it('have the options of a valibot schema', async () => {
    const optionsSchema = v.strictObject({
      kind: v.picklist(['a', 'b']),
      list: v.optional(v.array(v.pipe(v.number(), v.integer(), v.maxValue(9)))),
      map: v.optional(v.record(v.string(), v.boolean())),
      word: v.optional(v.pipe(v.string(), v.regex(/^[a-z]+$/), v.maxLength(5))),
      odd: v.optional(v.date()),
    });
    const objection = await objectionWith({ name: 'mine', optionsSchema, create } as never);
    const with_ = (more: object): string | undefined => objection(use({ strategy: 'mine', kind: 'a', ...more }));
    for (const good of [{}, { list: [1, 9] }, { map: { x: true } }, { word: 'abc' }, { odd: 'anything' }])
      expect(with_(good), JSON.stringify(good)).to.equal(undefined);
    for (const bad of [
      { kind: 'c' },
      { list: [10] },
      { list: [1.5] },
      { map: { x: 1 } },
      { word: 'abcdef' },
      { word: 'A' },
      { more: 1 },
    ])
      expect(with_(bad), JSON.stringify(bad)).to.be.a('string');
  });

  it('have open options where nobody can tell', async () => {
    const throwing = standard({
      jsonSchema: {
        input: () => {
          throw new Error('cannot say');
        },
      },
    });
    const objection = await objectionWith(
      { name: 'silent', optionsSchema: standard({}) as never, create },
      { name: 'throwing', optionsSchema: throwing as never, create },
      { name: 'without', create },
    );
    for (const strategy of ['silent', 'throwing', 'without'])
      expect(objection(use({ strategy, anything: { goes: true } }))).to.equal(undefined);
  });

  it('are printed by fdpass schema, from the config that names them', async () => {
    const folder = temporaryFolder();
    try {
      const code = `export const it = { name: 'it', create: (o, f) => f, optionsSchema: { '~standard': { version: 1, vendor: 'x',
  validate: (value) => ({ value }), jsonSchema: { input: () => (${JSON.stringify(size)}) } } } };\n`;
      writeFileSync(join(folder.path, 'plugin.mjs'), code, { mode: 0o600 });
      const config = join(folder.path, 'config.yaml');
      writeFileSync(config, 'plugins: ["./plugin.mjs"]\n', { mode: 0o600 });
      const { status, stdout, stderr } = await fdpass(['schema', '--config', config]);
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(JSON.parse(stdout).definitions['it-options'].properties).to.deep.include(size.properties);
      expect((await fdpass(['schema', 'extra'])).status).to.equal(64);
    } finally {
      folder.remove();
    }
  });

  it('are the same whoever composes the framework', async () => {
    const { registry } = await loadFramework({ strategies: BUILTIN, defaultStrategy: 'direct', config: false });
    expect(`${JSON.stringify(await configJsonSchema(registry), null, 2)}\n`).to.equal(await formatConfigSchema());
  });
});
