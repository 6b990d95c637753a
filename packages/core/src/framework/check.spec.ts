import { chmodSync } from 'node:fs';
import { expect } from 'chai';
import * as v from 'valibot';
import { useFolder } from '../config/folder.spec.helper.js';
import { formatError } from '../ground/errors.js';
import { commandLine, pathText, secretPathText } from '../options/values.js';
import type { Strategy } from '../strategy/strategy.js';
import { checkConfig } from './check.js';

const net: Strategy = { name: 'net', firstOnly: true, create: () => ({ dial: () => Promise.reject(new Error('no')) }) };
const proxy: Strategy<{ url: string; port?: number | undefined }> = {
  name: 'proxy',
  schemes: ['proxy'],
  optionsSchema: v.strictObject({ url: v.string(), port: v.optional(v.number('must be a port')) }),
  create: (_, { forward }) => forward,
};
const firstOf: Strategy<{ routes: readonly unknown[] }> = {
  name: 'first-of',
  shorthand: 'routes',
  create: async ({ routes }, host) => {
    await Promise.all(routes.map((route) => host.route(route)));
    return host.forward;
  },
};
const files: Strategy<object> = {
  name: 'files',
  optionsSchema: v.strictObject({
    passwordFile: v.optional(secretPathText),
    netrc: v.optional(v.union([v.boolean(), secretPathText])),
    key: v.optional(secretPathText),
    log: v.optional(pathText),
    command: v.optional(commandLine),
  }),
  create: (_, { forward }) => forward,
};
/** Makes a route that is not in its options, and does without it. */
const maker: Strategy<object> = {
  name: 'maker',
  create: async (_, host) => {
    await host.route('nonsense://x').catch(() => {});
    return host.forward;
  },
};
const strategies = [net, proxy, firstOf, files, maker] as readonly Strategy[];

