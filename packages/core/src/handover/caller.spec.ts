import { closeSync, openSync } from 'node:fs';
import { expectDescriptorsBack, makePipe } from '@fdpass/test-lab';
import { expect } from 'chai';
import { DescriptorConnection } from '../connection/descriptor.js';
import { adoptFd } from '../connection/descriptor-stream.js';
import { nextBytes, readToEnd } from '../connection/socket-pair.spec.helper.js';
import { formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import { type CallerWatch, relayOver, watchCaller, watchDial } from './caller.js';
import type { Channel } from './channel.js';

describe('the caller', () => {
  const sys = loadSys();
  const open: number[] = [];
  afterEach(() => {
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack();

  const kept = <T extends readonly number[]>(fds: T): T => {
    open.push(...fds);
    return fds;
  };
  const close = (fd: number): void => sys.close(open.splice(open.indexOf(fd), 1)[0] as number);
  const over = (input: number, output: number): Channel => ({ input, output, as: 'relay' });
  /** Until events of descriptors have been delivered. */
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  };

  it('has gone when it has closed its socket, whatever is left unread', async () => {
    const [ours, theirs] = kept(sys.socketpair());
    const caller = watchCaller(over(ours, ours), new HandClock());
    sys.send(theirs, Buffer.from('unread'), 0);
    await settle();
    expect(caller.gone.aborted).to.equal(false);
    close(theirs);
    await settle();
    expect(formatError(caller.gone.reason)).to.match(/the program that wanted this connection has exited/);
    caller.release();
  });

  it('has not gone when it has ended its own side, but when it then closes the other', async () => {
    const clock = new HandClock();
    const [ours, theirs] = kept(sys.socketpair());
    const caller = watchCaller(over(ours, ours), clock);
    sys.shutdown(theirs, 1);
    await settle();
    for (let look = 0; look < 3; look++) clock.advance(200);
    expect(caller.gone.aborted).to.equal(false);
    close(theirs);
    clock.advance(200);
    expect([caller.gone.aborted, clock.pending]).to.deep.equal([true, 0]);
    caller.release();
  });

  it('that has given two pipes has gone when it has closed both', async () => {
    const clock = new HandClock();
    const [input, writer] = kept(makePipe());
    const [reader, output] = kept(makePipe());
    const caller = watchCaller(over(input, output), clock);
    close(writer);
    await settle();
    clock.advance(200);
    expect(caller.gone.aborted).to.equal(false);
    close(reader);
    clock.advance(200);
    expect(caller.gone.aborted).to.equal(true);
    caller.release();
  });

  it('is not watched over a file, nor any more after the release', async () => {
    const clock = new HandClock();
    const file = openSync('/dev/null', 'r');
    kept([file]);
    const [ours, theirs] = kept(sys.socketpair());
    const other = watchCaller(over(file, ours), clock);
    const caller = watchCaller(over(ours, ours), clock);
    sys.shutdown(theirs, 1);
    await settle();
    caller.release();
    expect(clock.pending).to.equal(0);
    close(theirs);
    await settle();
    expect([caller.gone.aborted, other.gone.aborted]).to.deep.equal([false, false]);
    other.release();
  });

  it('is not watched over a device for which nothing can wait', async () => {
    const [zero] = kept([openSync('/dev/zero', 'r')]);
    const [ours] = kept(sys.socketpair());
    const caller = watchCaller(over(zero, ours), new HandClock());
    await settle();
    expect([caller.input, caller.gone.aborted]).to.deep.equal(['other', false]);
    caller.release();
  });

  it('keeps its descriptors blocking while it is watched', async () => {
    const [ours] = kept(sys.socketpair());
    const caller = watchCaller(over(ours, ours), new HandClock());
    await settle();
    expect(sys.isNonBlocking(ours)).to.equal(false);
    caller.release();
  });

  describe('and the dial for it,', () => {
    function watchOf(input: CallerWatch['input'], { signal }: AbortController): CallerWatch {
      return { input, gone: signal, release() {} };
    }

    it('which ends five seconds after it has closed both of its pipes', () => {
      const clock = new HandClock();
      const [input] = kept(makePipe());
      const [, output] = kept(makePipe());
      const gone = new AbortController();
      const dial = watchDial(over(input, output), watchOf('pipe', gone), clock);
      clock.advance(60_000);
      expect(dial.signal.aborted).to.equal(false);
      gone.abort(new Error('gone'));
      clock.advance(4999);
      expect(dial.signal.aborted).to.equal(false);
      clock.advance(1);
      expect(dial.signal.reason).to.equal(gone.signal.reason);
    });

    it('which goes on where the output is a file, or after the release', () => {
      const clock = new HandClock();
      const file = openSync('/dev/null', 'w');
      const [input, writer] = kept(makePipe());
      kept([file]);
      for (const isReleasedBefore of [true, false]) {
        const gone = new AbortController();
        const toFile = watchDial(over(input, file), watchOf('pipe', gone), clock);
        const released = watchDial(over(input, writer), watchOf('pipe', gone), clock);
        if (isReleasedBefore) released.release();
        gone.abort();
        released.release();
        expect(clock.pending).to.equal(0);
        expect([toFile.signal.aborted, released.signal.aborted]).to.deep.equal([false, false]);
      }
    });
  });

  describe('and a relay', () => {
    it('over one socket for both directions carries both, and their ends', async () => {
      const [ours, theirs] = sys.socketpair();
      const [far, server] = sys.socketpair();
      const done = relayOver(over(ours, ours), new DescriptorConnection(far, sys), new HandClock());
      const user = adoptFd(theirs, sys);
      const peer = adoptFd(server, sys);
      user.end('request');
      expect(await nextBytes(peer, 7)).to.equal('request');
      peer.end('answer');
      expect(await readToEnd(user)).to.equal('answer');
      await done;
      for (const stream of [user, peer]) stream.destroy();
    });

    it('is over when the caller has gone, though the far side neither reads nor closes', async () => {
      const clock = new HandClock();
      const [ours, theirs] = sys.socketpair();
      const [far, server] = kept(sys.socketpair());
      open.splice(open.indexOf(far), 1);
      const done = relayOver(over(ours, ours), new DescriptorConnection(far, sys), clock);
      const { MSG_DONTWAIT } = sys.platform.constants;
      await settle();
      expect(() => {
        for (;;) sys.send(theirs, Buffer.alloc(65_536), MSG_DONTWAIT);
      }).to.throw(/EAGAIN/);
      await settle();
      sys.close(theirs);
      let isOver = false;
      void done.then(() => {
        isOver = true;
      });
      for (let passed = 0; passed < 1000 && !isOver; passed += 100) {
        await settle();
        clock.advance(100);
      }
      await settle();
      expect(isOver).to.equal(true);
      closeSync(open.splice(open.indexOf(server), 1)[0] as number);
    });
  });
});
