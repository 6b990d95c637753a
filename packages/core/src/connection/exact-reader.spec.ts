import { expect } from 'chai';
import { rejection as failure } from '../ground/rejection.spec.helper.js';
import { ExactReader } from './exact-reader.js';

const bytes = (text: string): Buffer => Buffer.from(text);
const line = (soFar: Buffer): number => (soFar.includes('\n') ? 0 : 1);

describe('exact reads', () => {
  it('want what is still missing, and nothing when nobody reads', async () => {
    const reader = new ExactReader();
    expect(reader.wanted).to.equal(0);
    const read = reader.read(5, 'a word');
    expect(reader.wanted).to.equal(5);
    reader.take(bytes('he'));
    expect(reader.wanted).to.equal(3);
    reader.take(bytes('llo'));
    expect(reader.wanted).to.equal(0);
    expect(String(await read)).to.equal('hello');
  });

  it('of nothing are there at once', async () => {
    expect(await new ExactReader().read(0, 'nothing')).to.have.length(0);
  });

  it('begin anew each time', async () => {
    const reader = new ExactReader();
    const first = reader.read(1, 'one');
    reader.take(bytes('1'));
    await first;
    const second = reader.read(2, 'two');
    reader.take(bytes('22'));
    expect(String(await second)).to.equal('22');
  });

  it('go on to an end that only the content shows', async () => {
    const reader = new ExactReader();
    const read = reader.readThrough(line, 10, 'a line');
    for (const letter of 'ab\n') {
      expect(reader.wanted).to.equal(1);
      reader.take(bytes(letter));
    }
    expect(String(await read)).to.equal('ab\n');
  });

  it('show what has arrived beyond what is read, so that an end in there is found in one step', async () => {
    const reader = new ExactReader();
    const looks: string[] = [];
    const read = reader.readThrough(
      (soFar, seen) => {
        looks.push(`${soFar}|${seen}`);
        const end = seen.indexOf('\n');
        return end === -1 ? seen.length + 1 - soFar.length : end + 1 - soFar.length;
      },
      10,
      'a line',
    );
    expect(reader.take(bytes('ab'))).to.equal(2);
    expect(reader.take(bytes('c\nrest'))).to.equal(2);
    expect(String(await read)).to.equal('abc\n');
    expect(looks).to.deep.equal(['|', '|ab', 'ab|ab', 'ab|abc\nrest', 'abc\n|abc\nrest']);
  });

  it('never want more than the limit allows, and fail at it', async () => {
    const reader = new ExactReader();
    const read = reader.readThrough(() => 100, 3, 'a header');
    expect(reader.wanted).to.equal(3);
    reader.take(bytes('abc'));
    const error = await failure(read);
    expect([error.code, error.message]).to.deep.equal(['protocol', 'a header has no end within 3 bytes']);
  });

  it('fail with what `missing` throws', async () => {
    const reader = new ExactReader();
    const wrong = new Error('not a reply');
    const read = reader.readThrough(
      (soFar) => {
        if (soFar.length > 0) throw wrong;
        return 1;
      },
      9,
      'a reply',
    );
    reader.take(bytes('x'));
    expect(await read.catch((error: unknown) => error)).to.equal(wrong);
    expect(reader.wanted).to.equal(0);
  });

  const ends: readonly [what: string, given: string, error: unknown, code: string, message: string][] = [
    ['before a first byte', '', undefined, 'unreachable', 'the connection closed before the reply'],
    ['in the middle', 'ab', undefined, 'protocol', 'the connection closed after 2 of 5 bytes of the reply'],
    [
      'by a reset',
      'a',
      { code: 'ECONNRESET' },
      'unreachable',
      'the connection broke (connection reset) after 1 of 5 bytes of the reply',
    ],
  ];
  for (const [what, given, error, code, message] of ends) {
    it(`tell of an end ${what}`, async () => {
      const reader = new ExactReader();
      const read = reader.read(5, 'the reply');
      if (given !== '') reader.take(bytes(given));
      reader.end(error);
      const found = await failure(read);
      expect([found.code, found.message]).to.deep.equal([code, message]);
    });
  }

  it('fail at once after the end, and after an abort with its reason', async () => {
    const ended = new ExactReader();
    ended.end();
    expect((await failure(ended.read(1, 'more'))).code).to.equal('unreachable');
    const aborted = new ExactReader();
    const reason = new Error('changed my mind');
    aborted.end(reason, true);
    aborted.end(new Error('closed because of that'));
    expect(await aborted.read(1, 'more').catch((error: unknown) => error)).to.equal(reason);
  });

  it('take no more of what is there than they want, and say how much that was', async () => {
    const reader = new ExactReader();
    expect(reader.take(bytes('nobody reads'))).to.equal(0);
    const word = reader.read(2, 'a word');
    expect(reader.take(bytes('abc'))).to.equal(2);
    expect(String(await word)).to.equal('ab');
    const rest = reader.readThrough(line, 100, 'a line');
    expect(reader.isOpenEnded).to.equal(true);
    expect(reader.take(bytes('one\ntwo\n'))).to.equal(4);
    expect(String(await rest)).to.equal('one\n');
    const limited = reader.readThrough(line, 3, 'a line');
    expect(reader.take(bytes('too long\n'))).to.equal(3);
    expect((await failure(limited)).message).to.equal('a line has no end within 3 bytes');
  });
});
