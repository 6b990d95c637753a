import { expect } from 'chai';
import { matchGlob } from './pattern.js';
import { Random } from './random.spec.helper.js';

describe('globs', () => {
  const table: readonly (readonly [glob: string, text: string, matches: boolean])[] = [
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['?', 'a', true],
    ['*.example', 'a.b.example', true],
    ['*.example', 'example', false],
    ['web-??', 'web-01', true],
    ['web-??', 'web-1', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['**a**', 'xax', true],
    ['*a', 'aab', false],
    ['a.b', 'axb', false],
    ['[ab]', 'a', false],
    ['abc', 'ab', false],
  ];
  for (const [glob, text, matches] of table) {
    it(`${JSON.stringify(glob)} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      expect(matchGlob(glob, text)).to.equal(matches);
    });
  }

  it('say the same as a regular expression, for 20,000 random pairs', () => {
    const random = new Random(1);
    for (let i = 0; i < 20_000; i++) {
      const glob = random.text('ab.*?*', 7);
      const text = random.text('ab.', 8);
      const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll(/\*+/g, '.*')}$`);
      expect(matchGlob(glob, text), `${glob} ${text}`).to.equal(expression.test(text));
    }
  });

  it('end soon, however hostile the glob', () => {
    // A matcher that goes back to every star needs more steps here than there are atoms.
    expect(matchGlob(`${'*a'.repeat(120)}*b`, 'a'.repeat(253))).to.equal(false);
  });
});
