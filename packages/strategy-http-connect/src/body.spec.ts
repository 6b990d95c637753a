import { type Duplex, PassThrough } from 'node:stream';
import type { Connection } from '@fdpass/core';
import { StreamConnection } from '@fdpass/core/sockets';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { drainBody, readExcerpt } from './body.js';
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
  const drain = (body: string, response: ReturnType<typeof head>): Promise<boolean> =>
    drainBody(saying(body), response, new VirtualClock());

  const BODIES: readonly [name: string, body: string, response: ReturnType<typeof head>][] = [
    ['of a known length', 'abc', ofLength(3)],
    ['of no length', '', ofLength(0)],
    ['in chunks', '3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n', CHUNKED],
    ['in chunks with a trailer', '1\r\na\r\n0\r\nX: y\r\nZ: z\r\n\r\n', CHUNKED],
    ['in chunks with bare LF', '1\na\n0\n\n', CHUNKED],
    ['in a chunk whose size has many zeros', '0000000000003\r\nabc\r\n000000000000\r\n\r\n', CHUNKED],
  ];
  for (const [name, body, response] of BODIES) {
    it(`${name}: exactly that`, async () => {
      const clock = new VirtualClock();
      const connection = saying(`${body}HTTP/1.1 200 next`);
      expect(await drainBody(connection, response, clock)).to.equal(true);
      expect(clock.pending).to.equal(0);
      expect(String(await connection.peek(1000))).to.equal('HTTP/1.1 200 next');
    });
  }

  const GIVEN_UP: readonly [name: string, body: string, response: ReturnType<typeof head>][] = [
    ['that ends with the connection', 'abc', UNTIL_CLOSE],
    ['that is too long', 'abc', ofLength(65_537)],
    ['that breaks off', 'abc', ofLength(4)],
    ['in chunks that are too long', `10001\r\n${'a'.repeat(0x10001)}\r\n0\r\n\r\n`, CHUNKED],
    ['in a chunk too many', `${`8000\r\n${'a'.repeat(0x8000)}\r\n`.repeat(2)}0\r\n\r\n`, CHUNKED],
    ['with a trailer without end', `0\r\n${'X: y\r\n'.repeat(20_000)}\r\n`, CHUNKED],
    ['in chunks of which a size is a long line', `1;${'x'.repeat(2000)}\r\na\r\n0\r\n\r\n`, CHUNKED],
    ['in chunks that break off', '5\r\nab', CHUNKED],
    ...['x\r\n', '\r\n', '-1\r\n', '1\r\nabc\r\n', '1 2\r\n', '<html>', '100000000\r\n'].map(
      (body): (typeof GIVEN_UP)[number] => [`in chunks that are ${JSON.stringify(body)}`, `${body}0\r\n\r\n`, CHUNKED],
    ),
  ];
  for (const [name, body, response] of GIVEN_UP) {
    it(`gives up on one ${name}`, async () => expect(await drain(body, response)).to.equal(false));
  }

  it('gives up on one that does not come within half a second', async () => {
    for (const response of [ofLength(10), CHUNKED]) {
      const clock = new VirtualClock();
      const draining = drainBody(saying('2', true), response, clock);
      await clock.advance(500);
      expect(await draining).to.equal(false);
    }
  });
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
});
