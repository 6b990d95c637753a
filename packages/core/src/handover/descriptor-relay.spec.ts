import { createHash, randomFillSync } from 'node:crypto';
import { createReadStream, createWriteStream, openSync, writeSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expectDescriptorsBack, makePipe } from '@fdpass/test-lab';
import { expect } from 'chai';
import { DescriptorConnection } from '../connection/descriptor.js';
import { adoptFd, whenReady } from '../connection/descriptor-stream.js';
import { bytesToEnd, nextBytes, readToEnd } from '../connection/socket-pair.spec.helper.js';
import { systemError } from '../sys/fake-sys.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import type { Splicing, Sys } from '../sys/sys.js';
import type { Channel } from './channel.js';
import { UP } from './copy.js';
import { DescriptorCopy } from './descriptor-copy.js';
import { prepareConnectionRelay, prepareDescriptorRelay } from './descriptor-relay.js';
import type { RelayResult } from './relay.js';
import { PipePool, PipeStore } from './store.js';

const MIB = 1024 * 1024;

describe('a relay of descriptors', () => {
  const sys = loadSys();
  const splicing = sys.splicing as Splicing;
  const open: number[] = [];
  before(function () {
    if (sys.splicing === undefined) this.skip();
  });
  afterEach(() => {
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack();

  const keep = <T extends readonly number[]>(fds: T): T => {
    open.push(...fds);
    return fds;
  };
  /** Closes one of them, or leaves that to somebody else. */
  const release = (fd: number): number => open.splice(open.indexOf(fd), 1)[0] as number;
  const close = (fd: number): void => sys.close(release(fd));

  interface Relayed {
    readonly done: Promise<RelayResult>;
    /** What the user writes to and reads from. */
    readonly ours: readonly [writer: number, reader: number];
    readonly channel: Channel;
    readonly server: number;
  }

  /** user <-> channel | relay | far <-> server */
  function start(ends: readonly (readonly [number, number])[], calls: Sys = sys): Relayed {
    const [[input, writer], [output, reader]] = ends as [[number, number], [number, number]];
    const [far, server] = keep(sys.socketpair());
    const channel: Channel = { input, output, as: 'relay' };
    const relay = prepareDescriptorRelay(channel, far, calls);
    if (relay === undefined) throw new Error('refused');
    for (const fd of [input, output]) release(fd);
    return { done: relay.run({}).finally(() => close(far)), ours: [writer, reader], channel, server };
  }
  const pipes = (): readonly (readonly [number, number])[] => {
    const [input, writer] = keep(makePipe());
    const [reader, output] = keep(makePipe());
    return [
      [input, writer],
      [output, reader],
    ];
  };
  const sockets = (): readonly (readonly [number, number])[] => [keep(sys.socketpair()), keep(sys.socketpair())];

  const channels = { pipes, sockets };
  for (const [kind, make] of Object.entries(channels)) {
    it(`over two ${kind} delivers every byte both ways, and both ends`, async () => {
      const { done, ours, server } = start(make());
      const [writer, reader] = ours.map(release) as [number, number];
      const peer = adoptFd(release(server), sys);
      const up = randomFillSync(Buffer.alloc(5 * MIB + 1));
      const down = randomFillSync(Buffer.alloc(5 * MIB + 1));
      const [atServer, atUser] = await Promise.all([
        bytesToEnd(peer.iterator({ destroyOnReturn: false })),
        bytesToEnd(createReadStream('', { fd: reader })),
        pipeline([up], createWriteStream('', { fd: writer })),
        new Promise<void>((resolve) => peer.end(down, resolve)),
      ]);
      expect([digest(atServer), digest(atUser)]).to.deep.equal([digest(up), digest(down)]);
      expect(await done).to.deep.equal({ sent: up.length, received: down.length });
      peer.destroy();
    });
  }

  it('does not change the mode of a pipe', async () => {
    const { done, ours, server, channel } = start(pipes());
    const peer = adoptFd(release(server), sys);
    writeSync(ours[0], 'up');
    expect(await nextBytes(peer, 2)).to.equal('up');
    expect([channel.input, channel.output].map((fd) => sys.isNonBlocking(fd))).to.deep.equal([false, false]);
    close(ours[0]);
    peer.end();
    await done;
    peer.destroy();
  });

  it('gives a socket its mode back', async () => {
    const { done, ours, server, channel } = start(sockets());
    const modes = [channel.input, channel.output].map((fd) => keep([sys.dup(fd)])[0] as number);
    const areNonBlocking = (): readonly boolean[] => modes.map((fd) => sys.isNonBlocking(fd));
    expect(areNonBlocking()).to.deep.equal([true, true]);
    close(ours[0]);
    close(server);
    await done;
    expect(areNonBlocking()).to.deep.equal([false, false]);
  });

  it('tells the reader of a pipe that the server has ended, while the user goes on', async () => {
    const { done, ours, server } = start(pipes());
    const peer = adoptFd(release(server), sys);
    peer.end('bye');
    expect(String(await bytesToEnd(createReadStream('', { fd: release(ours[1]) })))).to.equal('bye');
    writeSync(ours[0], 'still here');
    expect(await nextBytes(peer, 10)).to.equal('still here');
    close(ours[0]);
    expect(await done).to.deep.equal({ sent: 10, received: 3 });
    peer.destroy();
  });

  it('is over when nobody takes what arrives', async () => {
    const { done, ours, server } = start(pipes());
    close(ours[1]);
    writeSync(server, 'hello');
    await done;
  });

  it('takes on what the user writes when the server reads no more', async () => {
    const SHUT_RD = 0;
    const { done, ours, server } = start(pipes());
    sys.shutdown(server, SHUT_RD);
    sys.setNonBlocking(ours[0], true);
    const poller = sys.poll(ours[0]);
    for (let left = MIB; left > 0; ) {
      left -= await whenReady(poller, 'writable', () => writeSync(ours[0], Buffer.alloc(left)));
    }
    poller.close();
    close(ours[0]);
    close(server);
    await done;
  });

  it('makes pipes larger only for a session that moves much', async () => {
    for (const [length, isGrown] of [
      [MIB - 1, false],
      [MIB, true],
    ] as const) {
      const grown: number[] = [];
      const watched: Splicing = { ...splicing, setPipeSize: (fd) => void grown.push(fd) };
      const { done, ours, server, channel } = start(pipes(), { ...sys, splicing: watched });
      const peer = adoptFd(release(server), sys).resume();
      await pipeline([Buffer.alloc(length)], createWriteStream('', { fd: release(ours[0]) }));
      peer.end();
      await done;
      expect([grown.length > 0, grown.includes(channel.input)]).to.deep.equal([isGrown, isGrown]);
      peer.destroy();
    }
  });

  it('is not for terminals and files, nor where the system does not splice', () => {
    const [far, socket, reader, writer] = keep([...sys.socketpair(), ...makePipe()]) as [
      number,
      number,
      number,
      number,
    ];
    const [file, nothing] = keep([openSync(import.meta.filename, 'r'), openSync('/dev/null', 'r')]) as [number, number];
    const isPossible = (input: number, output: number, calls = sys): boolean =>
      prepareDescriptorRelay({ input, output, as: 'relay' }, far, calls) !== undefined;
    expect(isPossible(file, writer)).to.equal(false);
    expect(isPossible(nothing, writer)).to.equal(false);
    expect(isPossible(reader, file)).to.equal(false);
    expect(isPossible(socket, socket, { ...sys, splicing: undefined })).to.equal(false);
  });

  it('gives up if no descriptor is left for its second pipe, and keeps none', () => {
    const [far, near] = keep(sys.socketpair());
    let count = 0;
    const openPipe = (): [number, number] => {
      if (++count === 2) throw systemError('EMFILE');
      return splicing.openPipe();
    };
    const calls = { ...sys, splicing: { ...splicing, openPipe } };
    expect(prepareDescriptorRelay({ input: near, output: near, as: 'relay' }, far, calls)).to.equal(undefined);
    expect(count).to.equal(2);
  });

  describe('between two connections', () => {
    /** client <-> near | relay | far <-> server. */
    function relayed(pool: PipePool): { ends: readonly [Duplex, Duplex]; done: Promise<RelayResult> | undefined } {
      const [theirs, near] = sys.socketpair();
      const [far, server] = sys.socketpair();
      for (const fd of [near, far]) sys.setNonBlocking(fd, true);
      const [client, target] = [new DescriptorConnection(near, sys), new DescriptorConnection(far, sys)];
      const done = prepareConnectionRelay(client, target, pool, sys)?.run({});
      void done?.finally(() => [client, target].map((connection) => connection.destroy()));
      return { ends: [adoptFd(theirs, sys), adoptFd(server, sys)], done };
    }

    it('ten relays share two pipes as long as nothing has to wait', async () => {
      let opened = 0;
      const openPipe = (): [number, number] => {
        opened++;
        return splicing.openPipe();
      };
      const pool = new PipePool({ ...splicing, openPipe }, sys);
      const relays = Array.from({ length: 10 }, () => relayed(pool));
      for (const { ends } of relays) {
        ends[0].end('up');
        ends[1].end('down');
        expect([await readToEnd(ends[1]), await readToEnd(ends[0])]).to.deep.equal(['up', 'down']);
      }
      await Promise.all(relays.map(({ done }) => done));
      expect(opened).to.be.at.most(2); // one for each direction of the one that is busy
      pool.close();
    });

    it('bytes are read and written while no descriptor is left for a pipe', async () => {
      const openPipe = (): never => {
        throw systemError('EMFILE');
      };
      const pool = new PipePool({ ...splicing, openPipe }, sys);
      const { ends, done } = relayed(pool);
      ends[0].end('up');
      ends[1].end('down');
      expect([await readToEnd(ends[1]), await readToEnd(ends[0])]).to.deep.equal(['up', 'down']);
      expect(await done).to.deep.equal({ sent: 2, received: 4 });
    });
  });

  describe('between a source and a sink that are always ready', () => {
    const port = { fd: -1, poller: { until: () => Promise.resolve(), close: () => {} }, end: () => {} };
    /** A copy that would go on for ever, and how many calls it has made. */
    function endless(): { copy: DescriptorCopy; calls: () => number; pool: PipePool } {
      let calls = 0;
      const splice = (): number => {
        if (++calls > 1000) throw systemError('EIO');
        return 1;
      };
      const pool = new PipePool({ ...splicing, splice }, sys);
      const copy = new DescriptorCopy(port, port, new PipeStore(pool), UP);
      return { copy, calls: () => calls, pool };
    }

    it('leaves turns of the event loop to others', async () => {
      const { copy, calls, pool } = endless();
      await new Promise(setImmediate);
      expect(calls()).to.be.lessThan(100);
      copy.stop();
      pool.close();
    });

    it('makes no call after it was stopped', async () => {
      const { copy, calls, pool } = endless();
      await new Promise(setImmediate);
      copy.stop();
      pool.close();
      const before = calls();
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      expect(calls()).to.equal(before);
    });
  });
});

function digest(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
