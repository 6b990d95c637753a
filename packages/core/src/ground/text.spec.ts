import { expect } from 'chai';
import { didYouMean } from './text.js';

describe('did you mean', () => {
  const known = ['check', 'connect', 'strategies', 'happy-eyeballs', 'jump', 'url'];
  const words: readonly (readonly [word: string, near: string | undefined])[] = [
    ['chekc', 'check'],
    ['CHECK', 'check'],
    ['conect', 'connect'],
    ['strategy', 'strategies'], // a third of the longer one
    ['happyeyeballs', 'happy-eyeballs'],
    ['ulr', 'url'],
    ['jup', 'jump'],
    ['ju', undefined],
    ['host.example', undefined],
    ['', undefined],
  ];
  for (const [word, near] of words) {
    it(`${JSON.stringify(word)}: ${near ?? 'nothing'}`, () =>
      expect(didYouMean(word, known)).to.equal(near && `did you mean "${near}"?`));
  }
});
