import { getEventListeners, once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import { expect } from 'chai';
import { caught, refusal } from '../ground/rejection.spec.helper.js';
import { expectDescriptorsBack } from '../sys/open-descriptors.spec.helper.js';
import { isPlainSocket } from './detach.js';
import { handshake } from './handshake.js';
import type { Peer } from './peer.js';
import { readToEnd, tcpPair } from './socket-pair.spec.helper.js';

/** A stream of a library's own over a socket: no descriptor to take. */
function wrapped(socket: Socket): Duplex {
  socket
    .on('error', (error) => stream.destroy(error))
    .on('data', (chunk) => stream.push(chunk))
    .on('end', () => stream.push(null));
  const stream: Duplex = new Duplex({
    read: () => void socket.resume(),
    write: (chunk, _, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy();
      done(error);
    },
  });
  return stream;
}

const KINDS: Readonly<Record<string, (socket: Socket) => Duplex>> = {
  'a plain socket': (socket) => socket,
  'any other stream': wrapped,
};

/** A little protocol: a length byte, as many bytes, then a line up to an empty one. */
async function talk(peer: Peer): Promise<string> {
  await peer.write(Buffer.from('hello'));
  const [length = 0] = await peer.read(1, 'the length');
  const body = await peer.read(length, 'the body');
  const line = await peer.readThrough((soFar) => (soFar.at(-1) === 0x0a ? 0 : 1), 20, 'the line');
  return `${body}|${line}`;
}

const REPLY = '\x03abcline\n';
const REST = 'banner that belongs to the next owner';

for (const [kind, wrap] of Object.entries(KINDS)) {
  describe(`a handshake over ${kind}`, () => {
    const controller = new AbortController();
    const context = { signal: controller.signal, trace: () => {} };
    afterEach(() => {
      expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([]);
    });
    expectDescriptorsBack(3);

    async function finish(send: (theirs: Socket) => Promise<void>): Promise<void> {
      const { ours, theirs } = await tcpPair();
      const sent = send(theirs);
      const { stream, result } = await handshake(wrap(ours), context, talk);
      expect(result).to.equal('abc|line\n');
      expect(stream.readableLength === 0 || kind !== 'a plain socket').to.equal(true);
      if (kind === 'a plain socket') expect(isPlainSocket(stream)).to.equal(true);
      await sent;
      theirs.end();
      expect(await readToEnd(stream)).to.equal(REST);
      stream.destroy();
      theirs.destroy();
    }

    const write = (socket: Socket, text: string): Promise<void> =>
      new Promise((resolve) => socket.write(Buffer.from(text, 'latin1'), () => resolve()));

    it('takes exactly its own bytes, all in one segment before it begins', () =>
      finish((theirs) => write(theirs, REPLY + REST)));

    it('takes exactly its own bytes, one at a time', () =>
      finish(async (theirs) => {
        for (const byte of REPLY + REST) {
          await write(theirs, byte);
          await new Promise(setImmediate);
        }
      }));

    it('takes exactly its own bytes, however they are cut', async () => {
      for (let cut = 1; cut < REPLY.length + 1; cut++) {
        await finish(async (theirs) => {
          await once(theirs, 'data'); // the greeting: we answer in two parts
          await write(theirs, (REPLY + REST).slice(0, cut));
          await new Promise(setImmediate);
          await write(theirs, (REPLY + REST).slice(cut));
        });
      }
    });

    it('says how far it came when the connection closes, at every byte', async () => {
      for (let count = 0; count < REPLY.length; count++) {
        const { ours, theirs } = await tcpPair();
        const failed = refusal(handshake(wrap(ours), context, talk));
        theirs.end(Buffer.from(REPLY.slice(0, count), 'latin1'));
        const expected = [
          'unreachable: the connection closed before the length',
          'protocol: the connection closed before the body',
          'protocol: the connection closed after 1 of 3 bytes of the body',
          'protocol: the connection closed after 2 of 3 bytes of the body',
          'protocol: the connection closed before the line',
        ][count];
        expect(await failed).to.equal(
          expected ?? `protocol: the connection closed after ${count - 4} bytes of the line`,
        );
        theirs.destroy();
      }
    });

    it('ends when the connection is reset', async () => {
      const { ours, theirs } = await tcpPair();
      const failed = refusal(handshake(wrap(ours), context, talk));
      await once(theirs, 'data');
      theirs.resetAndDestroy();
      expect(await failed).to.match(/^unreachable: .*(connection reset|closed)/);
    });

    it('ends with an answer that has no end', async () => {
      const { ours, theirs } = await tcpPair();
      const failed = refusal(handshake(wrap(ours), context, talk));
      theirs.write(`\x03abc${'x'.repeat(100)}`);
      expect(await failed).to.equal('protocol: the line has no end within 20 bytes');
      theirs.destroy();
    });

    it('ends with what the protocol throws in the middle of reading', async () => {
      const { ours, theirs } = await tcpPair();
      theirs.write('x');
      const failed = caught(
        handshake(wrap(ours), context, (peer) =>
          peer.readThrough(
            (soFar) => {
              if (soFar.length > 0) throw new Error('not ours');
              return 1;
            },
            10,
            'x',
          ),
        ),
      );
      expect(await failed).to.have.property('message', 'not ours');
      theirs.destroy();
    });

    it('ends at once with the reason of its signal, whatever it waits for', async () => {
      const stages: readonly string[] = ['', '\x03', '\x03ab', '\x03abc', '\x03abcli'];
      for (const stage of stages) {
        const aborter = new AbortController();
        const { ours, theirs } = await tcpPair();
        const failed = caught(handshake(wrap(ours), { ...context, signal: aborter.signal }, talk));
        await once(theirs, 'data');
        if (stage !== '') await write(theirs, stage);
        await new Promise(setImmediate);
        const reason = new Error(`enough at ${stage.length}`);
        aborter.abort(reason);
        expect(await failed).to.equal(reason);
        expect(getEventListeners(aborter.signal, 'abort')).to.deep.equal([]);
        theirs.destroy();
      }
      const aborted = AbortSignal.abort(new Error('before'));
      const { ours, theirs } = await tcpPair();
      expect(await caught(handshake(wrap(ours), { ...context, signal: aborted }, talk))).to.equal(aborted.reason);
      theirs.destroy();
    });

    it('says what it waits for', async () => {
      const waits: unknown[] = [];
      const { ours, theirs } = await tcpPair();
      theirs.end(Buffer.from(REPLY, 'latin1'));
      const trace = (event: { event: string; for?: unknown }): void => void waits.push(`${event.event} ${event.for}`);
      const { stream } = await handshake(wrap(ours), { ...context, trace }, talk);
      expect(waits).to.deep.equal(['waiting the length', 'waiting the body', 'waiting the line']);
      stream.destroy();
      theirs.destroy();
    });
  });
}

describe('a handshake', () => {
  it('over a socket that has read ahead keeps those bytes in the stream', async () => {
    const { ours, theirs } = await tcpPair();
    theirs.write(Buffer.from(REPLY + REST, 'latin1'));
    ours.once('readable', () => {});
    await once(ours, 'readable');
    const { stream, result } = await handshake(ours, { signal: new AbortController().signal, trace: () => {} }, talk);
    expect(result).to.equal('abc|line\n');
    theirs.end();
    expect(await readToEnd(stream)).to.equal(REST);
    theirs.destroy();
  });

  it('needs no socket at all', async () => {
    const stream = new PassThrough();
    stream.write('x');
    const { result } = await handshake(stream, { signal: new AbortController().signal, trace: () => {} }, (peer) =>
      peer.read(1, 'x'),
    );
    expect(String(result)).to.equal('x');
  });

  it('fails where nobody is left to write to', async () => {
    const { ours, theirs } = await tcpPair();
    theirs.destroy();
    await once(theirs, 'close');
    const failed = refusal(
      handshake(ours, { signal: new AbortController().signal, trace: () => {} }, async (peer) => {
        for (;;) await peer.write(Buffer.alloc(100_000));
      }),
    );
    expect(await failed).to.match(/^unreachable: /);
  });
});
