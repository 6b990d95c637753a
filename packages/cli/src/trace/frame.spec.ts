import { expect } from 'chai';
import { Frame } from './frame.js';

const WIDE = 80;

describe('a picture on a terminal', () => {
  it('is drawn over the one before, line by line, and what that had more is removed', () => {
    const frame = new Frame();
    expect(frame.next(['one', 'two'], WIDE)).to.equal('one\x1b[K\ntwo\x1b[K\n\x1b[J');
    expect(frame.next(['three'], WIDE)).to.equal('\x1b[2A\rthree\x1b[K\n\x1b[J');
    expect(frame.erase(WIDE)).to.equal('\x1b[1A\r\x1b[J');
    expect(frame.erase(WIDE)).to.equal('');
  });

  it('knows that a terminal which has become narrower has wrapped its lines, colours not counted', () => {
    const frame = new Frame();
    frame.next(['\x1b[32m1234567890\x1b[0m', ''], WIDE);
    expect(frame.erase(4)).to.equal('\x1b[4A\r\x1b[J');
  });

  it('stays where it is once it was left, and the next one begins below', () => {
    const frame = new Frame();
    frame.next(['one'], WIDE);
    frame.leave();
    expect(frame.next(['two'], WIDE)).to.equal('two\x1b[K\n\x1b[J');
  });
});
