import { expect } from 'chai';
import { decodePercent, didYouMean, octetsOf } from './text.js';

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

describe('percent-encoding', () => {
  /** The octets that arrive at the proxy, in Latin-1. */
  const table: readonly (readonly [written: string, octets: string])[] = [
    ['', ''],
    ['plain', 'plain'],
    ['p%40ss%3a', 'p@ss:'],
    ['%C3%A9', '\xc3\xa9'], // UTF-8
    ['é', '\xc3\xa9'],
    ['%E9', '\xe9'], // Latin-1
    ['caf%E9s%21', 'caf\xe9s!'],
    ['%C3%A9%E9', '\xc3\xa9\xe9'],
    ['%E9%80', '\xe9\x80'], // cut short
    ['%FF%00%7f', '\xff\x00\x7f'],
    ['%F0%9F%94%91', '\xf0\x9f\x94\x91'], // a pair of surrogates in a string
    ['\u{1f511}%E9', '\xf0\x9f\x94\x91\xe9'],
    ['%EF%BF%BD', '\xef\xbf\xbd'], // U+FFFD itself
    ['%ED%B2%80', '\xed\xb2\x80'], // a surrogate in UTF-8, which is not valid
    ['100%', '100%'],
    ['50%of%4', '50%of%4'],
    ['%zz%41', '%zzA'],
    ['%25E9', '%E9'],
  ];
  for (const [written, octets] of table) {
    it(`of ${JSON.stringify(written)} never fails and loses no octet`, () => {
      expect(octetsOf(decodePercent(written)).toString('latin1')).to.equal(octets);
    });
  }

  it('that is UTF-8 is text', () => {
    expect(decodePercent('b%C3%BCcher')).to.equal('bücher');
  });
});
