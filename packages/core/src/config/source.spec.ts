import { expect } from 'chai';
import { formatWhere } from '../ground/errors.js';
import { refusal } from './folder.spec.helper.js';
import { packageSource, parseSource } from './yaml-source.js';

const TEXT = `# rules
defaults:
  timeout: 30s
rules:
  - host: a
    use: &hop { strategy: direct, port: 1 }
  - { host: [b, "c"], use: *hop }
hops: { x: }
`;

describe('config files', () => {
  const places: readonly (readonly [
    path: readonly (string | number)[],
    part: 'key' | 'value',
    line: number,
    column: number,
  ])[] = [
    [[], 'value', 2, 1],
    [['defaults', 'timeout'], 'value', 3, 12],
    [['defaults', 'timeout'], 'key', 3, 3],
    [['rules', 0], 'value', 5, 5],
    [['rules', 0, 'host', 0], 'value', 5, 11], // a single value stands for a list of one
    [['rules', 1], 'value', 7, 5],
    [['rules', 1, 'host', 1], 'value', 7, 17],
    [['rules', 1, 'use', 'strategy'], 'value', 6, 27], // through an alias to where it stands
    [['hops', 'x'], 'key', 8, 9],
    [['rules', 1, 'port'], 'value', 7, 5], // absent: what is around it
    [['rules', 9], 'value', 5, 3],
    [['nothing', 'at', 'all'], 'value', 2, 1],
  ];
  for (const [path, part, line, column] of places) {
    it(`tell where the ${part} of ${path.join('.') || 'everything'} stands`, () => {
      const where = parseSource('/f.yaml', TEXT).locate(path, part);
      expect(formatWhere(where)).to.equal(`/f.yaml:${line}:${column}`);
    });
  }

  it('may be JSON, with tabs and escapes', () => {
    const source = parseSource('/f.json', '{\n\t"rules": [\n\t\t{"use": "a\\u00e9\\/b"}\n\t]\n}\n');
    expect(source.data).to.deep.equal({ rules: [{ use: 'aé/b' }] });
    expect(formatWhere(source.locate(['rules', 0, 'use']))).to.equal('/f.json:3:11');
  });

  it('in a package.json may be absent, but not empty', () => {
    expect(packageSource('/package.json', '{"name": "a"}')).to.equal(undefined);
    expect(packageSource('/package.json', '{"fdpass": {}}')?.data).to.deep.equal({});
    const empty = refusal(() => packageSource('/package.json', '{"name": "a", "fdpass": null}'));
    expect(empty.message).to.equal('/package.json:1:25: the key "fdpass" is empty');
  });

  const bad: readonly (readonly [what: string, text: string, message: RegExp])[] = [
    ['an empty file', '', /^\/f:1:1: the file is empty/],
    ['a blank file', ' \n\n', /^\/f:1:1: the file is empty/],
    ['nothing but comments', '# rules: []\n', /^\/f:1:1: the file has nothing in it but comments or null/],
    ['null', 'null\n', /^\/f:1:1: the file has nothing in it/],
    ['null in other words', '--- ~ # later', /^\/f:1:1: the file has nothing in it/],
    ['a document that begins and ends', '---\n...\n', /^\/f:1:1: the file has nothing in it/],
    ['a list that is not closed', 'a: [1, 2', /^\/f:1:9: the indentation is wrong/],
    ['a text that is not closed', 'a:\n  "x', /^\/f:2:5: a bracket, a quote, a comma or a colon is missing here/],
    ['wrong indentation', 'rules:\n  - a: 1\n b: 2', /^\/f:\d+:\d+: /],
    [
      'a key that stands twice',
      'hops:\n  tor: a\n  x: b\n  tor: c\n',
      /^\/f:4:3: this key is here for the second time/,
    ],
    ['two documents', 'a: 1\n---\nb: 2\n', /^\/f:2:1: the file holds several documents/],
    ['an unquoted negation', 'host: [a, !b.example]', /^\/f:1:11: what begins with "!" is a tag/],
    ['a tag that would make a function', 'a: !!js/function x', /^\/f:1:4: what begins with "!" is a tag/],
    ['an unquoted wildcard', 'a: 1\nhost: *.example', /^\/f:2:7: what begins with "\*" is an alias/],
    ['a binary file', '\u0000\u0001: [', /^\/f:1:\d+: /],
  ];
  for (const [what, text, message] of bad) {
    it(`refuse ${what}, in one line`, () => {
      const error = refusal(() => parseSource('/f', text));
      expect(error.message).to.match(message).and.not.contain('\n');
    });
  }

  it('say how to write what must be quoted', () => {
    expect(refusal(() => parseSource('/f', 'a: *.b')).hint).to.equal('put it in quotes');
    expect(refusal(() => parseSource('/f', 'a: !b')).hint).to.equal('put it in quotes');
  });

  it('show nothing of a secret that was not quoted', () => {
    for (const secret of [
      '*s3cret',
      '!s3cret',
      '@s3cret',
      '`s3cret',
      '%s3cret\n  s3cret: s3cret',
      '"a" s3cret',
      '[s3cret',
      '{s3cret: s3cret',
      '"s3cret',
      '&s3cret *s3cret',
      '"\\s3cret"',
      "'s3cret's3cret",
      '!<s3cret',
      '- s3cret',
      '|s3cret',
      '] s3cret',
      's3cret: s3cret',
      '!s3cret!s3cret x',
      '!!s3cret x',
    ]) {
      const error = refusal(() => parseSource('/f', `password: ${secret}`));
      expect(`${error.message} ${error.hint}`, secret).to.not.contain('s3cret');
    }
  });

  it('refuse an alias bomb instead of filling the memory', () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(', ')}]`,
    );
    const error = refusal(() => parseSource('/f', ['l0: &l0 [x]', ...levels].join('\n')));
    expect(error.message).to.match(/^\/f:1:1: the aliases of this file repeat too much/);
  });
});
