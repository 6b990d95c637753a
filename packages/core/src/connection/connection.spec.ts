import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { caught, refusal } from '../ground/rejection.spec.helper.js';
import { unlessBlocked } from '../ground/system-error.js';
import type { TraceEvent } from '../ground/trace.js';
import { recvFd, sendFd } from '../sys/descriptors.js';
import { fakeSys, systemError } from '../sys/fake-sys.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import type { Poller, Sys } from '../sys/sys.js';
import type { Connection } from './connection.js';
import { type ConnectionServices, DescriptorConnection } from './descriptor.js';
import { adoptFd, tcpHandleOf } from './descriptor-stream.js';
import { openConnection } from './open.js';
import { bytesToEnd, readToEnd, tcpPair } from './socket-pair.spec.helper.js';
import { StreamConnection, toConnection } from './stream.js';

interface Pair {
  readonly ours: Connection;
  readonly theirs: Socket;
}

const NEVER = new AbortController().signal;
const MSG_PEEK = 2;

/** A stream of a library's own over a socket: there is no descriptor to take. */
function wrapped(socket: Socket): Duplex {
  socket
    .on('error', (error) => stream.destroy(error))
    .on('data', (chunk) => stream.push(chunk) || socket.pause())
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

async function acceptedBy(
  listen: object,
  address: (port: number) => object,
  services: ConnectionServices,
): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }).listen(listen);
  await once(server, 'listening');
  const { port = 0 } = Object(server.address()) as { port?: number };
  const opening = openConnection(address(port) as never, {}, { ...services, signal: NEVER });
  const [[theirs], ours] = (await Promise.all([once(server, 'connection'), opening])) as [[Socket], Connection];
  theirs.on('error', () => {});
  server.close();
  return { ours, theirs };
}

const KINDS: Readonly<Record<string, (services?: ConnectionServices) => Promise<Pair>>> = {
  TCP: (services = {}) =>
    acceptedBy({ port: 0, host: '127.0.0.1' }, (port) => ({ family: 4, host: '127.0.0.1', port }), services),
  'a unix socket': async (services = {}) => {
    const path = join(tmpdir(), `fdpass-connection-${process.pid}`);
    try {
      return await acceptedBy({ path }, () => ({ path }), services);
    } finally {
      rmSync(path, { force: true });
    }
  },
  'a socketpair': async (services = {}) => {
    const sys = loadSys();
    const [one, other] = sys.socketpair();
    sys.setNonBlocking(one, true);
    const theirs = new Socket({ fd: other, allowHalfOpen: true }).on('error', () => {});
    return { ours: new DescriptorConnection(one, sys, services), theirs };
  },
  'a stream': async (services = {}) => {
    const { ours, theirs } = await tcpPair();
    return { ours: new StreamConnection(wrapped(ours), services), theirs };
  },
};

/** The flags of every send(2) that `act` leads to. */
async function sendFlags(act: (sys: Sys) => Promise<void>): Promise<number[]> {
  const sys = loadSys();
  const flags: number[] = [];
  const send: Sys['send'] = (fd, bytes, flag) => {
    flags.push(flag);
    return sys.send(fd, bytes, flag);
  };
  const sendmsg: Sys['sendmsg'] = (fd, bytes, control, flag) => {
    flags.push(flag);
    return sys.sendmsg(fd, bytes, control, flag);
  };
  await act({ ...sys, send, sendmsg });
  return flags;
}

describe('bytes and descriptors that nobody receives', () => {
  expectDescriptorsBack();

  it('never raise SIGPIPE, which would end a program that does not ignore it', async () => {
    const { MSG_NOSIGNAL = 0 } = loadSys().platform.constants;
    const flags = await sendFlags(async (sys) => {
      const [one, other] = sys.socketpair();
      const connection = new DescriptorConnection(one, sys);
      await connection.write(Buffer.from('x'));
      await sendFd(one, other, { sys });
      connection.destroy();
      sys.close(other);
    });
    expect(flags).to.have.length(2);
    expect(flags.filter((flag) => (flag & MSG_NOSIGNAL) === MSG_NOSIGNAL)).to.have.length(2);
  });
});

