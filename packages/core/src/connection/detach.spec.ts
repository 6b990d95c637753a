import { once } from 'node:events';
import { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { loadSys } from '../sys/koffi.js';
import { expectDescriptorsBack } from '../sys/open-descriptors.spec.helper.js';
import type { Sys } from '../sys/sys.js';
import { adoptFd, detachFd, isPlainSocket, isUntouched } from './detach.js';
import { readToEnd, tcpPair } from './socket-pair.spec.helper.js';

describe('taking descriptors out of sockets', () => {
  let sys: Sys;
  before(async () => {
    sys = await loadSys();
  });
  expectDescriptorsBack(1);

  it('keeps the connection: no FIN, no byte lost or doubled, whenever it is sent', async () => {
    const { ours, theirs } = await tcpPair();
    theirs.write('before ');
    const fd = detachFd(ours, sys);
    expect(ours.destroyed).to.equal(true);
    theirs.write('between ');
    const adopted = adoptFd(fd, sys);
    theirs.end('after');
    adopted.write('and back');
    expect(await readToEnd(adopted)).to.equal('before between after');
    adopted.end();
    expect(await readToEnd(theirs)).to.equal('and back');
  });

  it('keeps both addresses', async () => {
    const { ours, theirs } = await tcpPair();
    const { localPort, remotePort } = ours;
    const adopted = adoptFd(detachFd(ours, sys), sys);
    expect([adopted.localPort, adopted.remotePort]).to.deep.equal([localPort, remotePort]);
    adopted.destroy();
    theirs.destroy();
    await once(theirs, 'close');
  });

  it('gives a socket that is paused, reads nothing by itself, and may be half-open', async () => {
    const { ours, theirs } = await tcpPair();
    const adopted = adoptFd(detachFd(ours, sys), sys);
    await new Promise((resolve) => theirs.write('hello', resolve));
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect([adopted.isPaused(), adopted.readableLength, adopted.bytesRead, adopted.allowHalfOpen]).to.deep.equal([
      true,
      0,
      0,
      true,
    ]);
    theirs.end();
    const chunks: unknown[] = [];
    await once(adopted.on('data', (chunk) => chunks.push(String(chunk))).resume(), 'end');
    expect([chunks, adopted.writable]).to.deep.equal([['hello'], true]);
    adopted.destroy();
  });

  it('refuses, and leaves usable, what has bytes read ahead', async () => {
    const { ours, theirs } = await tcpPair();
    theirs.end('ahead');
    ours.once('readable', () => {});
    await once(ours, 'readable');
    expect([isPlainSocket(ours), isUntouched(ours)]).to.deep.equal([true, false]);
    expect(() => detachFd(ours, sys)).to.throw(/holds bytes/);
    expect(await readToEnd(ours)).to.equal('ahead');
  });

  it('refuses, and leaves usable, what has bytes unsent', async () => {
    const { ours, theirs } = await tcpPair();
    const chunk = Buffer.alloc(8 * 1024 * 1024);
    ours.write(chunk);
    expect(isUntouched(ours)).to.equal(false);
    expect(() => detachFd(ours, sys)).to.throw(/holds bytes/);
    ours.end();
    ours.resume();
    expect((await readToEnd(theirs)).length).to.equal(chunk.length);
    theirs.end();
    await once(ours, 'close');
  });

  it('refuses what is no connected kernel socket', async () => {
    const { ours, theirs } = await tcpPair();
    const connecting = new Socket().on('error', () => {}).connect(1, '127.0.0.1');
    const closed = new Promise((resolve) => connecting.once('close', resolve));
    for (const stream of [new PassThrough(), new TLSSocket(new PassThrough()), new Socket(), connecting]) {
      expect(isPlainSocket(stream)).to.equal(false);
      expect(() => detachFd(stream as Socket, sys)).to.throw(/no connected kernel socket/);
    }
    ours.destroy();
    expect(() => detachFd(ours, sys)).to.throw(/no connected kernel socket/);
    theirs.destroy();
    await closed;
  });

  it('closes a descriptor that Node cannot wrap', async () => {
    const datagram = sys.socket(40, 1, 0); // AF_VSOCK: a socket of a family that Node does not know
    expect(() => adoptFd(datagram, sys)).to.throw(/no stream socket/);
    expect(() => sys.isNonBlocking(datagram))
      .to.throw()
      .with.property('code', 'EBADF');
  });
});
