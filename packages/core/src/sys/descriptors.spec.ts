import { execFileSync } from 'node:child_process';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { expectDescriptorsBack, makePipe } from '@fdpass/test-lab';
import { expect } from 'chai';
import { refusal } from '../ground/rejection.spec.helper.js';
import { hasBytes, recvFd, rememberModes, sendFd } from './descriptors.js';
import { fakeSys, systemError } from './fake-sys.spec.helper.js';
import { loadSys } from './koffi.js';
import { encodeRights } from './message.js';
import type { Sys } from './sys.js';

describe('descriptors over sockets', () => {
  let sys: Sys;
  const open: number[] = [];
  const pair = (): [number, number] => {
    const made = sys.socketpair();
    open.push(...made);
    return made;
  };

  before(async () => {
    sys = loadSys();
  });
  afterEach(() => {
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack();

  const inode = (fd: number): number => fstatSync(fd).ino;
  /** Whether the descriptor is closed on exec: a child that lists its descriptors does not have it. */
  const isInherited = (fd: number): boolean =>
    execFileSync('sh', ['-c', `[ -e /proc/self/fd/${fd} ] && echo yes || echo no`], { encoding: 'utf8' }) === 'yes\n';

  it('tell who is at the other end', () => {
    const [channel] = pair();
    expect(sys.peerOf(channel)).to.deep.equal({ pid: process.pid, uid: process.geteuid?.() });
  });

  it('arrive as the same socket, close-on-exec', async () => {
    const [channel, other] = pair();
    const [precious] = pair();
    await sendFd(channel, precious);
    const received = await recvFd(other);
    open.push(received);
    expect(received).to.not.equal(precious);
    expect(inode(received)).to.equal(inode(precious));
    expect(isInherited(received)).to.equal(false);
  });

  it('are sent with exactly one byte, as ssh wants it', async () => {
    const [channel, other] = pair();
    await sendFd(channel, channel);
    const { bytes, fds } = sys.recvmsg(other, Buffer.alloc(100), 100, 0);
    open.push(...fds);
    expect([bytes, fds.length]).to.deep.equal([1, 1]);
  });

  it('are blocking once the flag is cleared, in the receiver too', async () => {
    const [channel, other] = pair();
    const [precious] = pair();
    sys.setNonBlocking(precious, true);
    expect(sys.isNonBlocking(precious)).to.equal(true);
    sys.setNonBlocking(precious, false);
    await sendFd(channel, precious);
    const received = await recvFd(other);
    open.push(received);
    expect(sys.isNonBlocking(received)).to.equal(false);
  });

  it('wait for a full channel, and for one on which nothing has come yet', async () => {
    const [channel, other] = pair();
    try {
      for (;;) sys.sendmsg(channel, Buffer.alloc(4096), Buffer.alloc(0), sys.platform.constants.MSG_DONTWAIT);
    } catch (error) {
      expect(error).to.have.property('code', 'EAGAIN');
    }
    const sent = sendFd(channel, channel);
    const drain = (async () => {
      for (;;) {
        await sys.wait(other, 'readable');
        const { fds } = sys.recvmsg(other, Buffer.alloc(65536), 100, 0);
        open.push(...fds);
        if (fds.length > 0) return;
      }
    })();
    await Promise.all([sent, drain]);
    const late = recvFd(other);
    await new Promise(setImmediate);
    await sendFd(channel, channel);
    open.push(await late);
  });

  it('of which too many came are closed but for the first', async () => {
    const [channel, other] = pair();
    const { layout, constants } = sys.platform;
    const control = encodeRights(layout, constants.SOL_SOCKET, constants.SCM_RIGHTS, [channel, channel, channel]);
    sys.sendmsg(channel, Buffer.alloc(1), control, 0);
    open.push(await recvFd(other));
  });

  it('that do not fit are closed, all of them (MSG_CTRUNC)', async () => {
    const [channel, other] = pair();
    const { layout, constants } = sys.platform;
    const control = encodeRights(
      layout,
      constants.SOL_SOCKET,
      constants.SCM_RIGHTS,
      new Array<number>(100).fill(channel),
    );
    sys.sendmsg(channel, Buffer.alloc(1), control, 0);
    expect(await refusal(recvFd(other))).to.equal('protocol: more descriptors were passed than there is room for');
  });

  it('that do not come are errors: data alone, the end', async () => {
    const [channel, other] = pair();
    sys.sendmsg(channel, Buffer.from('hello'), Buffer.alloc(0), 0);
    expect(await refusal(recvFd(other))).to.equal('protocol: sent data but no descriptor');
    const [gone, waiting] = pair();
    sys.close(open.splice(open.indexOf(gone), 1)[0] as number);
    expect(await refusal(recvFd(waiting))).to.equal('protocol: closed without passing a descriptor');
  });

  it('are received after a message without one, and after one with several', async () => {
    const [channel, other] = pair();
    const { layout, constants } = sys.platform;
    sys.sendmsg(channel, Buffer.from('x'), Buffer.alloc(0), 0);
    await refusal(recvFd(other));
    for (const count of [1, 3, 1]) {
      const fds = new Array<number>(count).fill(channel);
      const control = encodeRights(layout, constants.SOL_SOCKET, constants.SCM_RIGHTS, fds);
      sys.sendmsg(channel, Buffer.alloc(1), control, 0);
      const received = await recvFd(other);
      open.push(received);
      expect(inode(received)).to.equal(inode(channel));
    }
  });

  it('cannot be sent to nobody, or over nothing', async () => {
    const [gone, channel] = pair();
    sys.close(open.splice(open.indexOf(gone), 1)[0] as number);
    expect(await refusal(sendFd(channel, channel))).to.equal(
      'unreachable: cannot pass the descriptor: the receiver has closed (EPIPE)',
    );
    expect(await refusal(sendFd(-1, channel))).to.match(/^internal: cannot pass the descriptor: .*EBADF/);
  });

  it('are waited for until the signal aborts, and its reason is rethrown', async () => {
    const [, other] = pair();
    const controller = new AbortController();
    const waiting = recvFd(other, { signal: controller.signal });
    const reason = new Error('enough');
    setImmediate(() => controller.abort(reason));
    expect(await waiting.catch((error: unknown) => error)).to.equal(reason);
    expect(await recvFd(other, { signal: controller.signal }).catch((error: unknown) => error)).to.equal(reason);
  });

  it('meet EAGAIN as often as the kernel likes', async () => {
    const answers = ['EAGAIN', 'EAGAIN'];
    const waits: string[] = [];
    const fake = fakeSys({
      sendmsg: () => {
        const code = answers.shift();
        if (code !== undefined) throw systemError(code);
        return 1;
      },
      wait: (_, what) => Promise.resolve(void waits.push(what)),
    });
    await sendFd(7, 8, { sys: fake });
    expect(waits).to.deep.equal(['writable', 'writable']);
  });

  it('cannot be waited for without a descriptor, which the error says', async () => {
    const blocked = (): never => {
      throw systemError('EAGAIN');
    };
    const wait: Sys['wait'] = () => Promise.reject(systemError('EMFILE'));
    const fake = fakeSys({ sendmsg: blocked, recvmsg: blocked, wait });
    const lack = 'no file descriptor left in this process';
    expect(await refusal(sendFd(7, 8, { sys: fake }))).to.equal(
      `internal: cannot pass the descriptor: ${lack} (EMFILE)`,
    );
    expect(await refusal(recvFd(7, { sys: fake }))).to.equal(`internal: cannot receive a descriptor: ${lack}`);
  });

  it('received in a failed transfer are closed even where the platform cannot mark them', async () => {
    const closed: number[] = [];
    const fake = fakeSys({
      recvmsg: () => ({ bytes: 1, flags: 0x08, fds: [11, 12], controls: [] }),
      close: (fd) => void closed.push(fd),
    });
    expect(await refusal(recvFd(7, { sys: fake }))).to.match(/^protocol: more descriptors/);
    expect(closed).to.deep.equal([11, 12]);
  });

  it('have bytes to read, or not, and keep them', () => {
    const [one, other] = pair();
    expect(hasBytes(one, sys)).to.equal(false);
    sys.send(other, Buffer.from('x'), 0);
    expect([hasBytes(one, sys), hasBytes(one, sys)]).to.deep.equal([true, true]);
    expect(sys.recv(one, Buffer.alloc(9), 0)).to.equal(1);
    sys.shutdown(other, 1);
    expect(hasBytes(one, sys)).to.equal(false); // the end is not a byte
    const file = openSync('/dev/null', 'r');
    open.push(file);
    expect(hasBytes(file, sys)).to.equal(false);
  });

  it('are hung up when the other end is closed, not when it has ended its own side', () => {
    const [one, other] = pair();
    sys.send(other, Buffer.from('unread'), 0);
    expect(sys.isHungUp(one)).to.equal(false);
    sys.shutdown(other, 1);
    expect(sys.isHungUp(one)).to.equal(false);
    sys.close(open.splice(open.indexOf(other), 1)[0] as number);
    expect(sys.isHungUp(one)).to.equal(true);
  });

  it('of a pipe are hung up when its last writer or reader has closed it', () => {
    for (const closing of [0, 1]) {
      const pipe = makePipe();
      expect(pipe.map((fd) => sys.isHungUp(fd))).to.deep.equal([false, false]);
      sys.close(pipe[closing] as number);
      const other = pipe[1 - closing] as number;
      expect(sys.isHungUp(other)).to.equal(true);
      sys.close(other);
    }
  });

  it('can be written until they are full', () => {
    const [one, other] = pair();
    expect(sys.isWritable(one, 0)).to.equal(true);
    expect(() => {
      for (;;) sys.send(one, Buffer.alloc(65_536), sys.platform.constants.MSG_DONTWAIT);
    }).to.throw(/EAGAIN/);
    expect(sys.isWritable(one, 1)).to.equal(false);
    expect(sys.isWritable(other, 0)).to.equal(true);
  });

  it('are replaced, which closes them', () => {
    const [one, other] = pair();
    const nothing = openSync('/dev/null', 'r+');
    sys.replace(one, nothing);
    closeSync(nothing);
    expect([sys.isHungUp(other), fstatSync(one).isCharacterDevice()]).to.deep.equal([true, true]);
  });

  it('block as they did before, once their modes are restored', () => {
    const [one, other] = pair();
    const [closed] = pair();
    sys.setNonBlocking(other, true);
    const restore = rememberModes([one, other, closed, -1], sys);
    sys.setNonBlocking(one, true);
    sys.setNonBlocking(other, false);
    sys.close(open.splice(open.indexOf(closed), 1)[0] as number);
    restore();
    expect([one, other].map((fd) => sys.isNonBlocking(fd))).to.deep.equal([false, true]);
  });
});