/** A little protocol: a length byte, as many bytes, then a line. */
async function talk(connection: Connection): Promise<string> {
  await connection.write(Buffer.from('hello'));
  const [length = 0] = await connection.read(1, 'the length');
  const body = await connection.read(length, 'the body');
  const line = await connection.readThrough((soFar) => (soFar.at(-1) === 0x0a ? 0 : 1), 20, 'the line');
  return `${body}|${line}`;
}

const REPLY = '\x03abcline\n';
const REST = 'banner that belongs to the next owner';

for (const [kind, pair] of Object.entries(KINDS)) {
  const isStream = kind === 'a stream';

  describe(`a connection over ${kind}`, () => {
    expectDescriptorsBack();

    const write = (socket: Socket, text: string): Promise<void> =>
      new Promise((resolve) => socket.write(Buffer.from(text, 'latin1'), () => resolve()));

    /** Starts a read that is expected to be pending. */
    const pending = async (read: Promise<Buffer>): Promise<unknown> => {
      const failed = caught(read);
      await new Promise(setImmediate);
      return failed;
    };

    async function finish(send: (theirs: Socket) => Promise<void>): Promise<void> {
      const { ours, theirs } = await pair();
      const sent = send(theirs);
      expect(await talk(ours)).to.equal('abc|line\n');
      expect(ours.descriptor === undefined).to.equal(isStream);
      await sent;
      theirs.resume().end();
      const stream = ours.toStream();
      expect(await readToEnd(stream)).to.equal(REST);
      stream.destroy();
      theirs.destroy();
    }

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

    it('says how far it came when it closes, at every byte', async () => {
      for (let count = 0; count < REPLY.length; count++) {
        const { ours, theirs } = await pair();
        const failed = refusal(talk(ours));
        theirs.resume().end(Buffer.from(REPLY.slice(0, count), 'latin1'));
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
        ours.destroy();
        theirs.destroy();
      }
    });

    const resets = kind === 'TCP' || isStream; // unix sockets have no reset of their own
    if (resets) {
      it('says that it was reset', async () => {
        const { ours, theirs } = await pair();
        const failed = refusal(talk(ours));
        await once(theirs, 'data');
        theirs.resetAndDestroy();
        expect(await failed).to.match(/^unreachable: .*(connection reset|closed)/);
        ours.destroy();
      });
    }

    it('ends a read with an answer that has no end', async () => {
      const { ours, theirs } = await pair();
      theirs.write(`\x03abc${'x'.repeat(100)}`);
      expect(await refusal(talk(ours))).to.equal('protocol: the line has no end within 20 bytes');
      ours.destroy();
      theirs.destroy();
    });

    it('ends a read with what its function throws', async () => {
      const { ours, theirs } = await pair();
      theirs.write('x');
      const read = ours.readThrough(
        (soFar) => {
          if (soFar.length > 0) throw new Error('not ours');
          return 1;
        },
        10,
        'x',
      );
      expect(await caught(read)).to.have.property('message', 'not ours');
      ours.destroy();
      theirs.destroy();
    });

    it('rejects what is pending with the reason it is destroyed for, and everything after', async () => {
      for (const stage of ['', '\x03', '\x03ab', '\x03abc', '\x03abcli']) {
        const { ours, theirs } = await pair();
        const failed = caught(talk(ours));
        await once(theirs, 'data');
        if (stage !== '') await write(theirs, stage);
        await new Promise(setImmediate);
        const reason = new Error(`enough at ${stage.length}`);
        ours.destroy(reason);
        ours.destroy(new Error('a second time'));
        expect(await failed).to.equal(reason);
        expect(await caught(ours.read(1, 'more'))).to.equal(reason);
        expect(ours.descriptor).to.equal(undefined);
        theirs.destroy();
      }
    });

    it('rejects a write that waits when it is destroyed', async () => {
      const { ours, theirs } = await pair();
      theirs.pause();
      const failed = caught(ours.write(Buffer.alloc(64 * 1024 * 1024)));
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      const reason = new Error('enough');
      ours.destroy(reason);
      expect(await failed).to.equal(reason);
      theirs.destroy();
    });

    it('reports what it waits for', async () => {
      const waits: string[] = [];
      const trace = (event: TraceEvent): void => void waits.push(event.event === 'waiting' ? event.for : '');
      const { ours, theirs } = await pair({ trace });
      theirs.resume().end(Buffer.from(REPLY, 'latin1'));
      await talk(ours);
      expect(waits).to.deep.equal(['the length', 'the body', 'the line']);
      ours.destroy();
      theirs.destroy();
    });

    it('peeks without taking', async () => {
      const { ours, theirs } = await pair();
      await write(theirs, 'SSH-2.0-x');
      expect(String(await ours.peek(5000))).to.equal('SSH-2.0-x');
      expect(String(await ours.read(3, 'a word'))).to.equal('SSH');
      theirs.resume().end();
      expect(String(await ours.peek(5000))).to.equal('-2.0-x');
      const stream = ours.toStream();
      expect(await readToEnd(stream)).to.equal('-2.0-x');
      stream.destroy();
      theirs.destroy();
    });

    it('gives an empty look where nothing comes in time, or ever', async () => {
      const fired: (() => void)[] = [];
      const after = (_: number, action: () => void): (() => void) => {
        fired.push(action);
        return () => {};
      };
      const clock = { now: () => 0, after };
      const { ours, theirs } = await pair({ clock });
      const silent = ours.peek(1000);
      for (const action of fired.splice(0)) action();
      expect(await silent).to.have.length(0);
      theirs.resume().end();
      expect(await ours.peek(1000)).to.have.length(0);
      ours.destroy();
      theirs.destroy();
    });

    it('writes much through a reader that is slow', async () => {
      const { ours, theirs } = await pair();
      const sent = Buffer.alloc(8 * 1024 * 1024, 'payload ');
      const writing = ours.write(sent);
      const received: Buffer[] = [];
      let size = 0;
      while (size < sent.length) {
        const chunk = theirs.read() as Buffer | null;
        if (chunk === null) await once(theirs, 'readable');
        else received.push(chunk);
        size += chunk?.length ?? 0;
      }
      await writing;
      expect(Buffer.concat(received).equals(sent)).to.equal(true);
      ours.destroy();
      theirs.destroy();
    });

    it('fails to write where nobody is left to read', async () => {
      const { ours, theirs } = await pair();
      theirs.destroy();
      await once(theirs, 'close');
      const writing = async (): Promise<void> => {
        for (;;) await ours.write(Buffer.alloc(100_000));
      };
      expect(await refusal(writing())).to.match(/^unreachable: /);
      ours.destroy();
    });

    it('reads and writes at the same time', async () => {
      const { ours, theirs } = await pair();
      theirs.pause();
      const reading = ours.read(5, 'an answer');
      const writing = ours.write(Buffer.alloc(16 * 1024 * 1024));
      await new Promise(setImmediate);
      theirs.write('reply');
      expect(String(await reading)).to.equal('reply');
      theirs.resume();
      await writing;
      ours.destroy();
      theirs.destroy();
    });

    it('becomes a stream that carries the end of each direction', async () => {
      const { ours, theirs } = await pair();
      const stream = ours.toStream();
      const told = bytesToEnd(theirs.iterator({ destroyOnReturn: false }));
      stream.end('from us');
      expect(String(await told)).to.equal('from us');
      theirs.end('from them');
      expect(await readToEnd(stream)).to.equal('from them');
      stream.destroy();
      theirs.destroy();
    });

    it('ends the stream that it became when it is destroyed, as core does where a dial rejects', async () => {
      const { ours, theirs } = await pair();
      const stream = ours.toStream();
      const ended = once(theirs.resume(), 'end');
      ours.destroy(new Error('enough'));
      await ended;
      expect(stream.destroyed).to.equal(true);
      theirs.destroy();
    });

    it('refuses a second read while one is pending, and goes on with the first', async () => {
      const { ours, theirs } = await pair();
      const first = ours.read(2, 'a word');
      for (const second of [ours.read(1, 'a letter'), ours.readThrough(() => 1, 9, 'a letter')]) {
        expect(await refusal(second)).to.equal('internal: cannot read a letter while the read of a word is pending');
      }
      await write(theirs, 'abc');
      expect(String(await first)).to.equal('ab');
      expect(String(await ours.read(1, 'a letter'))).to.equal('c');
      ours.destroy();
      theirs.destroy();
    });

    it('refuses to wait for a number of bytes that is not one', async () => {
      const { ours, theirs } = await pair();
      await write(theirs, 'abc');
      for (const count of [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, undefined, '2'] as number[]) {
        const expected = (doing: string): string =>
          `internal: cannot read a word: asked to ${doing} ${String(count)} bytes`;
        expect(await refusal(ours.readThrough(() => count, 9, 'a word'))).to.equal(expected('read another'));
        const lateWrong = (soFar: Buffer): number => (soFar.length === 0 ? 1 : count);
        expect(await refusal(ours.read(count, 'a word'))).to.match(/^internal: cannot read a word: asked to /);
        if (Number.isNaN(count)) {
          expect(await refusal(ours.readThrough(lateWrong, 9, 'a word'))).to.equal(expected('read another'));
          expect(await refusal(ours.readThrough(() => 1, count, 'a word'))).to.equal(expected('read at most'));
        }
      }
      expect(String(await ours.read(2, 'the rest'))).to.equal('bc');
      ours.destroy();
      theirs.destroy();
    });

    it('keeps the order of writes that wait at the same time', async () => {
      const { ours, theirs } = await pair();
      const size = 4 * 1024 * 1024;
      const writes = ['a', 'b', 'c'].map((letter) => ours.write(Buffer.alloc(size, letter)));
      const received: Buffer[] = [];
      for (let length = 0; length < 3 * size; length += received.at(-1)?.length ?? 0) {
        received.push((await once(theirs, 'data'))[0] as Buffer);
      }
      await Promise.all(writes);
      const text = String(Buffer.concat(received));
      expect(['a', 'b', 'c'].map((letter) => text.indexOf(letter))).to.deep.equal([0, size, 2 * size]);
      expect(text.lastIndexOf('a') < size && text.lastIndexOf('b') < 2 * size).to.equal(true);
      ours.destroy();
      theirs.destroy();
    });

    it('writes bytes only', async () => {
      const { ours, theirs } = await pair();
      expect(await refusal(ours.write('hello' as never))).to.equal('internal: write() takes bytes, not text');
      expect(await refusal(ours.write(5 as never))).to.equal('internal: write() takes bytes, not number');
      ours.destroy();
      expect(await refusal(ours.write('late' as never))).to.equal('internal: write() takes bytes, not text');
      theirs.destroy();
    });

    it('rejects with the reason it is destroyed for, even if it had ended before', async () => {
      const { ours, theirs } = await pair();
      theirs.resume().end();
      expect(await refusal(ours.read(1, 'a word'))).to.equal('unreachable: the connection closed before a word');
      const reason = new Error('enough');
      ours.destroy(reason);
      const calls = [
        ours.read(1, 'x'),
        ours.readThrough(() => 1, 9, 'x'),
        ours.peek(5000),
        ours.write(Buffer.from('x')),
      ];
      for (const call of calls) expect(await caught(call)).to.equal(reason);
      expect(() => ours.toStream()).to.throw('enough');
      theirs.destroy();
    });

    it('cannot be used once it was given away, and leaves nothing pending', async () => {
      const { ours, theirs } = await pair();
      const before = [ours.read(1, 'x'), ours.peek(1_000_000_000)];
      const stream = ours.toStream();
      const after = [
        ours.read(1, 'x'),
        ours.readThrough(() => 1, 9, 'x'),
        ours.peek(5000),
        ours.write(Buffer.from('x')),
      ];
      for (const call of [...before, ...after]) {
        expect(await refusal(call)).to.equal('internal: this connection was given away as a stream');
      }
      expect(() => ours.toStream()).to.throw('given away');
      theirs.end('still there');
      expect(await readToEnd(stream)).to.equal('still there');
      stream.destroy();
      theirs.destroy();
    });

    it('has a pending read that ends with the other side', async () => {
      const { ours, theirs } = await pair();
      const failed = pending(ours.read(4, 'a word'));
      theirs.resume().end('ab');
      expect(String(await failed)).to.match(/closed after 2 of 4 bytes of a word/);
      ours.destroy();
      theirs.destroy();
    });
  });
}

