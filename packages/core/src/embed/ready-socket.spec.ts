import { once } from 'node:events';
import { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { DescriptorConnection } from '../connection/descriptor.js';
import { streamOver } from '../connection/descriptor-stream.js';
import { bytesToEnd, readToEnd } from '../connection/socket-pair.spec.helper.js';
import { StreamConnection } from '../connection/stream.js';
import { loadSys } from '../sys/koffi.js';
import { readySocket } from './ready-socket.js';

interface Ends {
  readonly connection: Connection;
  readonly theirs: Socket;
}

/** What a route can give, with the other end. */
const KINDS: Readonly<Record<string, () => Ends>> = {
  'a kernel socket': () => {
    const sys = loadSys();
    const [ours, theirs] = sys.socketpair();
    return { connection: new DescriptorConnection(ours, sys), theirs: new Socket({ fd: theirs, allowHalfOpen: true }) };
  },
  'a socket that Node cannot wrap': () => {
    const sys = loadSys();
    const [ours, theirs] = sys.socketpair();
    return {
      connection: new StreamConnection(streamOver(ours, sys)),
      theirs: new Socket({ fd: theirs, allowHalfOpen: true }),
    };
  },
};

for (const [kind, ends] of Object.entries(KINDS)) {
  describe(`a ready socket over ${kind}`, () => {
    expectDescriptorsBack();

    it('flows as soon as somebody listens', async () => {
      const { connection, theirs } = ends();
      const socket = readySocket(connection);
      expect(socket).to.be.instanceOf(Socket);
      theirs.write('banner');
      expect(String((await once(socket, 'data'))[0])).to.equal('banner');
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
      await once(theirs.resume(), 'end');
      theirs.destroy();
    });

    it('reads before anybody listens, as clients do that use its handle', async () => {
      const { connection, theirs } = ends();
      const socket = readySocket(connection);
      theirs.write('banner');
      while (socket.bytesRead === 0) await new Promise(setImmediate);
      expect(String(socket.read())).to.equal('banner');
      socket.destroy();
      await once(theirs.resume(), 'end');
      theirs.destroy();
    });

    it('keeps what was read by its handle until somebody listens', async () => {
      const { connection, theirs } = ends();
      const socket = readySocket(connection);
      theirs.end('all of it');
      while (socket.bytesRead === 0) await new Promise(setImmediate);
      expect(await readToEnd(socket)).to.equal('all of it');
      await once(theirs.resume(), 'end');
      theirs.destroy();
    });

    it('ends its own side when the other has ended, as one from net.connect', async () => {
      const { connection, theirs } = ends();
      const socket = readySocket(connection);
      const closed = once(socket.resume(), 'close');
      theirs.end();
      await once(theirs.resume(), 'end');
      await closed;
      theirs.destroy();
    });

    it('carries much in both directions', async () => {
      const { connection, theirs } = ends();
      const socket = readySocket(connection);
      const sent = Buffer.alloc(1_000_000, 'payload ');
      socket.end(sent);
      const echoed = bytesToEnd(theirs.iterator({ destroyOnReturn: false }));
      expect((await echoed).equals(sent)).to.equal(true);
      theirs.end(sent);
      expect((await bytesToEnd(socket)).equals(sent)).to.equal(true);
      theirs.destroy();
    });
  });
}

describe("a ready socket over a library's stream", () => {
  expectDescriptorsBack();

  it('breaks when the stream does', async () => {
    const stream = new Duplex({ read() {}, write: (_, __, done) => done() });
    const socket = readySocket(new StreamConnection(stream));
    const broken = once(socket, 'error');
    stream.destroy(new Error('the library gave up'));
    expect((await broken)[0]).to.have.property('message', 'the connection broke: the library gave up');
  });

  it('ends the stream when it is destroyed', async () => {
    const stream = new PassThrough();
    const closed = once(stream, 'close');
    readySocket(new StreamConnection(stream)).destroy();
    await closed;
  });

  it('ends the stream when it is destroyed, though the program has removed all listeners and the other side is silent', async () => {
    const sys = loadSys();
    const [ours, silent] = sys.socketpair();
    const stream = streamOver(ours, sys);
    const closed = once(stream, 'close');
    readySocket(new StreamConnection(stream)).removeAllListeners().destroy();
    await closed;
    sys.close(silent);
  });

  it('is refused for a connection that was given away', () => {
    const connection = new StreamConnection(new PassThrough());
    connection.toStream().destroy();
    expect(() => readySocket(connection)).to.throw('this connection was given away as a stream');
  });
});