describe('the check of a whole config', () => {
  const folder = useFolder();

  /** `LINE:COLUMN SEVERITY MESSAGE` of each problem; of another file with its name. */
  async function problemsOf(text: string): Promise<string[]> {
    const file = folder.write('config.yaml', text);
    const { problems } = await checkConfig({ strategies, defaultStrategy: 'net', config: { file } });
    return problems.map(({ severity, error: { where, summary } }) => {
      const name = where?.file === file ? '' : `${where?.file.slice(folder.path().length + 1)}:`;
      return `${name}${where?.line}:${where?.column} ${severity} ${summary}`;
    });
  }

  const table: readonly (readonly [what: string, lines: readonly string[], problems: readonly (string | RegExp)[]])[] =
    [
      ['nothing wrong', ['hops: { a: net }', 'rules: [{ host: x, use: a }, { use: net }]'], []],
      ['nothing wrong in what a strategy has made itself', ['rules: [{ use: maker }]'], []],
      [
        'every wrong key and value, and the wrong routes beside them',
        [
          'nope: 1',
          'hops: { x: 3, y: { strategy: nix } }',
          'rules:',
          '  - host: "a b"',
          '    use: [x, nix]',
          '    timeout: soon',
          '  - use: x',
        ],
        [
          /^1:1 error the config has no key of this name/,
          /^2:12 error x: expected a hop name/,
          '2:30 error unknown strategy',
          /^4:11 error host: the pattern has a space/,
          /^5:14 error .*neither a hop of this config nor a strategy/,
          /^6:14 error timeout: must be a duration/,
        ],
      ],
      [
        'each wrong hop of a chain, in its own place, also in nested routes',
        [
          'rules:',
          '  - use: [nix, { strategy: nox }, "gopher://x"]',
          '  - host: a',
          '    use: { firstOf: [[net, nax], { firstOf: [{ strategy: proxy, url: u, port: x }] }] }',
        ],
        [
          '2:5 warning this rule matches every host, so the rule after it never matches',
          /^2:11 error .*neither/,
          '2:28 error unknown strategy',
          '2:35 error unknown URL scheme',
          /^4:28 error .*neither/,
          /^4:79 error .*must be a port/,
        ],
      ],
      [
        'a wrong hop that several rules use once',
        ['hops: { bad: { strategy: proxy, url: 1 } }', 'rules: [{ host: a, use: bad }, { host: b, use: [net, bad] }]'],
        [/^1:38 error .*must be a text, not a number/],
      ],
      [
        'a key that is nearly "strategy"',
        ['rules:', '  - { host: a, use: { strategi: net } }', '  - { host: b, use: { host: x, Stratgy: net } }'],
        ['2:23 error unknown key "strategi"', '3:32 error unknown key "Stratgy"'],
      ],
      [
        'a hop that contains itself',
        ['hops: { loop: [net, loop] }', 'rules: [{ use: loop }]'],
        [/^1:21 error the hop "loop" contains itself/],
      ],
      [
        'rules that never match',
        [
          'rules:',
          '  - { host: "*.example", use: net }',
          '  - { host: a.example, use: net }',
          '  - { port: 22, use: net }',
          '  - { use: net }',
          '  - { host: b.example, use: net }',
          '  - { host: c, use: net }',
        ],
        [
          /^3:5 warning this rule never matches: rule 1 \(.*config\.yaml:2:5\) matches all that it could$/,
          '5:5 warning this rule matches every host, so the 2 rules after it never match',
        ],
      ],
      [
        'a user in a host pattern',
        ['rules: [{ host: ["a", "me@b"], use: net }, { host: "me@c", use: net }]'],
        [
          '1:23 warning a host pattern with "@" matches no host',
          '1:52 warning a host pattern with "@" matches no host',
        ],
      ],
      [
        'hops that no rule uses, also not in a nested route or another hop',
        [
          'hops: { a: net, b: [a, proxy://x], c: proxy://y, d: net, e: { strategy: proxy } }',
          'rules: [{ host: x, use: b }, { use: { firstOf: [net, [net, c]] } }]',
        ],
        ['1:50 warning no rule uses this hop', /^1:58 warning no rule uses this hop/, /^1:61 error /],
      ],
      ['a syntax error', ['rules: ['], [/^1:9 error /]],
      ['an empty file', [''], [/^1:1 error the file is empty/]],
    ];
  for (const [what, lines, expected] of table) {
    it(`finds ${what}`, async () => {
      const problems = await problemsOf(lines.join('\n'));
      expect(problems, problems.join('\n')).to.have.length(expected.length);
      for (const [index, one] of expected.entries()) {
        if (typeof one === 'string') expect(problems[index]).to.equal(one);
        else expect(problems[index]).to.match(one);
      }
    });
  }

  it('finds paths that only a shell would expand, and secret files that cannot be used', async () => {
    const files: readonly (readonly [key: string, path: string, mode: number, text: string, warning?: RegExp])[] = [
      ['passwordFile', './good', 0o600, 's3cret\n'],
      ['passwordFile', './none', 0o600, '', /none: no such file or directory$/],
      ['passwordFile', './open', 0o640, 's3cret', /open holds a secret and is open to its group \(mode 0640\)$/],
      ['passwordFile', './empty', 0o600, '\n', /the first line of this file is empty$/],
      ['passwordFile', '~bob/pw', 0o600, '', /taken as it is written: \$NAME and ~user are not expanded$/],
      ['netrc', './netrc', 0o644, 'machine x', /netrc holds a secret and is open/],
      ['key', '$HOME/key', 0o600, '', /taken as it is written/],
      ['log', '$HOME/log', 0o600, '', /taken as it is written/],
      ['log', './no-log-yet', 0o600, ''],
      ['log', './a$', 0o600, ''],
    ];
    const lines = files.map(([key, path]) => `  - { host: a, use: { strategy: files, ${key}: "${path}" } }`);
    lines.push('  - { host: b, use: { strategy: files, command: ["~bob/x", "$HOME"] } }');
    lines.push('  - { host: c, use: { strategy: files, command: ["./x", "$HOME", "~bob"] } }');
    for (const [, path, mode, text] of files) if (text !== '') chmodSync(folder.write(path, text), mode);
    const found = await problemsOf(`rules:\n${lines.join('\n')}\n`);
    const ofPaths = found.filter((problem) => !problem.includes('never matches'));
    const expected = [
      ...files.map(([, , , , warning]) => warning),
      /^12:50 warning .*taken as it is written/,
      undefined,
    ];
    expect(ofPaths, ofPaths.join('\n')).to.have.length(expected.filter(Boolean).length);
    for (const [index, warning] of expected.entries()) {
      const onLine = ofPaths.filter((problem) => problem.startsWith(`${index + 2}:`));
      expect(onLine, `line ${index + 2}`).to.have.length(warning === undefined ? 0 : 1);
      if (warning !== undefined)
        expect(onLine[0])
          .to.match(warning)
          .and.match(/ warning /);
    }
  });

  it('finds what is wrong in the files that it extends, and goes on where one is missing', async () => {
    folder.write('team.yaml', 'hops: { spare: net }\nrules: [{ host: t, use: nix }]');
    const problems = await problemsOf('extends: [./none.yaml, ./team.yaml]\nrules: [{ host: a, use: nox }]');
    expect(problems).to.have.length(3);
    expect(problems[0]).to.match(/^1:11 error cannot extend .*no such file/);
    expect(problems[1]).to.match(/^2:25 error .*neither/);
    expect(problems[2]).to.match(/^team\.yaml:2:25 error .*neither/); // and no warning: its hops are shared
  });

  it('does not ask what hops of shared files are for', async () => {
    folder.write('team.yaml', 'hops: { shared: net }');
    expect(await problemsOf('extends: ./team.yaml\nhops: { own: net }')).to.deep.equal([
      '2:9 warning no rule uses this hop',
    ]);
  });

  it('finds every plugin that cannot be loaded, and does not call its strategies unknown', async () => {
    const problems = await problemsOf('plugins: [./a.mjs, ./b.mjs]\nrules: [{ use: { strategy: of-plugin } }]');
    expect(problems).to.have.length(2);
    for (const [index, column] of [11, 20].entries())
      expect(problems[index]).to.match(new RegExp(`^1:${column} error the plugin `));
  });

  it('knows whether hosts are left to the default strategy, and whether there is a config at all', async () => {
    const check = async (text: string): Promise<boolean> => {
      const config = { file: folder.write('config.yaml', text) };
      return (await checkConfig({ strategies, defaultStrategy: 'net', config })).hasDefault;
    };
    expect(await check('rules: [{ use: net }]')).to.equal(true);
    expect(await check('rules: [{ host: a, use: net }]')).to.equal(false);
    const none = { env: {}, home: folder.path('none'), systemDir: folder.path('none') };
    const report = await checkConfig({ strategies, defaultStrategy: 'net', config: none });
    expect(report).to.deep.equal({ config: undefined, hasDefault: false, problems: [] });
  });

  it('tells of an unreadable file like of any error, and throws what is no error of a config', async () => {
    const file = folder.path('missing.yaml');
    const { problems } = await checkConfig({ strategies, defaultStrategy: 'net', config: { file } });
    expect(problems.map(({ error }) => formatError(error))).to.deep.equal([`${file}: no such file or directory`]);
    const config = { file: folder.write('config.yaml', '{}') };
    const failing = checkConfig({ strategies, defaultStrategy: 'net', config }, () => {
      throw new Error('mine');
    });
    expect(await failing.catch((error: unknown) => error)).to.have.property('message', 'mine');
  });
});