describe('a connection by system calls', () => {
  it('keeps the order of a write that begins just when there is room again', async () => {
    const sys = loadSys();
    const { MSG_DONTWAIT } = sys.platform.constants;
    const [one, other] = sys.socketpair();
    sys.setNonBlocking(one, true);
    const ours = new DescriptorConnection(one, sys);
    const received: Buffer[] = [];
    const readAll = (): void => {
      const buffer = Buffer.alloc(2 ** 20);
      for (;;) {
        const length = unlessBlocked(() => sys.recv(other, buffer, MSG_DONTWAIT));
        if (length === undefined) return;
        received.push(Buffer.from(buffer.subarray(0, length)));
      }
    };
    const first = ours.write(Buffer.alloc(2 ** 22, 'a'));
    readAll();
    const writes = Promise.all([first, ours.write(Buffer.from('b'))]);
    const size = 2 ** 22 + 1;
    for (let count = 0; count < size; count = Buffer.concat(received).length) {
      readAll();
      await new Promise(setImmediate);
    }
    await writes;
    expect(Buffer.concat(received).indexOf('b')).to.equal(size - 1);
    ours.destroy();
    sys.close(other);
  });

  expectDescriptorsBack();

  /** One that takes at most `most` bytes at a time, and what it has been asked for. */
  async function slowlyTaking(most: number): Promise<Pair & { readonly asked: number[] }> {
    const asked: number[] = [];
    const sys = loadSys();
    const recv: Sys['recv'] = (fd, data, flags) => {
      asked.push(data.length);
      return sys.recv(fd, (flags & MSG_PEEK) === 0 ? data.subarray(0, most) : data, flags);
    };
    const [one, other] = sys.socketpair();
    const theirs = new Socket({ fd: other, allowHalfOpen: true });
    return { ours: new DescriptorConnection(one, { ...sys, recv }), theirs, asked };
  }

  it('takes all that a look has shown, even if the kernel gives it in parts', async () => {
    const { ours, theirs } = await slowlyTaking(1);
    theirs.write('line\nrest');
    await ours.peek(5000);
    const line = ours.readThrough((soFar) => (soFar.at(-1) === 0x0a ? 0 : 1), 20, 'the line');
    expect(String(await line)).to.equal('line\n');
    expect(String(await ours.peek(5000))).to.equal('rest');
    ours.destroy();
    theirs.destroy();
  });

  it('says so when something else takes the bytes that it has looked at', async () => {
    const { ours, theirs } = await slowlyTaking(0);
    theirs.write('line\nrest');
    await ours.peek(5000);
    await ours.readThrough((soFar) => (soFar.at(-1) === 0x0a ? 0 : 1), 20, 'the line');
    expect(await refusal(ours.read(1, 'more'))).to.match(/something else reads from this connection/);
    ours.destroy();
    theirs.destroy();
  });

  /** A connection over a socketpair, whose other end is `other`, and how often it has waited for something to read. */
  function countingWaits(services: ConnectionServices = {}): {
    readonly ours: DescriptorConnection;
    readonly other: number;
    readonly waits: () => number;
  } {
    const sys = loadSys();
    const [one, other] = sys.socketpair();
    let waits = 0;
    const poll: Sys['poll'] = (fd, options) => {
      const poller = sys.poll(fd, options);
      const wait: Poller['wait'] = (...args) => {
        waits += 1;
        poller.wait(...args);
      };
      return { until: (what) => poller.until(what), wait, close: (reason) => poller.close(reason) };
    };
    return { ours: new DescriptorConnection(one, { ...sys, poll }, services), other, waits: () => waits };
  }

  it('waits once for an answer, also if it has written while it waited', async () => {
    const { ours, other, waits } = countingWaits();
    const answer = ours.read(6, 'an answer');
    await ours.write(Buffer.from('question'));
    loadSys().send(other, Buffer.from('answer'), 0);
    expect(String(await answer)).to.equal('answer');
    expect(waits()).to.equal(1);
    ours.destroy();
    loadSys().close(other);
  });

  for (const [serves, expected] of [
    [true, 0],
    [false, 1],
  ] as const) {
    it(`${serves ? 'does not wait' : 'waits'} for what has come before it wrote where it ${serves ? 'serves' : 'asks'}`, async () => {
      const { ours, other, waits } = countingWaits({ serves });
      loadSys().send(other, Buffer.from('one two'), 0);
      expect(String(await ours.read(3, 'a word'))).to.equal('one');
      await ours.write(Buffer.from('answer'));
      expect(String(await ours.read(4, 'another'))).to.equal(' two');
      expect(waits()).to.equal(expected);
      ours.destroy();
      loadSys().close(other);
    });
  }

  it('becomes a socket of its own kind', async () => {
    const handles: unknown[] = [];
    for (const kind of ['TCP', 'TCP', 'a unix socket', 'a socketpair', 'TCP'] as const) {
      const { ours, theirs } = await (KINDS[kind] as (typeof KINDS)[string])();
      const stream = ours.toStream() as Socket;
      handles.push(tcpHandleOf(stream)?.name);
      stream.destroy();
      theirs.destroy();
    }
    expect(handles).to.deep.equal(['TCP', 'TCP', undefined, undefined, 'TCP']);
  });

  describe('acknowledges what it has read at once (TCP_QUICKACK, Linux)', () => {
    const IPPROTO_TCP = 6;
    const TCP_QUICKACK = 12;

    /** The calls on a copy of the descriptor while it reads 2 bytes, the rest of a line, and 2 bytes that come one by one. */
    async function callsOf({ ours: original, theirs }: Pair, services?: ConnectionServices): Promise<string[]> {
      const calls: string[] = [];
      const sys = loadSys();
      const copy = new DescriptorConnection(
        sys.dup(original.descriptor ?? -1),
        {
          ...sys,
          recv(fd, data, flags) {
            const length = sys.recv(fd, data, flags);
            if ((flags & MSG_PEEK) === 0) calls.push(`took ${length}`);
            return length;
          },
          setsockopt(fd, level, name, value) {
            expect([level, name, value]).to.deep.equal([IPPROTO_TCP, TCP_QUICKACK, 1]);
            calls.push('acknowledge');
            sys.setsockopt(fd, level, name, value);
          },
        },
        services,
      );
      theirs.write('abline\n');
      await copy.read(2, 'two bytes');
      await copy.readThrough((soFar) => (soFar.at(-1) === 0x0a ? 0 : 1), 20, 'the line');
      const last = copy.read(2, 'two bytes');
      theirs.write('c');
      while (calls.filter((call) => call.startsWith('took')).length < 3) await new Promise(setImmediate);
      theirs.write('d');
      await last;
      copy.destroy();
      original.destroy();
      theirs.destroy();
      return calls;
    }
    const READS = ['took 2', 'took 5', 'took 1', 'took 1'];

    it('after each read of TCP', async function () {
      if (process.platform !== 'linux') this.skip();
      const pair = await acceptedBy(
        { port: 0, host: '127.0.0.1' },
        (port) => ({ family: 4, host: '127.0.0.1', port }),
        {},
      );
      expect(await callsOf(pair)).to.deep.equal(READS.flatMap((read) => [read, 'acknowledge']));
    });

    it('but not before we have answered something: until then the kernel does it by itself', async function () {
      if (process.platform !== 'linux') this.skip();
      const calls: string[] = [];
      const sys = loadSys();
      const setsockopt: Sys['setsockopt'] = (fd, level, name, value) => {
        calls.push('acknowledge');
        sys.setsockopt(fd, level, name, value);
      };
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const context = { signal: NEVER, sys: { ...sys, setsockopt } };
      const [[theirs], ours] = (await Promise.all([
        once(server, 'connection'),
        openConnection({ family: 4, host: '127.0.0.1', port }, {}, context),
      ])) as [[Socket], Connection];
      for (const round of ['one', 'two', 'six']) {
        calls.push(`ask ${round}`);
        await ours.write(Buffer.from(round));
        theirs.write(`${round}\n`);
        await ours.read(3, 'an answer');
        await ours.read(1, 'its end');
      }
      ours.destroy();
      theirs.destroy();
      server.close();
      const answered = ['acknowledge', 'acknowledge'];
      expect(calls).to.deep.equal(['ask one', 'ask two', ...answered, 'ask six', ...answered]);
    });

    it('and asks other sockets only once', async function () {
      if (process.platform !== 'linux') this.skip();
      const sys = loadSys();
      const [one, other] = sys.socketpair();
      const pair = { ours: new DescriptorConnection(one, sys), theirs: new Socket({ fd: other, allowHalfOpen: true }) };
      const [first, ...others] = READS;
      expect(await callsOf(pair)).to.deep.equal([first, 'acknowledge', ...others]);
    });

    it('and never where it serves a unix socket', async () => {
      const sys = loadSys();
      const [one, other] = sys.socketpair();
      const pair = { ours: new DescriptorConnection(one, sys), theirs: new Socket({ fd: other, allowHalfOpen: true }) };
      expect(await callsOf(pair, { serves: true })).to.deep.equal(READS);
    });
  });

  it('does not make room for all of a long read at once', async () => {
    const { ours, theirs, asked } = await slowlyTaking(1);
    const read = refusal(ours.read(4_000_000_000, 'a length that the other side chose'));
    theirs.end('x');
    expect(await read).to.match(/closed after 1 of 4000000000 bytes/);
    expect(Math.max(...asked)).to.be.at.most(64 * 1024);
    ours.destroy();
    theirs.destroy();
  });
});

