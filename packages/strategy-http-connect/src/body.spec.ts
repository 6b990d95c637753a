import { isFdpassError, type Peer } from '@fdpass/core';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { quoteBody, readBody, readExcerpt } from './body.js';
import { parseHead } from './response-wire.js';

const NEVER = new Promise<never>(() => {});

/** A peer that gives `text` and then ends, or goes silent. Counts what was taken. */
class TextPeer implements Peer {
  readonly #bytes: Buffer;
  readonly #isSilent: boolean;
  taken = 0;

  constructor(text: string, isSilent = false) {
    this.#bytes = Buffer.from(text, 'latin1');
    this.#isSilent = isSilent;
  }

  write(): Promise<void> {
    throw new Error('not used');
  }

  read(length: number): Promise<Buffer> {
    return this.readThrough((soFar) => length - soFar.length);
  }

  async readThrough(missing: (soFar: Buffer) => number): Promise<Buffer> {
    const start = this.taken;
    for (;;) {
      const soFar = this.#bytes.subarray(start, this.taken);
      const wanted = missing(soFar);
      if (wanted <= 0) return soFar;
      if (this.taken === this.#bytes.length) {
        if (this.#isSilent) return NEVER;
        throw new Error('the connection closed');
      }
      this.taken = Math.min(this.taken + wanted, this.#bytes.length);
    }
  }
}

const head = (headers: string) => parseHead(Buffer.from(`HTTP/1.1 403 no\r\n${headers}\r\n`));
const CHUNKED = head('Transfer-Encoding: chunked\r\n');
const UNTIL_CLOSE = head('');
const ofLength = (length: number) => head(`Content-Length: ${length}\r\n`);

describe('http-connect body, read away', () => {
  const BODIES: readonly [name: string, body: string, response: ReturnType<typeof head>, expected: string][] = [
    ['of a known length', 'abc', ofLength(3), 'abc'],
    ['of no length', '', ofLength(0), ''],
    ['in chunks', '3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n', CHUNKED, 'abc0123456789'],
    ['in chunks with a trailer', '1\r\na\r\n0\r\nX: y\r\nZ: z\r\n\r\n', CHUNKED, 'a'],
    ['in chunks with bare LF', '1\na\n0\n\n', CHUNKED, 'a'],
  ];
  for (const [name, body, response, expected] of BODIES) {
    it(`${name}: exactly that`, async () => {
      const peer = new TextPeer(`${body}HTTP/1.1 200 next`);
      expect((await readBody(peer, response, 100))?.toString()).to.equal(expected);
      expect(peer.taken).to.equal(body.length);
    });
  }

  it('gives up on what ends with the connection or is too long', async () => {
    expect(await readBody(new TextPeer('abc'), UNTIL_CLOSE, 100)).to.equal(undefined);
    expect(await readBody(new TextPeer('abc'), ofLength(101), 100)).to.equal(undefined);
    expect(await readBody(new TextPeer('65\r\nabc'), CHUNKED, 100)).to.equal(undefined);
  });

  for (const body of ['x\r\n', '\r\n', '-1\r\n', '1\r\nabc\r\n', '1 2\r\n']) {
    it(`refuses the chunks ${JSON.stringify(body)}`, async () => {
      const error = await readBody(new TextPeer(`${body}0\r\n\r\n`), CHUNKED, 100).catch((reason: unknown) => reason);
      expect(isFdpassError(error) && error.code).to.equal('protocol');
    });
  }
});

describe("http-connect body, an error's", () => {
  const EXCERPTS: readonly [name: string, body: string, response: ReturnType<typeof head>, expected: string][] = [
    ['of a known length', 'abcNEXT', ofLength(3), 'abc'],
    ['that breaks off', 'ab', ofLength(3), 'ab'],
    ['that ends with the connection', 'abc', UNTIL_CLOSE, 'abc'],
    ['in chunks', '3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n', CHUNKED, 'abcd'],
    ['in chunks that break off', '3\r\nabc\r\n5\r\nde', CHUNKED, 'abcde'],
    ['in chunks that are none', 'oops', CHUNKED, ''],
    ['longer than we care for', 'a'.repeat(100_000), UNTIL_CLOSE, 'a'.repeat(8192)],
  ];
  for (const [name, body, response, expected] of EXCERPTS) {
    it(`${name}: what there is`, async () => {
      expect((await readExcerpt(new TextPeer(body), response, new VirtualClock())).toString()).to.equal(expected);
    });
  }

  it('does not wait for ever: what came until then', async () => {
    const clock = new VirtualClock();
    const reading = readExcerpt(new TextPeer('abc', true), ofLength(10), clock);
    await clock.advance(500);
    expect((await reading).toString()).to.equal('abc');
  });

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
  ];
  for (const [page, quoted] of PAGES) {
    it(`quotes ${JSON.stringify(page.slice(0, 60))} as ${JSON.stringify(quoted?.slice(0, 60))}`, () => {
      expect(quoteBody(page)).to.equal(quoted);
    });
  }

  for (const piece of ['<', '<head ', '<!--', '<style', '\u0000']) {
    it(`is quick with ${JSON.stringify(piece)} a great many times`, () => {
      expect(quoteBody(piece.repeat(8192 / piece.length))).to.satisfy((text?: string) => (text ?? '').length <= 121);
    });
  }
});
