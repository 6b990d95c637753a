import { isFdpassError } from '@fdpass/core';
import { expect } from 'chai';
import { MAX_HEAD_BYTES } from './constants.js';
import { bodyLength, keepsAlive, missingHeadBytes, parseHead } from './response-wire.js';

const CRLF_HEAD = 'HTTP/1.1 200 OK\r\nA: 1\r\n\r\n';

/** Reads as the handshake does, never more than `missingHeadBytes` allows. */
function readHead(stream: string): { head: string; left: string } {
  const bytes = Buffer.from(stream, 'latin1');
  let taken = 0;
  for (let missing = missingHeadBytes(bytes.subarray(0, 0)); missing > 0; ) {
    taken += missing;
    if (taken > bytes.length) throw new Error('read beyond the end');
    missing = missingHeadBytes(bytes.subarray(0, taken));
  }
  return { head: stream.slice(0, taken), left: stream.slice(taken) };
}

describe('http-connect response head', () => {
  const HEADS: Readonly<Record<string, string>> = {
    'with CRLF': CRLF_HEAD,
    'with bare LF': 'HTTP/1.1 200 OK\nA: 1\n\n',
    'with both line ends': 'HTTP/1.1 200 OK\r\nA: 1\n\r\n',
    'with LF at the end only': 'HTTP/1.1 200 OK\r\nA: 1\r\n\n',
    'without headers': 'HTTP/1.1 200 OK\r\n\r\n',
    'without headers, bare LF': 'HTTP/1.0 200\n\n',
    'with a folded header': 'HTTP/1.1 200 OK\r\nA: 1\r\n 2\r\n\t3\r\n\r\n',
    'with a line of blanks': 'HTTP/1.1 200 OK\r\nA: 1\r\n \r\n\r\n',
    'with a stray CR': 'HTTP/1.1 200 OK\r\nA: \r1\r\r\n\r\n',
  };
  for (const [name, head] of Object.entries(HEADS)) {
    for (const banner of ['', '\n', '\r\n\r\n', 'SSH-2.0-x\r\n', 'HTTP/1.1 500 no\r\n\r\n']) {
      it(`${name} ends before ${JSON.stringify(banner)}`, () => {
        expect(readHead(head + banner)).to.deep.equal({ head, left: banner });
      });
    }
  }

  it('is found in one step where all of it has arrived, and in none too many where a part has', () => {
    for (const head of Object.values(HEADS)) {
      const all = Buffer.from(`${head}SSH-2.0-x\r\n`, 'latin1');
      for (let seen = 0; seen <= all.length; seen++) {
        for (let taken = 0; taken <= Math.min(seen, head.length); taken++) {
          const missing = missingHeadBytes(all.subarray(0, taken), all.subarray(0, seen));
          const what = `${taken} of ${seen} in ${JSON.stringify(head)}`;
          if (seen >= head.length) expect(missing, what).to.equal(head.length - taken);
          else expect(missing, what).to.be.within(seen + 1 - taken, head.length - taken);
        }
      }
    }
  });

  it('is complete at its last byte and not before', () => {
    for (const head of Object.values(HEADS)) {
      for (let length = 0; length < head.length; length++) {
        const missing = missingHeadBytes(Buffer.from(head.slice(0, length)));
        expect(missing, `after ${length} of ${JSON.stringify(head)}`).to.be.within(1, head.length - length);
      }
      expect(missingHeadBytes(Buffer.from(head))).to.equal(0);
    }
  });

  const FOREIGN: readonly [bytes: Buffer, hint: RegExp][] = [
    [Buffer.of(5, 0), /socks5h/],
    [Buffer.of(0, 0x5a), /socks5h/],
    [Buffer.of(0x15, 3, 1, 0, 2), /https/],
    [Buffer.from('SSH-2'), /it is an ssh server, not a proxy/],
    [Buffer.from('HTTX/'), /check that it is an HTTP proxy/],
    [Buffer.from('ICY 2'), /check that it is an HTTP proxy/],
    [Buffer.from('\r\nHTT'), /check that it is an HTTP proxy/],
  ];
  for (const [bytes, hint] of FOREIGN) {
    it(`sees at once that ${JSON.stringify(bytes.toString('latin1'))} is not HTTP`, () => {
      expect(() => missingHeadBytes(bytes))
        .to.throw('does not speak HTTP')
        .with.property('hint')
        .that.matches(hint);
    });
  }

  const MALFORMED = ['HTTP/1.1', 'HTTP/1.1 20 OK', 'HTTP/1.1 2000 OK', 'HTTP/1.1 099 x', 'HTTP/x 200 OK', 'HTTP/2 200'];
  for (const line of MALFORMED) {
    it(`refuses the status line ${JSON.stringify(line)}`, () => {
      expect(() => parseHead(Buffer.from(`${line}\r\n\r\n`)))
        .to.throw('status line is malformed')
        .that.satisfies((error: unknown) => isFdpassError(error) && error.code === 'protocol');
    });
  }

  it('takes status, reason and headers apart', () => {
    const text = 'HTTP/1.1 407 Who  are you \r\nA: 1\r\nb : 2\r\na:3\r\nodd line\r\n: x\r\nC: \r\n\r\n';
    const { version, status, reason, headers } = parseHead(Buffer.from(text));
    expect([version, status, reason]).to.deep.equal(['1.1', 407, 'Who  are you']);
    expect(Object.fromEntries(headers)).to.deep.equal({ a: ['1', '3'], b: ['2'], c: [''] });
  });

  it('takes a head that is one field over and over, in no more time than others', () => {
    const count = MAX_HEAD_BYTES / 'a:\n'.length - 10;
    const { headers } = parseHead(Buffer.from(`HTTP/1.1 407 No\n${'a:\n'.repeat(count)}\n`));
    expect(headers.get('a')).to.have.length(Math.floor(count));
  });

  it('joins folded lines', () => {
    const { headers } = parseHead(Buffer.from('HTTP/1.1 407 x\nP: Basic\n  realm="a",\r\n\tDigest\r\n\r\n'));
    expect(headers.get('p')).to.deep.equal(['Basic realm="a", Digest']);
  });

  const KEEPING: readonly [head: string, keeps: boolean][] = [
    ['HTTP/1.1 407 x', true],
    ['HTTP/1.0 407 x', false],
    ['HTTP/1.0 407 x\r\nConnection: Keep-Alive', true],
    ['HTTP/1.0 407 x\r\nProxy-Connection: keep-alive', true],
    ['HTTP/1.1 407 x\r\nConnection: close', false],
    ['HTTP/1.1 407 x\r\nConnection: x, Close', false],
    ['HTTP/1.1 407 x\r\nProxy-Connection: close', false],
    ['HTTP/1.1 407 x\r\nConnection: keep-alive\r\nProxy-Connection: close', false],
  ];
  for (const [head, keeps] of KEEPING) {
    it(`${keeps ? 'may send another request' : 'is over'} after ${JSON.stringify(head)}`, () => {
      expect(keepsAlive(parseHead(Buffer.from(`${head}\r\n\r\n`)))).to.equal(keeps);
    });
  }

  const LENGTHS: readonly [headers: string, length: number | 'chunked' | undefined][] = [
    ['', undefined],
    ['Content-Length: 12\r\n', 12],
    ['Content-Length: -1\r\n', undefined],
    ['Content-Length: 1, 1\r\n', undefined],
    ['Content-Length: 0x10\r\n', undefined],
    ['Transfer-Encoding: chunked\r\n', 'chunked'],
    ['Transfer-Encoding: gzip, Chunked\r\nContent-Length: 3\r\n', 'chunked'],
  ];
  for (const [headers, length] of LENGTHS) {
    it(`finds the body's length in ${JSON.stringify(headers)}`, () => {
      expect(bodyLength(parseHead(Buffer.from(`HTTP/1.1 407 x\r\n${headers}\r\n`)))).to.equal(length);
    });
  }

  for (const status of [100, 204, 304]) {
    it(`knows that a ${status} has no body (RFC 9112 §6.3)`, () => {
      const head = `HTTP/1.1 ${status} x\r\nContent-Length: 5\r\n\r\n`;
      expect(bodyLength(parseHead(Buffer.from(head)))).to.equal(0);
    });
  }
});