describe('a connection over a stream that is over', () => {
  expectDescriptorsBack();

  const broken = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  const STREAMS: Readonly<Record<string, readonly [stream: () => Promise<Duplex>, read: string, peek: string]>> = {
    'has ended': [
      async () => {
        const stream = new PassThrough({ autoDestroy: false }).end();
        await once(stream.resume(), 'end');
        return stream;
      },
      'unreachable: the connection closed before a word',
      '',
    ],
    'was destroyed': [
      async () => {
        const stream = new PassThrough();
        await once(stream.destroy(), 'close');
        return stream;
      },
      'unreachable: the connection closed before a word',
      '',
    ],
    broke: [
      async () => {
        const stream = new PassThrough().on('error', () => {});
        await new Promise((resolve) => stream.destroy(broken).once('close', resolve));
        return stream;
      },
      'unreachable: the connection broke (connection reset) before a word',
      'unreachable: the connection broke: connection reset',
    ],
  };
  for (const [what, [make, read, peek]] of Object.entries(STREAMS)) {
    it(`notices that it ${what}`, async () => {
      const connection = new StreamConnection(await make());
      expect(await refusal(connection.read(1, 'a word'))).to.equal(read);
      const look = connection.peek(1_000_000_000);
      if (peek === '') expect(await look).to.have.length(0);
      else expect(await refusal(look)).to.equal(peek);
      if (what !== 'has ended') expect(await refusal(connection.write(Buffer.from('x')))).to.match(/^unreachable: /);
      connection.destroy();
    });
  }

  it('tells a watcher of a stream that was destroyed before, unless it has stopped watching', async () => {
    const stream = new PassThrough();
    await once(stream.destroy(), 'close');
    const connection = new StreamConnection(stream);
    connection.onBroken(() => expect.fail('it has stopped'))();
    await new Promise<void>((resolve) => connection.onBroken(() => resolve()));
  });

  it('ends what is pending although the stream never says that it has closed', async () => {
    const silent = new Duplex({ read() {}, write() {}, destroy() {} });
    const connection = new StreamConnection(silent);
    const calls = [connection.peek(1_000_000_000), connection.write(Buffer.from('x')), connection.read(1, 'x')];
    const reason = new Error('enough');
    connection.destroy(reason);
    for (const call of calls) expect(await caught(call)).to.equal(reason);
  });
});

