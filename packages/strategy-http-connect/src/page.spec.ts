import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { quotePage } from './page.js';
import { parseHead } from './response-wire.js';

const unmasked = (text: string): string => text;
const head = (headers = '') => parseHead(Buffer.from(`HTTP/1.1 403 no\r\n${headers}\r\n`));
const quoteText = (page: string): string | undefined => quotePage(Buffer.from(page), head(), unmasked);

describe('http-connect page, quoted in an error', () => {
  const PAGES: readonly [page: string, quoted: string | undefined][] = [
    ['', undefined],
    [' \r\n\t ', undefined],
    ['<html></html>', undefined],
    ['plain words', 'plain words'],
    ['<html><head><title>T</title></head><body><h1>Access\n denied</h1></body>', 'Access denied'],
    ['<style>a { b: c }</style>ok<script>x < y</script>', 'ok'],
    ['before<style>never ends', 'before'],
    ['<!-- a > b -->words<!-- no end', 'words'],
    ['a\u001b[31mb\u0007c\u0000\u009bd\u202ee', 'a [31mb c d e'],
    ['x'.repeat(200), `${'x'.repeat(120)}…`],
    ['a < b', 'a < b'],
    ['You&#39;re &quot;blocked&quot; &amp; &#x3c;out&#62;', 'You\'re "blocked" & <out>'],
    ['Acc&egrave;s refus&eacute;&nbsp;&ndash; d&eacute;sol&Eacute;', 'Acc\u00e8s refus\u00e9 \u2013 d\u00e9sol\u00c9'],
    [
      '&unknown; & &; &#99999999; &#1114112; &constructor; &#27;[2J',
      '&unknown; & &; &#99999999; \ufffd &constructor; [2J',
    ],
    ['<html><head><title>Blocked by X</title></head><body></body></html>', 'Blocked by X'],
    ['<TITLE lang="en">No\n end', 'No end'],
  ];
  for (const [page, quoted] of PAGES) {
    it(`${JSON.stringify(page.slice(0, 60))} as ${JSON.stringify(quoted?.slice(0, 60))}`, () => {
      expect(quoteText(page)).to.equal(quoted);
    });
  }

  for (const piece of [
    '<',
    '<head ',
    '<!--',
    '<style',
    '<title',
    '<title>',
    '<meta',
    '<meta charset',
    '&',
    '&#',
    '\u0000',
  ]) {
    it(`is quick with ${JSON.stringify(piece)} a great many times`, () => {
      expect(quoteText(piece.repeat(8192 / piece.length))).to.satisfy((text?: string) => (text ?? '').length <= 121);
    });
  }

  const CHARSETS: readonly [name: string, headers: string, page: Buffer, quoted: string][] = [
    ['UTF-8 without a word', '', Buffer.from('Acc\u00e8s'), 'Acc\u00e8s'],
    ['Latin-1 without a word', '', Buffer.from('Acc\u00e8s', 'latin1'), 'Acc\u00e8s'],
    [
      'windows-1251',
      'Content-Type: text/html; charset=windows-1251\r\n',
      Buffer.of(0xc7, 0xe0, 0xef),
      '\u0417\u0430\u043f',
    ],
    ['gbk in quotes', 'Content-Type: text/html; Charset="GBK"\r\n', Buffer.of(0xbd, 0xfb, 0xd6, 0xb9), '\u7981\u6b62'],
    [
      'of a meta',
      'Content-Type: text/html\r\n',
      Buffer.concat([Buffer.from('<meta charset="shift_jis"><body>'), Buffer.of(0x8b, 0xd6, 0x8e, 0x7e)]),
      '\u7981\u6b62',
    ],
    [
      'of an older meta',
      '',
      Buffer.concat([
        Buffer.from('<meta http-equiv="Content-Type" content="text/html; charset=koi8-r"><body>'),
        Buffer.of(0xfa, 0xc1, 0xd0),
      ]),
      '\u0417\u0430\u043f',
    ],
    ['that nobody knows', 'Content-Type: text/html; charset=nonsense\r\n', Buffer.from('Acc\u00e8s'), 'Acc\u00e8s'],
    [
      'that is not the one it is in',
      'Content-Type: text/html; charset=utf-8\r\n',
      Buffer.of(0x41, 0xe8, 0x42),
      'A\u00e8B',
    ],
    ['cut in the middle of a character', '', Buffer.from('ab\u00e8').subarray(0, 3), 'ab'],
  ];
  for (const [name, headers, page, quoted] of CHARSETS) {
    it(`in a charset: ${name}`, () => expect(quotePage(page, head(headers), unmasked)).to.equal(quoted));
  }

  const PAGE = Buffer.from(`<body>Blocked by policy ${'<br/>'.repeat(50)}</body>`);
  const ENCODINGS: Readonly<Record<string, Buffer>> = {
    gzip: gzipSync(PAGE),
    'x-gzip': gzipSync(PAGE),
    GZIP: gzipSync(PAGE),
    deflate: deflateSync(PAGE),
    'deflate ': deflateRawSync(PAGE),
    br: brotliCompressSync(PAGE),
    identity: PAGE,
  };
  for (const [encoding, packed] of Object.entries(ENCODINGS)) {
    it(`packed by ${encoding}, also if its end is missing`, () => {
      const response = head(`Content-Encoding: ${encoding}\r\n`);
      expect(quotePage(packed, response, unmasked)).to.equal('Blocked by policy');
      expect(quotePage(packed.subarray(0, -4), response, unmasked)).to.equal('Blocked by policy');
    });
  }

  it('not at all if it cannot be unpacked, or is a bomb', () => {
    expect(quotePage(Buffer.from('words'), head('Content-Encoding: gzip\r\n'), unmasked)).to.equal(undefined);
    expect(quotePage(Buffer.from('words'), head('Content-Encoding: zstd\r\n'), unmasked)).to.equal(undefined);
    const bomb = gzipSync(Buffer.alloc(4 * 1024 * 1024, 'a'));
    expect(quotePage(bomb, head('Content-Encoding: gzip\r\n'), unmasked)).to.equal(undefined);
  });

  /** What a page can repeat so that a pattern would look for its end again and again. */
  const REPEATED = [
    '<meta ',
    '<meta charset',
    '<meta charset=',
    '<head><title',
    '<title',
    '<!--',
    '<style',
    '<a ',
    '&#',
    ' ',
  ];
  for (const words of REPEATED) {
    it(`in no more time than a long page takes: ${JSON.stringify(words)} over and over`, () => {
      const page = gzipSync(words.repeat(1_000_000 / words.length));
      quotePage(page, head('Content-Encoding: gzip\r\n'), unmasked);
      quotePage(
        gzipSync(`<head>${words.repeat(900_000 / words.length)}`),
        head('Content-Encoding: gzip\r\n'),
        unmasked,
      );
    });
  }

  it('without a secret, in whatever form the page has it', () => {
    const mask = (text: string): string =>
      ['s&cr\u00e9t', Buffer.from('s&cr\u00e9t').toString('latin1')].reduce(
        (all, form) => all.replaceAll(form, '***'),
        text,
      );
    const forms = [
      's&cr\u00e9t',
      's&amp;cr&eacute;t',
      `${'x'.repeat(118)}s&amp;cr\u00e9t`,
      '<title>s&cr\u00e9t</title>',
    ];
    for (const form of forms) {
      expect(quotePage(Buffer.from(form), head(), mask))
        .to.match(/\*/)
        .and.not.match(/s&c?/);
      const latin1 = head('Content-Type: text/plain; charset=latin1\r\n');
      expect(quotePage(Buffer.from(form), latin1, mask))
        .to.match(/\*/)
        .and.not.match(/s&c?/);
    }
  });
});
