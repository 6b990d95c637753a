import type { Random } from './random.spec.helper.js';

const WORDS = [
  'a',
  'host',
  'xn--bcher-kva',
  'xn--a',
  'XN--',
  '127',
  '0x7f',
  '0177',
  '1',
  'é',
  'ß',
  'ب',
  '例え',
  'unix',
  'vsock',
];
const SHELL = [...'-$();`|&<>\'"\\{}*?!#=%/:@[]~_ '];
const PARTS = [
  '.',
  '..',
  '::',
  'fe80::1%',
  'vsock/',
  'unix%',
  'machine/',
  '.host',
  '\n',
  '\u0000',
  '\u200d',
  '\u00ad',
  '\u202e',
  '\ud800',
  '。',
  '℀',
  '𝐀',
];

/** A text that nearly is a host: words and the characters of shells, many of them in their full-width forms. */
export function randomHost(random: Random): string {
  const fullWidth = (text: string): string =>
    text.replace(/[!-~]/g, (letter) => String.fromCharCode(letter.charCodeAt(0) + 0xfee0));
  const part = (): string => {
    const text = random.pick(random.chance(70) ? WORDS : random.chance(60) ? SHELL : PARTS);
    return random.chance(25) ? fullWidth(text) : text;
  };
  return Array.from({ length: 1 + random.below(5) }, part).join(random.chance(50) ? '.' : '');
}
