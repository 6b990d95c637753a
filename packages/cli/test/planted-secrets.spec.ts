import { inspect } from 'node:util';
import { configJsonSchema, type JsonSchema, StrategyRegistry } from '@fdpass/core/host';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { builtinStrategies, createDialer } from '../dist/index.js';
import { everythingOf, Listener } from './planted.spec.helper.js';

/*
 * A marker in every place of a config, in every wrong form: nothing that fdpass says or caches may have it. The marker has a
 * character that no host name has, since a host name is shown as such; and as a number it is out of every range.
 */
const MARK = 'Pl4nted!';
const NUMBER = 471147114711;
const LEAK = /pl4nted|471147114711/i;

/** URLs of proxies, right and wrong. */
const URLS = ['http', 'socks5h+tls', 'jump', 'gopher'].flatMap((scheme) => [
  `${scheme}://u:${MARK}@127.0.0.1:1`,
  `${scheme}://${MARK}@127.0.0.1:1`,
  ` ${scheme}://u:${MARK}@127.0.0.1:1`,
  `"${scheme}://u:${MARK}@127.0.0.1:1"`,
  `${scheme}//u:${MARK}@127.0.0.1:1`,
  `${scheme}:u:${MARK}@127.0.0.1:1`,
  `${scheme}://u:${MARK}`,
  `${scheme}://u:${MARK}@`,
  `${scheme}://u:${MARK}@127.0.0.1:x`,
  `${scheme}://u:a/${MARK}@127.0.0.1:1`,
  `${scheme}://u:a?${MARK}@127.0.0.1:1`,
  `${scheme}://u:\n${MARK}@127.0.0.1:1`,
  `${scheme}://127.0.0.1:1/${MARK}`,
  `${scheme}://127.0.0.1:1/?${MARK}`,
  `${scheme}://127.0.0.1:1#${MARK}`,
  `${scheme}://${MARK}`,
  `${scheme}://127.0.0.1:${NUMBER}`,
]);
const WORDS = [
  ...URLS,
  `u:${MARK}@127.0.0.1:1`,
  `//u:${MARK}@127.0.0.1:1`,
  `${MARK}@127.0.0.1`,
  `${MARK}://127.0.0.1`,
  `${MARK}\0`,
  MARK,
  MARK.repeat(40),
];

