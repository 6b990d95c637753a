import { expect } from 'chai';
import { refusal } from './folder.spec.helper.js';
import { checkContent, type FileContent } from './schema.js';
import { parseSource } from './yaml-source.js';

function check(text: string): FileContent {
  return checkContent(parseSource('/f', text));
}

describe('the config schema', () => {
  it('takes the example of the manual', () => {
    const content = check(`
defaults: { timeout: 30s, keepAlive: true }
hops:
  corp: { strategy: http-connect, url: "http://proxy.corp.example:3128", credentials: { passwordFile: ~/.config/fdpass/corp } }
  tor: socks5h://127.0.0.1:9050
rules:
  - host: "*.onion"
    use: tor
  - host: ["*.corp.example", "!public.corp.example", "10.0.0.0/8"]
    port: [22, "2200-2299"]
    use: [{ strategy: direct, bindInterface: eth1 }, corp, tor]
  - alias: nas
    localNetwork: "192.168.1.0/24"
    use: { firstOf: [ { strategy: direct, host: 192.168.1.10 }, tor ] }
    timeout: 250ms
    name: home
  - use: happy-eyeballs
plugins: ["@acme/fdpass-strategy-vpn", "./my-strategy.js"]
extends: "@acme/fdpass-config"
`);
    expect(content.defaults).to.deep.equal({ timeout: 30_000, keepAlive: true });
    expect(Object.keys(content.hops)).to.deep.equal(['corp', 'tor']);
    expect(content.rules.map(({ use }) => typeof use)).to.deep.equal(['string', 'object', 'object', 'string']);
    expect(content.rules[1]?.host?.map((pattern) => 'source' in pattern && pattern.source)).to.deep.equal([
      '*.corp.example',
      '!public.corp.example',
      '10.0.0.0/8',
    ]);
    expect(content.rules[1]?.port).to.deep.equal([
      { first: 22, last: 22 },
      { first: 2200, last: 2299 },
    ]);
    expect(content.rules[2]).to.include({ timeout: 250, name: 'home' });
    expect(content.rules[3]).to.have.all.keys('use');
    expect([content.plugins.length, content.extends]).to.deep.equal([2, ['@acme/fdpass-config']]);
  });

  it('takes sections that are absent or commented out, and single values for lists', () => {
    const nothing = { defaults: {}, hops: {}, rules: [], plugins: [], extends: [] };
    for (const text of ['{}', '# nothing\n{}', 'rules:\nhops:\ndefaults:\nplugins:\nextends:'])
      expect(check(text)).to.deep.equal(nothing);
    const single = check('rules: { host: a, port: 22, use: direct }\nplugins: ./x.js');
    expect([single.rules.length, single.rules[0]?.host?.length, single.plugins]).to.deep.equal([1, 1, ['./x.js']]);
  });

  const bad: readonly (readonly [what: string, text: string, message: string | RegExp])[] = [
    ['a list for everything', '- a', '/f:1:1: expected the config as a mapping, not a list'],
    ['a text for everything', 'hello', '/f:1:1: expected the config as a mapping, not a text'],
    [
      'an unknown section',
      'a: 1',
      '/f:1:1: the config has no key of this name; use one of: $schema, defaults, agent, canonical, hops, rules, plugins, extends',
    ],
    ['a misspelt section', 'rules: []\nrulse: []', '/f:2:1: the config has no "rulse"; did you mean "rules"?'],
    ["cosmiconfig's own import", '$import: ./x.yaml', '/f:1:1: the config has no "$import"; use "extends"'],
    ['a misspelt matcher', 'rules:\n  - use: a\n    hots: b', '/f:3:5: a rule has no "hots"; did you mean "host"?'],
    [
      'a strategy outside use',
      'rules: [{ host: a, use: b, strategy: c }]',
      '/f:1:28: a rule has no "strategy"; the strategy and its options go under "use"',
    ],
    ['a rule without a route', 'rules:\n  - host: a', '/f:2:5: a rule needs "use"'],
    ['a rule that is a text', 'rules: [a]', '/f:1:9: rules: expected a rule as a mapping, not a text'],
    ['an empty rule', 'rules:\n  -\n', /^\/f:2:\d: rules: expected a rule as a mapping, not nothing$/],
    ['a route that is a number', 'rules: [{ use: 7 }]', /^\/f:1:16: use: expected a hop name, .*, not a number$/],
    ['a route that is nothing', 'rules: [{ use: }]', /^\/f:1:\d+: use: expected .*, not nothing$/],
    ['an empty route', 'rules: [{ use: "" }]', /use: expected .*, not an empty text$/],
    [
      'a host that is a number',
      'rules: [{ host: 7, use: a }]',
      '/f:1:17: host: expected a text, not a number; put it in quotes',
    ],
    ['a host that is a mapping', 'rules: [{ host: { a: 1 }, use: a }]', /^\/f:1:17: a file of patterns needs "file"/],
    ['no hosts', 'rules: [{ host: [], use: a }]', /^\/f:1:17: host: an empty list/],
    [
      'a bad pattern among good ones',
      'rules:\n  - host: [a, "b:22"]\n    use: x',
      '/f:2:15: host: the pattern has a port in it; put the port under "port"',
    ],
    ['only negated hosts', 'rules: [{ host: ["!a"], use: a }]', /^\/f:1:17: host: a list of only negated/],
    [
      'a port that is none',
      'rules: [{ port: [22, 99999], use: a }]',
      /^\/f:1:22: port: this is neither a port nor a range/,
    ],
    ['a port that is true', 'rules: [{ port: true, use: a }]', '/f:1:17: port: expected a port, not true or false'],
    ['no ports', 'rules: [{ port: [], use: a }]', /^\/f:1:17: port: an empty list/],
    [
      'a network that is a name',
      'rules: [{ localNetwork: home, use: a }]',
      /^\/f:1:25: localNetwork: this is not an address/,
    ],
    ['a user that is nothing', 'rules: [{ user: , use: a }]', /user: expected a text, not nothing/],
    ['a duration that is none', 'rules: [{ timeout: soon, use: a }]', /^\/f:1:20: timeout: must be a duration/],
    ['a negative time-out', 'defaults: { timeout: -1s }', /^\/f:1:22: timeout: must be a duration/],
    ['a time-out that is a list', 'defaults: { timeout: [1] }', /^\/f:1:22: timeout: /],
    ['an unknown default', 'defaults: { timeuot: 1s }', '/f:1:13: defaults has no "timeuot"; did you mean "timeout"?'],
    ['defaults that are a list', 'defaults: [a]', '/f:1:11: expected defaults as a mapping, not a list'],
    ['a keep-alive that is a text', 'defaults: { keepAlive: often }', /^\/f:1:24: keepAlive: /],
    ['hops that are a list', 'hops: [a]', '/f:1:7: expected hops as a mapping, not a list'],
    [
      'a hop with a name that objects have',
      'hops:\n  constructor: direct',
      /^\/f:\d+:\d+: a hop cannot be called __proto__, prototype or constructor$/,
    ],
    ['a hop that is nothing', 'hops:\n  tor:', /^\/f:2:\d+: tor: expected a hop name, .*, not nothing/],
    ['rules that are a text', 'rules: none', '/f:1:8: rules: expected a rule as a mapping, not a text'],
    ['a plugin that is a number', 'plugins: [1]', '/f:1:11: plugins: expected a text, not a number; put it in quotes'],
    ['an empty extends', 'extends: ""', '/f:1:10: extends: expected a text, not an empty one'],
  ];
  for (const [what, text, message] of bad) {
    it(`refuses ${what}`, () => {
      const error = refusal(() => check(text));
      if (typeof message === 'string') expect(error.message).to.equal(message);
      else expect(error.message).to.match(message);
    });
  }

  it('points at the first thing wrong and keeps the rest', () => {
    const error = refusal(() => check('rules:\n  - use: a\n    port: 0\n  - use: 1\n    host: a,b\nrulse: []\n'));
    expect(error.message).to.match(/^\/f:3:11: port: this is neither a port nor a range.* \(and 3 more\)$/);
    const all = (error.cause as AggregateError).errors.map(({ message }) => String(message).split(': ')[0]);
    expect(all).to.deep.equal(['/f:3:11', '/f:4:10', '/f:5:11', '/f:6:1']);
  });
});
