import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { adoptFd } from '../connection/detach.js';
import { isFdpassError } from '../ground/errors.js';
import { loadSys } from '../sys/koffi.js';
import { expectDescriptorsBack } from '../sys/open-descriptors.spec.helper.js';
import { recvFd } from '../sys/recv-fd.js';
import type { Sys } from '../sys/sys.js';
import { canPass, passSocket } from './descriptor.js';

describe('handing a descriptor over', () => {
  let sys: Sys;
  let server: Server;
  const accepted: Socket[] = [];
  before(async () => {
    sys = await loadSys();
    server = createServer((socket) => {
      accepted.push(socket);
      socket.on('error', () => {}).write('hello ');
      socket.pipe(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  after(() => server.close());
  afterEach(() => {
    for (const socket of accepted.splice(0)) socket.destroy();
  });
  expectDescriptorsBack(20);

  async function connected(): Promise<Socket> {
    const { port } = server.address() as { port: number };
    const socket = connect({ port, host: '127.0.0.1' });
    socket.pause();
    await once(socket, 'connect');
    return socket;
  }

  it('gives the receiver the whole connection, blocking, and keeps nothing', async () => {
    const [ours, theirs] = sys.socketpair();
    const socket = await connected();
    expect(canPass(socket)).to.equal(true);
    await passSocket(socket, ours);
    expect(socket.destroyed).to.equal(true);
    const fd = await recvFd(theirs);
    expect(sys.isNonBlocking(fd)).to.equal(false);
    sys.setNonBlocking(fd, true);
    const received = adoptFd(fd, sys);
    received.end('and goodbye');
    expect(await text(received)).to.equal('hello and goodbye');
    received.destroy();
    sys.close(ours);
    sys.close(theirs);
  });

  it('says that the receiver is gone, and closes the connection', async () => {
    const [ours, theirs] = sys.socketpair();
    sys.close(theirs);
    const socket = await connected();
    const error = await passSocket(socket, ours).catch((reason: unknown) => reason);
    expect(error)
      .to.satisfy(isFdpassError)
      .and.have.property('message')
      .that.matches(/the receiver is gone \(EPIPE\)/);
    expect(socket.destroyed).to.equal(true);
    sys.close(ours);
  });

  it('stops at an abort, with its reason, and closes the connection', async () => {
    const [ours, theirs] = sys.socketpair();
    const reason = new Error('changed my mind');
    const socket = await connected();
    expect(await passSocket(socket, ours, AbortSignal.abort(reason)).catch((error: unknown) => error)).to.equal(reason);
    expect(socket.destroyed).to.equal(true);
    sys.close(ours);
    sys.close(theirs);
  });

  it('is not possible for what has been read ahead, is closed, or is no socket', async () => {
    const read = await connected();
    await once(read, 'readable');
    expect(read.readableLength).to.be.greaterThan(0);
    expect(canPass(read)).to.equal(false);
    read.destroy();
    expect(canPass(read)).to.equal(false);
    expect(canPass(new PassThrough())).to.equal(false);
  });
});
