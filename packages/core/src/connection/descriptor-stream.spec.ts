import { once } from 'node:events';
import { openSync } from 'node:fs';
import { type AddressInfo, createServer, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { caught } from '../ground/rejection.spec.helper.js';
import { systemError } from '../sys/fake-sys.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import type { DescriptorConnection } from './descriptor.js';
import { adoptFd, adoptTcpFd, streamOver, tcpHandleOf } from './descriptor-stream.js';
import { openConnection } from './open.js';
import { bytesToEnd, readToEnd } from './socket-pair.spec.helper.js';

const SHUT_WR = 1;

interface Ends {
  readonly ours: Duplex;
  readonly theirs: number;
}

/** Takes all that there is at one end of a socketpair, until the other has ended. */
async function drain(fd: number, sys: Sys): Promise<string> {
  const chunks: Buffer[] = [];
  for (;;) {
    await sys.wait(fd, 'readable');
    const chunk = Buffer.alloc(64 * 1024);
    const length = sys.recv(fd, chunk, 0);
    if (length === 0) return Buffer.concat(chunks).toString('latin1');
    chunks.push(chunk.subarray(0, length));
  }
}

describe('a descriptor as a stream', () => {
  let sys: Sys;
  before(() => {
    sys = loadSys();
  });
  expectDescriptorsBack();

  it("is a socket of Node's where Node can wrap it: paused, half-open allowed, nothing read", async () => {
    const [one, theirs] = sys.socketpair();
    sys.send(theirs, Buffer.from('banner'), 0);
    const stream = adoptFd(one, sys) as Socket;
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(stream).to.be.instanceOf(Socket);
    expect([stream.isPaused(), stream.bytesRead, stream.allowHalfOpen]).to.deep.equal([true, 0, true]);
    sys.close(theirs);
    expect(await readToEnd(stream)).to.equal('banner');
    stream.destroy();
  });

  const NOT_CONNECTED: Readonly<Record<string, () => number>> = {
    'a file': () => openSync('/dev/null', 'r'),
    'a datagram socket that is not connected': () => sys.socket(2, 2, 0),
    'a descriptor that is closed already': () => {
      const fd = sys.socket(2, 1, 0);
      sys.close(fd);
      return fd;
    },
  };
  for (const [what, open] of Object.entries(NOT_CONNECTED)) {
    it(`is refused if it is ${what}, and closed`, () => {
      expect(() => adoptFd(open(), sys)).to.throw('this descriptor is not a connected socket');
    });
  }

  it('is refused in words, and closed, where it cannot be waited for', () => {
    const setNonBlocking = (): never => {
      throw systemError('EBADF');
    };
    const fd = openSync('/dev/null', 'r'); // Node does not wrap it either
    const adopt = (): Duplex => adoptFd(fd, { ...sys, getpeername: () => Buffer.alloc(0), setNonBlocking });
    expect(adopt).to.throw('this descriptor is not a connected socket');
  });
});

describe('a descriptor of TCP as a stream', () => {
  let sys: Sys;
  before(() => {
    sys = loadSys();
  });
  expectDescriptorsBack();

  /** A connected descriptor, and the other side of it. */
  async function connected(): Promise<{ readonly fd: number; readonly theirs: Socket }> {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const [[theirs], ours] = (await Promise.all([
      once(server, 'connection'),
      openConnection({ family: 4, host: '127.0.0.1', port }, {}, { signal: new AbortController().signal }),
    ])) as [[Socket], DescriptorConnection];
    server.close();
    return { fd: ours.release(), theirs };
  }

  it('is a socket as any other, the first time and later', async () => {
    for (const round of ['first', 'second', 'third']) {
      const { fd, theirs } = await connected();
      theirs.write('banner');
      const socket = adoptTcpFd(fd, sys) as Socket;
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect(socket, round).to.be.instanceOf(Socket);
      expect([socket.isPaused(), socket.bytesRead, socket.allowHalfOpen]).to.deep.equal([true, 0, true]);
      expect([socket.remotePort, socket.localPort]).to.deep.equal([theirs.localPort, theirs.remotePort]);
      socket.end('request');
      expect(await readToEnd(theirs)).to.equal('request');
      theirs.end();
      expect(await readToEnd(socket)).to.equal('banner');
      socket.destroy();
      theirs.destroy();
    }
  });

  it('is refused if it is closed already, and then no handle is left', async () => {
    const { fd, theirs } = await connected();
    sys.close(fd);
    expect(() => adoptTcpFd(fd, sys)).to.throw('this descriptor is not a connected socket');
    theirs.destroy();
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect(process.getActiveResourcesInfo()).not.to.include('TCPSocketWrap');
  });

  it('gets a handle of the same class as Node gives it, and only a socket of TCP has that', async () => {
    const { fd, theirs } = await connected();
    const socket = adoptFd(fd, sys) as Socket;
    const [one, other] = sys.socketpair();
    const unix = adoptFd(one, sys) as Socket;
    expect(tcpHandleOf(socket)).to.be.a('function').and.to.equal(tcpHandleOf(theirs));
    expect(tcpHandleOf(unix)).to.equal(undefined);
    for (const each of [socket, theirs, unix]) each.destroy();
    sys.close(other);
  });
});

describe('a stream by system calls', () => {
  let sys: Sys;
  before(() => {
    sys = loadSys();
  });
  expectDescriptorsBack();

  function ends(): Ends {
    const [one, theirs] = sys.socketpair();
    return { ours: streamOver(one, sys), theirs };
  }

  it('reads to the end, and stays open for what is written after it', async () => {
    const { ours, theirs } = ends();
    sys.send(theirs, Buffer.from('banner'), 0);
    sys.shutdown(theirs, SHUT_WR);
    expect(String(await bytesToEnd(ours.iterator({ destroyOnReturn: false })))).to.equal('banner');
    ours.end('last words');
    expect(await drain(theirs, sys)).to.equal('last words');
    ours.destroy();
    sys.close(theirs);
  });

  it('writes much through a reader that is slow, in order, and tells its end', async () => {
    const { ours, theirs } = ends();
    const sent = Buffer.alloc(3 * 1024 * 1024, 'payload ');
    ours.write(sent.subarray(0, 2_000_000));
    ours.end(sent.subarray(2_000_000));
    expect((await drain(theirs, sys)) === sent.toString('latin1')).to.equal(true);
    ours.destroy();
    sys.close(theirs);
  });

  it('reads nothing while it is paused', async () => {
    const { ours, theirs } = ends();
    sys.send(theirs, Buffer.from('banner'), 0);
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    expect([ours.isPaused(), ours.readableLength]).to.deep.equal([true, 0]);
    ours.destroy();
    sys.close(theirs);
  });

  it('says that the other side is gone to who writes', async () => {
    const { ours, theirs } = ends();
    sys.close(theirs);
    const failed = once(ours, 'error');
    ours.write('x');
    expect((await failed)[0]).to.have.property('code', 'EPIPE');
  });

  it('ends a read and a write that wait when it is destroyed', async () => {
    const { ours, theirs } = ends();
    const writing = caught(
      new Promise((resolve, reject) => {
        ours.write(Buffer.alloc(8 * 1024 * 1024), (error) => (error ? reject(error) : resolve(undefined)));
      }),
    );
    ours.read(0);
    await new Promise(setImmediate);
    const reason = new Error('enough');
    ours.on('error', () => {}).destroy(reason);
    expect(await writing).to.equal(reason);
    sys.close(theirs);
  });

  it('closes without a fault if something else has closed its descriptor', async () => {
    const [one, theirs] = sys.socketpair();
    const ours = streamOver(one, sys);
    sys.close(one);
    const closed = once(ours, 'close');
    ours.destroy();
    await closed;
    expect(ours.errored).to.equal(null);
    sys.close(theirs);
  });
});
