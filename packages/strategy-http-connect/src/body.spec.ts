import { type Duplex, PassThrough } from 'node:stream';
import { type Connection, isFdpassError } from '@fdpass/core';
import { StreamConnection } from '@fdpass/core/sockets';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { quoteBody, readBody, readExcerpt } from './body.js';
import { parseHead } from './response-wire.js';

/** A stream that gives `text` and then ends, or goes silent. */
function textStream(text: string, isSilent = false): Duplex {
  const stream = new PassThrough();
  if (isSilent) stream.write(text, 'latin1');
  else stream.end(text, 'latin1');
  return stream;
}

const saying = (text: string, isSilent?: boolean): Connection => new StreamConnection(textStream(text, isSilent));

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
      const connection = saying(`${body}HTTP/1.1 200 next`);
      expect((await readBody(connection, response, 100))?.toString()).to.equal(expected);
      expect(String(await connection.peek(1000))).to.equal('HTTP/1.1 200 next');
    });
  }

  it('gives up on what ends with the connection or is too long', async () => {
    expect(await readBody(saying('abc'), UNTIL_CLOSE, 100)).to.equal(undefined);
    expect(await readBody(saying('abc'), ofLength(101), 100)).to.equal(undefined);
    expect(await readBody(saying('65\r\nabc'), CHUNKED, 100)).to.equal(undefined);
  });

  for (const body of ['x\r\n', '\r\n', '-1\r\n', '1\r\nabc\r\n', '1 2\r\n']) {
    it(`refuses the chunks ${JSON.stringify(body)}`, async () => {
      const error = await readBody(saying(`${body}0\r\n\r\n`), CHUNKED, 100).catch((reason: unknown) => reason);
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
      expect((await readExcerpt(saying(body), response, new VirtualClock())).toString()).to.equal(expected);
    });
  }

  it('does not wait for ever: what came until then', async () => {
    const clock = new VirtualClock();
    const reading = readExcerpt(saying('abc', true), ofLength(10), clock);
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
