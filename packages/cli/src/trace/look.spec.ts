import { expect } from 'chai';
import { lookOf } from './look.js';

describe('what a terminal can show', () => {
  const COLOURS: readonly (readonly [width: number | undefined, env: Record<string, string>, hasColours: boolean])[] = [
    [80, {}, true],
    [80, { TERM: 'dumb' }, false],
    [80, { NO_COLOR: '1' }, false],
    [80, { NO_COLOR: '' }, true],
    [80, { FORCE_COLOR: '0' }, false],
    [80, { FORCE_COLOR: 'false' }, false],
    [undefined, {}, false],
    [undefined, { FORCE_COLOR: '1' }, true],
    [undefined, { FORCE_COLOR: '' }, false],
    [undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
  ];
  for (const [width, env, hasColours] of COLOURS) {
    const where = width === undefined ? 'a pipe' : 'a terminal';
    it(`${hasColours ? 'colours' : 'no colours'}: ${where}, ${JSON.stringify(env)}`, () =>
      expect(lookOf(width, env).hasColours).to.equal(hasColours));
  }

  const CHARSETS: readonly (readonly [env: Record<string, string>, isUnicode: boolean])[] = [
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'C.utf8' }, true],
    [{ LANG: 'C' }, false],
    [{}, false],
    [{ LANG: 'C', LC_CTYPE: 'C.UTF-8' }, true],
    [{ LANG: 'C.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'C.UTF-8', LC_ALL: '' }, true],
  ];
  for (const [env, isUnicode] of CHARSETS) {
    it(`${isUnicode ? 'UTF-8' : 'ASCII'}: ${JSON.stringify(env)}`, () =>
      expect(lookOf(80, env).isUnicode).to.equal(isUnicode));
  }
});
