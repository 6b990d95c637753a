import { expect } from 'chai';
import { canPass, passSocket } from '../handover/descriptor.js';
import { loadSys } from '../sys/koffi.js';
import { expectDescriptorsBack } from '../sys/open-descriptors.spec.helper.js';
import { recvFd } from '../sys/recv-fd.js';
import type { Sys } from '../sys/sys.js';
import { adoptFd } from './detach.js';
import { FdStream } from './fd-stream.js';
import { bytesToEnd } from './socket-pair.spec.helper.js';

describe('a stream over a descriptor', () => {
  let sys: Sys;
  before(async () => {
    sys = await loadSys();
  });
  expectDescriptorsBack(3);

  it('carries bytes both ways, half-close and back-pressure included', async () => {
    const [one, other] = sys.socketpair();
    const stream = new FdStream(one, sys);
    const peer = adoptFd(other, sys);
    const large = Buffer.alloc(4 * 1024 * 1024, 7);
    stream.end(large);
    expect((await bytesToEnd(peer.iterator({ destroyOnReturn: false }))).equals(large)).to.equal(true);
    peer.end('and back');
    expect(String(await bytesToEnd(stream))).to.equal('and back');
    peer.destroy();
  });

  it('reads nothing by itself, and then its descriptor can be passed on', async () => {
    const [one, other] = sys.socketpair();
    const [channel, receiver] = sys.socketpair();
    const stream = new FdStream(one, sys);
    const peer = adoptFd(other, sys);
    peer.end('banner');
    await new Promise(setImmediate);
    expect(canPass(stream)).to.equal(true);
    await passSocket(stream, channel);
    const passed = adoptFd(await recvFd(receiver), sys);
    expect(String(await bytesToEnd(passed))).to.equal('banner');
    passed.destroy(); // its other half is still open, and Node 24 leaves it so
    for (const fd of [channel, receiver]) sys.close(fd);
    peer.destroy();
  });

  it('cannot be passed on once somebody has read from it', async () => {
    const [one, other] = sys.socketpair();
    const stream = new FdStream(one, sys);
    const peer = adoptFd(other, sys);
    stream.read(0);
    expect(canPass(stream)).to.equal(false);
    stream.destroy();
    peer.destroy();
  });
});