describe('what a dial gives, as a connection', () => {
  expectDescriptorsBack();

  it('leaves nothing open where it cannot be taken over', async () => {
    const { ours, theirs } = await tcpPair();
    const dup = (): never => {
      throw systemError('EMFILE');
    };
    const failed = (): unknown => toConnection(ours, {}, fakeSys({ dup }));
    expect(failed).to.throw('cannot take over the socket: no file descriptor left in this process');
    expect(ours.destroyed).to.equal(true);
    await once(theirs.resume(), 'end');
    theirs.destroy();
    for (const options of [{ readableObjectMode: true }, { encoding: 'utf8' }] as const) {
      const stream = new Duplex({ read() {}, ...options });
      expect(() => toConnection(stream)).to.throw(/a stream of (objects|text) is not a connection/);
      expect(stream.destroyed).to.equal(true);
    }
  });

  it('is the socket itself, by its descriptor, if nothing of it was read', async () => {
    const { ours, theirs } = await tcpPair();
    theirs.write(REST);
    const connection = toConnection(ours);
    expect([typeof connection.descriptor, ours.destroyed]).to.deep.equal(['number', true]);
    expect(String(await connection.read(6, 'a word'))).to.equal('banner');
    const sys = loadSys();
    const [channel, receiver] = sys.socketpair();
    await sendFd(channel, connection.descriptor ?? -1);
    connection.destroy();
    theirs.end();
    const passed = adoptFd(await recvFd(receiver), sys);
    expect(String(await bytesToEnd(passed))).to.equal(REST.slice(6));
    passed.destroy(); // its other half is still open, and Node 24 leaves it so
    for (const fd of [channel, receiver]) sys.close(fd);
    theirs.destroy();
  });

  it('keeps what a socket has read ahead', async () => {
    const { ours, theirs } = await tcpPair();
    theirs.write(Buffer.from(REPLY + REST, 'latin1'));
    ours.once('readable', () => {});
    await once(ours, 'readable');
    const connection = toConnection(ours);
    expect(connection.descriptor).to.equal(undefined);
    expect(await talk(connection)).to.equal('abc|line\n');
    theirs.end();
    expect(await readToEnd(connection.toStream())).to.equal(REST);
    theirs.destroy();
  });

  it('needs no socket at all', async () => {
    const stream = new PassThrough();
    stream.write('x');
    const connection = toConnection(stream);
    expect(String(await connection.read(1, 'x'))).to.equal('x');
    expect(connection.descriptor).to.equal(undefined);
    expect(toConnection(connection)).to.equal(connection);
  });

  it('is not a descriptor while it connects', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).end('late')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
    const connection = toConnection(socket);
    expect(connection.descriptor).to.equal(undefined);
    expect(String(await connection.read(4, 'a word'))).to.equal('late');
    connection.destroy();
    server.close();
    await once(server, 'close');
  });
});
