import { expect } from 'chai';
import * as v from 'valibot';
import { socketOptionEntries } from '../options/socket.js';
import { delay, hostText, pathText, port, routeList, urlText } from '../options/values.js';
import { StrategyRegistry } from '../strategy/registry.js';
import type { StandardSchema, Strategy } from '../strategy/strategy.js';
import type { Hop, HopScope } from './hop.js';
import { isShownConfig } from './show-config.js';
import { showOptions, showUse } from './show-hops.js';

const OPTIONS = v.strictObject({
  url: v.optional(urlText('')),
  hosts: v.optional(v.array(hostText)),
  port: v.optional(port),
  file: v.optional(pathText),
  after: v.optional(delay),
  mode: v.optional(v.picklist(['a', 'b'])),
  userId: v.optional(v.string()),
  flag: v.optional(v.boolean()),
  headers: v.optional(v.record(v.string(), v.string())),
  credentials: v.optional(v.strictObject({ username: v.optional(v.string()), passwordFile: v.optional(pathText) })),
  routes: v.optional(routeList),
  ...socketOptionEntries,
});

/** A library of somebody else that can describe its schemas as JSON Schema. */
function foreignSchema(json: object | undefined): StandardSchema {
  const jsonSchema = json && { input: () => json };
  return {
    '~standard': { version: 1, vendor: 'acme', validate: (value) => ({ value }), ...(jsonSchema && { jsonSchema }) },
  };
}

function strategy(name: string, optionsSchema?: StandardSchema, more: Partial<Strategy> = {}): Strategy {
  const create = () => ({ dial: () => Promise.reject(new Error('not dialled')) });
  return { name, create, ...(optionsSchema && { optionsSchema }), ...more };
}

const FOREIGN = {
  type: 'object',
  properties: {
    size: { type: 'integer' },
    where: {
      anyOf: [
        { type: 'string', format: 'ipv4' },
        { type: 'string', format: 'hostname' },
      ],
    },
    page: { type: 'string', format: 'uri' },
    kind: { const: 'x' },
    text: { type: 'string' },
  },
};

function scopeOf(hops: Readonly<Record<string, unknown>> = {}): HopScope {
  const registry = new StrategyRegistry();
  registry.register(strategy('net', OPTIONS, { schemes: ['net'], shorthand: 'routes' }));
  registry.register(strategy('acme', foreignSchema(FOREIGN)));
  registry.register(strategy('mute', foreignSchema(undefined)));
  registry.register(strategy('plain'));
  return { registry, hops: new Map(Object.entries(hops).map(([name, spec]) => [name, { spec, baseDir: '/' }])) };
}

describe('hops as explain shows them', () => {
  const SHOWN: readonly (readonly [options: object, strategy?: string])[] = [
    [{ port: 22, flag: true, mode: 'a', after: '250ms' }],
    [{ url: 'net://proxy:1', hosts: ['a.example', '[2001:db8::1]:22'], file: '~/.ssh/x' }],
    [{ dscp: 'ef', keepAlive: { idle: '60s' }, bindAddress: '192.0.2.1', mark: 5 }],
    [{ routes: ['corp', 'net', { strategy: 'net', port: 1 }, ['corp', 'net://p:1']] }],
    [{ size: 5, where: 'proxy.example', page: 'https://h.example', kind: 'x' }, 'acme'],
    [{}, 'plain'],
  ];
  for (const [options, name = 'net'] of SHOWN) {
    it(`show all of ${JSON.stringify(options)}`, async () => {
      const scope = scopeOf({ corp: 'net' });
      const hop = { entry: scope.registry.entry(name), options, settings: [] as const } as unknown as Hop;
      expect(await showOptions(hop, scope)).to.deep.equal(options);
    });
  }

  const MASKED: readonly (readonly [options: object, shown: object, strategy?: string])[] = [
    [{ url: 'net://u:PW@proxy:1' }, { url: 'net://***@proxy:1' }],
    [{ hosts: ['PW@a.example', 'a:PW'] }, { hosts: ['***@a.example', '***'] }],
    [
      { port: 'PW', file: 'PW', after: 'PW', mode: 'PW' },
      { port: '***', file: '***', after: '***', mode: '***' },
    ],
    [
      { userId: 'PW', dscp: 'PW', bindInterface: 'PW' },
      { userId: '***', dscp: '***', bindInterface: '***' },
    ],
    [
      { port: 99999, mark: -1 },
      { port: '***', mark: '***' },
    ],
    [
      { userId: 4711, flag: 'PW' },
      { userId: '***', flag: '***' },
    ],
    [{ headers: { Authorization: 'Bearer PW', 'PW:x': 'y' } }, { headers: { Authorization: '***', '***': '***' } }],
    [
      { credentials: { username: 'PW', password: 'PW', passwordFile: '/f' } },
      { credentials: { username: '***', '***': '***', passwordFile: '/f' } },
    ],
    [{ PW: 1 }, { '***': '***' }],
    [
      { url: ['PW'], hosts: 'PW', routes: { PW: 1 } },
      { url: '***', hosts: '***', routes: '***' },
    ],
    [
      { routes: ['PW', 'PW://x', { strategy: 'PW' }, { PW: {} }, 5, { strategy: 'net', userId: 'PW' }] },
      { routes: ['***', '***', '***', '***', '***', { strategy: 'net', userId: '***' }] },
    ],
    [
      { text: 'PW', where: 'P W', size: 'PW', kind: 'PW' },
      { text: '***', where: '***', size: '***', kind: '***' },
      'acme',
    ],
    [{ page: 'https://u:PW@h/PW?PW' }, { page: 'https://***@h/***?***' }, 'acme'],
    [{ size: 5 }, { '***': '***' }, 'mute'],
    [{ size: 5 }, { '***': '***' }, 'plain'],
  ];
  for (const [options, shown, name = 'net'] of MASKED) {
    it(`show ${JSON.stringify(options)} of ${name} as ${JSON.stringify(shown)}`, async () => {
      const scope = scopeOf();
      const hop = { entry: scope.registry.entry(name), options, settings: [] as const } as unknown as Hop;
      expect(await showOptions(hop, scope)).to.deep.equal(shown);
    });
  }

  const USES: readonly (readonly [use: unknown, shown: unknown])[] = [
    ['corp', 'corp'],
    ['u:PW@h', '***'], // a hop can have such a name
    ['net://PW@h', 'net://***@h'],
    [{ net: ['corp'] }, { net: ['corp'] }],
    [{ net: { userId: 'PW' } }, { net: { userId: '***' } }],
    [{ acme: 'PW' }, { acme: '***' }],
    [{ strategy: 7 }, '***'],
    [{ net: {}, PW: 1 }, '***'],
    [{}, '***'],
    [null, '***'],
  ];
  for (const [use, shown] of USES) {
    it(`show the route ${JSON.stringify(use)} as ${JSON.stringify(shown)}`, async () => {
      expect(await showUse(use, scopeOf({ corp: 'net', 'u:PW@h': 'net' }))).to.deep.equal(shown);
    });
  }
});