/** For programs, whose words are text to us, each form with a scheme that we know and one that we do not: each takes six processes. */
const PROGRAM_WORDS = WORDS.filter((word) => !/^ ?"?(socks5h\+tls|jump)(:|\/\/)/.test(word));

/** Values of every type. */
const VALUES: readonly unknown[] = [
  MARK,
  NUMBER,
  `${MARK} ${MARK}`,
  `-${MARK}`,
  [MARK],
  [NUMBER],
  [[MARK]],
  { [MARK]: 1 },
  { a: MARK },
];

/** The same for each of many options. */
const FEW_VALUES = [MARK, NUMBER, [MARK], { [MARK]: 1 }];

/** Wrong values for what a schema describes, at each depth. */
function wrongFor({ properties, items, anyOf, additionalProperties, type }: JsonSchema): unknown[] {
  const inner = (schema: unknown): unknown[] => wrongFor(schema as JsonSchema);
  // Numbers in range are shown, and this one is in the range of a number without limits.
  const plain = type === 'number' || type === 'integer' ? FEW_VALUES.filter((value) => value !== NUMBER) : FEW_VALUES;
  return [
    ...plain,
    ...Object.entries(properties ?? {}).flatMap(([key, schema]) => inner(schema).map((value) => ({ [key]: value }))),
    ...(typeof items === 'object' ? inner(items).map((value) => [value]) : []),
    ...(typeof additionalProperties === 'object'
      ? inner(additionalProperties).map((value) => ({ 'X-Key': value }))
      : []),
    ...(Array.isArray(anyOf) ? anyOf.flatMap(inner) : []),
  ];
}

/** Texts that are hardly a config: other files, given by mistake, and broken YAML. */
const TEXTS: readonly string[] = [
  MARK,
  `${MARK}\n${MARK}\n`,
  `- ${MARK}`,
  `-----BEGIN OPENSSH PRIVATE KEY-----\n${MARK}\n-----END OPENSSH PRIVATE KEY-----\n`,
  `machine h.example login u password ${MARK}\n`,
  `user,password\nme,${MARK}\n`,
  `PASSWORD=${MARK}\n`,
  `PASSWORD: ${MARK}\n`,
  `[default]\nsecret = ${MARK}\n`,
  `root:$6$${MARK}:19000:0:::\n`,
  `{"${MARK}": {"auths": "${MARK}"}}`,
  `<password>${MARK}</password>`,
  `${MARK}: [`,
  `a: [${MARK}`,
  `a: {${MARK}: 1`,
  `a: "${MARK}`,
  `a: '${MARK}`,
  `a: "\\${MARK}"`,
  `a: *${MARK}`,
  `a: &${MARK} x`,
  `a: !${MARK} x`,
  `a: !!${MARK} x`,
  `%${MARK} x\n---\na: 1`,
  `%YAML 9.9${MARK}\n---\na: 1`,
  `a: @${MARK}`,
  `a: \`${MARK}\``,
  `a: b: ${MARK}`,
  `a: |${MARK}`,
  `a: >9${MARK}\n x`,
  `- a\n ${MARK}: b`,
  `a: 1\na: ${MARK}`,
  `${MARK}: 1\n${MARK}: 2`,
  `? [${MARK}]\n: x`,
  `? {a: ${MARK}}\n: x`,
  `<<: ${MARK}`,
  `a:\n\t${MARK}: 1`,
  `a: 1 ${MARK}: 2`,
  `a: 1\n---\n${MARK}: 2`,
  `a: "x" ${MARK}`,
  `a: [1] ${MARK}`,
  `"${MARK}": "${MARK}" "${MARK}"`,
  `\u0000${MARK}`,
];

const SECTIONS: readonly object[] = [
  ...VALUES.flatMap((value) => [
    { [MARK]: value },
    ...['$schema', 'defaults', 'agent', 'canonical', 'hops', 'rules', 'plugins', 'extends'].map((section) => ({
      [section]: value,
    })),
    ...['domains', 'dns', 'maxDots', MARK].map((key) => ({ canonical: { domains: 'corp.example', [key]: value } })),
  ]),
  ...WORDS.flatMap((word) => [{ plugins: [word] }, { extends: [word] }]),
];

/** What a rule can ask of this machine. */
const CONDITIONS = ['profile', 'interface', 'reachable', 'exec', 'not'];

/** Rules and hops. */
const RULES: readonly object[] = [
  ...VALUES.flatMap((value) => [
    ...['host', 'port', 'user', 'alias', 'localNetwork', 'timeout', 'name', 'use', MARK].map((key) => ({
      rules: [{ [key]: value, use: 'direct' }],
    })),
    ...['dns', 'resolve', ...CONDITIONS].map((key) => ({ rules: [{ [key]: value, use: 'direct' }] })),
    ...[...CONDITIONS, MARK].map((key) => ({ rules: [{ not: { [key]: value }, use: 'direct' }] })),
    { rules: [{ use: { strategy: 'direct', dns: value, resolve: value } }] },
    { rules: [{ host: [{ file: value }], use: 'direct' }] },
    { rules: [{ name: `u:${MARK}`, use: value }] },
    { hops: { corp: value }, rules: [{ use: 'corp' }] },
    { hops: { [`u:${MARK}`]: value }, rules: [{ use: `u:${MARK}` }] },
    { rules: [{ use: ['direct', { strategy: value }] }] },
    { rules: [{ use: { strategy: 'direct', [MARK]: value } }] },
    { rules: [{ use: { firstOf: ['direct', { [MARK]: value }] } }] },
  ]),
  ...WORDS.flatMap((word) => [
    { rules: [{ host: word, use: 'direct' }] },
    { rules: [{ host: { file: word }, use: 'direct' }] },
    { rules: [{ profile: word, interface: word, use: 'direct' }] },
    { rules: [{ reachable: word, use: 'direct' }] },
    { rules: [{ dns: word, use: 'direct' }] },
    { rules: [{ user: word, use: 'direct' }] },
    { rules: [{ use: word }] },
    { rules: [{ use: { [word]: {} } }] },
    { hops: { corp: word }, rules: [{ use: ['corp', 'direct'] }] },
    { hops: { [word]: 'direct' }, rules: [{ use: word }] },
    ...['socks', 'http-connect', 'jump', 'env'].map((strategy) => ({ rules: [{ use: { strategy, url: word } }] })),
    { rules: [{ use: { strategy: 'jump', hosts: [word] } }] },
    { rules: [{ use: { firstOf: ['direct', word] } }] },
    { rules: [{ use: { race: [{ use: word, delay: '1s' }, 'direct'] } }] },
    { rules: [{ use: { hosts: [word] } }] },
    { rules: [{ use: { strategy: 'srv', use: word } }] },
    { rules: [{ use: { strategy: 'srv', servers: [word] } }] },
  ]),
  ...PROGRAM_WORDS.flatMap((word) => [
    { rules: [{ exec: [word], use: 'direct' }] },
    { rules: [{ exec: ['/bin/true', word], use: 'direct' }] },
  ]),
];

describe('a secret in the wrong place of a config', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  /** Hears each of many configs, and says in which the marker was shown. */
  async function expectNone<T>(
    cases: readonly T[],
    hear: (listener: Listener, config: T) => Promise<string[]>,
  ): Promise<void> {
    const leaks: unknown[] = [];
    for (const config of cases) {
      const said = await hear(new Listener(folder.path), config);
      const line = said.flatMap((text) => text.split('\n')).find((text) => LEAK.test(text));
      if (line !== undefined) leaks.push([config, line.slice(0, 300)]);
    }
    if (leaks.length > 0)
      expect.fail(`${leaks.length} of ${cases.length}, e.g. ${inspect(leaks.slice(0, 20), { depth: 9 })}`);
  }

  const asFile = (listener: Listener, config: object) => listener.hearFile(JSON.stringify(config), { dials: false });
  const asObject = (listener: Listener, config: object) => listener.hearObject(config);

  it('would be heard in the cache', async () => {
    const said = await new Listener(folder.path).hearFile('rules: { use: { strategy: direct, port: 4711 } }');
    expect(said.filter((text) => text.includes('"stamps"')).join()).to.contain('"port":4711');
  });

  it('that is a plain word in the place of a key of an object', async () => {
    const word = 'hunter2';
    const objects = [
      { [word]: 1 },
      { rules: [{ use: 'direct', [word]: 1 }] },
      { defaults: { [word]: 1 } },
      { rules: [{ use: { [word]: {} } }] },
      { rules: [{ use: ['direct', { strategy: 'socks', [word]: 1 }] }] },
      { rules: [{ use: { strategy: 'http-connect', url: 'http://h', credentials: { [word]: 1 } } }] },
    ];
    for (const object of objects) {
      const said = await new Listener(folder.path).hearObject(object);
      expect(said.join('\n'), JSON.stringify(object)).to.not.contain(word);
    }
  });

  it('that is hardly a config', () => expectNone(TEXTS, (listener, text) => listener.hearFile(text)));

  const CALLS: readonly (readonly [what: string, call: () => unknown])[] = [
    ['an unknown option', () => createDialer({ [MARK]: 1 } as never)],
    ['a wrong limit', () => createDialer({ timeout: MARK })],
    ['a URL without a scheme', () => createDialer(`u:${MARK}@h`).check()],
    ['a URL without a host', () => createDialer(`http://u:${MARK}`).check()],
    ['a plugin', () => createDialer({ plugins: [MARK], baseDir: '/' }).check()],
    ['a plugin without a folder', () => createDialer({ plugins: [MARK] })],
    ['a wrong target', () => createDialer('direct').dial(`u:${MARK}@h:22`)],
    ['a wrong host', () => createDialer('direct').dial({ host: MARK, port: 22 })],
    ['a wrong port', () => createDialer('direct').dial({ host: 'h', port: MARK as never })],
    ['a wrong user', () => createDialer('direct').dial({ host: 'h', port: 22, user: `${MARK};` })],
    ['an unknown part of the target', () => createDialer('direct').dial({ host: 'h', port: 22, [MARK]: 1 } as never)],
    ['an unknown option of a dial', () => createDialer('direct').dial('h:22', { [MARK]: 1 } as never)],
    ['a wrong limit of a dial', () => createDialer('direct').dial('h:22', { timeout: MARK })],
    ['a wrong hop of a dial', () => createDialer('direct').dial('h:22', { via: `http://u:${MARK}` })],
    ['an unknown hop of a dial', () => createDialer('direct').dial('h:22', { via: MARK })],
  ];
  for (const [what, call] of CALLS) {
    it(`that a program gives as ${what}`, async () => {
      const error = await Promise.resolve()
        .then(call)
        .then(
          () => expect.fail('it was not refused'),
          (reason: unknown) => reason,
        );
      expect(everythingOf(error).join('\n')).to.not.match(LEAK);
    });
  }

  for (const [what, cases] of [
    ['sections', SECTIONS],
    ['rules and hops', RULES],
  ] as const) {
    it(`in ${what} of a file`, async () => {
      await expectNone(cases, asFile);
    });
    it(`in ${what} of an object`, async () => {
      await expectNone(cases, asObject);
    });
  }

  it('in every option of every strategy, and in the defaults', async () => {
    const registry = new StrategyRegistry();
    for (const strategy of builtinStrategies) registry.register(strategy);
    const { definitions = {}, properties } = (await configJsonSchema(registry)) as {
      definitions?: Readonly<Record<string, JsonSchema>>;
      properties: Readonly<Record<string, JsonSchema>>;
    };
    const hops = registry.names().flatMap((strategy) => {
      const wrong = wrongFor(definitions[`${strategy}-options`] ?? {}).filter(isMapping);
      return wrong.map((options) => ({ rules: [{ use: { strategy, ...options } }] }));
    });
    const defaults = wrongFor(properties['defaults'] ?? {}).map((value) => ({ defaults: value }));
    const cases = [...hops, ...defaults];
    expect(cases.length).to.be.greaterThan(400);
    await expectNone(cases, asFile);
  });
});

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