describe('a config of which everything can be shown', () => {
  const CASES: readonly (readonly [
    what: string,
    isShown: boolean,
    parts: object,
    hops?: Readonly<Record<string, unknown>>,
  ])[] = [
    ['has rules and hops without free text', true, {}, { corp: { strategy: 'net', port: 22 } }],
    ['has no user-info', false, { use: 'net://u:PW@h' }],
    ['has no user-info behind a blank', false, { use: { strategy: 'net', url: ' net://u:PW@h' } }],
    ['has no option without a schema', false, { use: { strategy: 'plain', token: 'PW' } }],
    ['has no free text in a hop that no rule uses', false, {}, { corp: { strategy: 'net', userId: 'PW' } }],
    ['has no odd name of a hop', false, {}, { 'u:PW@h': 'net' }],
    ['has a plain name of a rule', true, { name: 'work' }],
    ['has no odd name of a rule', false, { name: 'u:PW' }],
    [
      'has plain patterns',
      true,
      { host: ['*.example', '!10.0.0.0/8', '[2001:db8::1]', 'unix/*', 'fe80::1%eth0', 'büro'] },
    ],
    ['has no odd patterns', false, { user: ['PW@host'] }],
    ['has no pattern that is a URL', false, { user: ['http://u:PW'] }],
    ['has no interface that is not here', false, { bindInterface: 'PW' }],
    [
      'has conditions',
      true,
      { conditions: { profile: [{ source: 'home' }], not: { interface: [{ source: '!wg*' }] } } },
    ],
    ['has name servers', true, { settings: { dns: ['10.0.0.53', '[2001:db8::53]:5353'], resolve: 'here' } }],
    ['has one name server', true, { settings: { dns: '10.0.0.53' } }],
    ['has no odd condition', false, { conditions: { not: { profile: [{ source: 'http://u:PW' }] } } }],
    ['has programs by their path', true, { conditions: { exec: { command: ['./at-home'] } } }],
    ['has no program that is a word', false, { conditions: { exec: { command: ['PW'] } } }],
    ['has no arguments of programs', false, { conditions: { not: { exec: { command: ['/bin/x', 'PW'] } } } }],
  ];
  for (const [what, isShown, { bindInterface, ...rule }, hops = {}] of CASES as readonly (readonly [
    string,
    boolean,
    { bindInterface?: string } & Readonly<Record<string, unknown>>,
    Readonly<Record<string, unknown>>?,
  ])[]) {
    it(what, async () => {
      const matchers = Object.entries(rule).filter(([, value]) => Array.isArray(value)) as [string, string[]][];
      const lists = matchers.map(([key, sources]) => [key, sources.map((source) => ({ source }))]);
      const scope = scopeOf(hops);
      const config = {
        hops: scope.hops,
        rules: [{ use: 'net', ...rule, ...Object.fromEntries(lists) }],
        defaults: { timeoutMs: 0, socket: { keepAlive: true, ...(bindInterface !== undefined && { bindInterface }) } },
      };
      expect(await isShownConfig(config as never, scope)).to.equal(isShown);
    });
  }

  it('has no strategy whose code cannot be loaded', async () => {
    const scope = scopeOf({ broken: { strategy: 'broken', port: 1 } });
    scope.registry.register({ name: 'broken', load: () => Promise.reject(new Error('gone')) });
    const config = { hops: scope.hops, rules: [], defaults: { timeoutMs: 0, socket: { keepAlive: true } } };
    expect(await isShownConfig(config as never, scope)).to.equal(false);
  });
});
