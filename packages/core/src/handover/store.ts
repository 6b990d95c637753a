import { readSync, writeSync } from 'node:fs';
import { unlessBlocked } from '../ground/system-error.js';
import type { Splicing, Sys } from '../sys/sys.js';

/** Where bytes are between a source and a sink. It is filled when it is empty, and drained before it is filled again. */
export interface Store {
  /** How many bytes are in it. */
  readonly held: number;
  /** Takes what the source has: how many bytes that was, 0 at its end, undefined if nothing is there yet. */
  fill(source: number): number | undefined;
  /** Gives the sink as much as it takes: how many bytes that was, undefined if it takes none yet. */
  drain(sink: number): number | undefined;
  /** Drops what is in it. */
  drop(): void;
  /** Frees it, with what is in it. */
  close(): void;
}

/**
 * The most that a store takes at once, and the size of a pipe that has to carry much. It is not the 1 MiB that a pipe can
 * have, which would save a little more time: the pipes of all processes of a user share 64 MiB by default, and once that
 * is used up every new pipe gets two pages. That would slow down all other programs of this user.
 */
const SIZE = 256 * 1024;

/** A pipe and its size. */
interface Pipe {
  readonly reader: number;
  readonly writer: number;
  isLarge: boolean;
}

/** How many unused pipes are kept for later. */
const MAX_FREE = 8;

/**
 * Pipes that the copies of one or of many relays share: a copy needs one only while bytes are in it, and most sinks take
 * bytes at once. So a thousand idle relays need no pipe at all.
 */
export class PipePool {
  /** What fills and drains them. */
  readonly splicing: Splicing;
  readonly #sys: Sys;
  readonly #free: Pipe[] = [];
  #isClosed = false;

  constructor(splicing: Splicing, sys: Sys) {
    this.splicing = splicing;
    this.#sys = sys;
  }

  /** Opens so many in advance. @throws a system error if no descriptor is left for one; none is left open then. */
  reserve(count: number): void {
    try {
      while (this.#free.length < count) this.#free.push(this.#open());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** An empty pipe. @throws a system error if no descriptor is left for it. */
  take(wantsLarge: boolean): Pipe {
    const pipe = this.#free.pop() ?? this.#open();
    if (wantsLarge && !pipe.isLarge) {
      this.splicing.setPipeSize(pipe.writer, SIZE);
      pipe.isLarge = true;
    }
    return pipe;
  }

  #open(): Pipe {
    const [reader, writer] = this.splicing.openPipe();
    return { reader, writer, isLarge: false };
  }

  /** Takes an empty pipe back. */
  giveBack(pipe: Pipe): void {
    if (this.#isClosed || this.#free.length >= MAX_FREE) this.discard(pipe);
    else this.#free.push(pipe);
  }

  /** Closes a pipe, with what is in it. */
  discard({ reader, writer }: Pipe): void {
    this.#sys.close(reader);
    this.#sys.close(writer);
  }

  /** Closes the pipes that are not in use, and each of the others when it is given back. */
  close(): void {
    this.#isClosed = true;
    for (const pipe of this.#free.splice(0)) this.discard(pipe);
  }
}

/** A pipe that splice(2) fills and drains: bytes never leave the kernel. It has one only while bytes are in it. */
export class PipeStore implements Store {
  readonly #pool: PipePool;
  #pipe: Pipe | undefined;
  #held = 0;
  #wantsLarge = false;

  constructor(pool: PipePool) {
    this.#pool = pool;
  }

  get held(): number {
    return this.#held;
  }

  fill(source: number): number | undefined {
    const pipe = this.#pool.take(this.#wantsLarge);
    try {
      const taken = this.#pool.splicing.splice(source, pipe.writer, SIZE);
      this.#held = taken ?? 0;
      return taken;
    } finally {
      if (this.#held > 0) this.#pipe = pipe;
      else this.#pool.giveBack(pipe);
    }
  }

  drain(sink: number): number | undefined {
    const pipe = this.#pipe;
    if (pipe === undefined) return 0;
    const given = this.#pool.splicing.splice(pipe.reader, sink, this.#held);
    this.#held -= given ?? 0;
    if (this.#held === 0) this.#release(pipe);
    return given;
  }

  drop(): void {
    this.takeAll();
  }

  /** Makes room for more in it, and in those of its source and sink that are pipes. */
  grow(source: number, sink: number): void {
    this.#wantsLarge = true;
    for (const fd of [source, sink]) this.#pool.splicing.setPipeSize(fd, SIZE);
  }

  /** Reads what is in it. */
  takeAll(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#held);
    const pipe = this.#pipe;
    if (pipe === undefined) return bytes;
    for (let at = 0; at < bytes.length; ) at += readSync(pipe.reader, bytes, { offset: at });
    this.#held = 0;
    this.#release(pipe);
    return bytes;
  }

  #release(pipe: Pipe): void {
    this.#pipe = undefined;
    this.#pool.giveBack(pipe);
  }

  close(): void {
    if (this.#pipe !== undefined) this.#pool.discard(this.#pipe);
    this.#pipe = undefined;
    this.#held = 0;
  }
}

/** Memory of this process, for descriptors that splice(2) refuses. They must not block. */
export class BufferStore implements Store {
  readonly #buffer = Buffer.allocUnsafe(SIZE);
  #bytes: Buffer;

  /** @param bytes What is in it at first. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get held(): number {
    return this.#bytes.length;
  }

  fill(source: number): number | undefined {
    const taken = unlessBlocked(() => readSync(source, this.#buffer));
    this.#bytes = this.#buffer.subarray(0, taken ?? 0);
    return taken;
  }

  drain(sink: number): number | undefined {
    const given = unlessBlocked(() => writeSync(sink, this.#bytes));
    this.#bytes = this.#bytes.subarray(given ?? 0);
    return given;
  }

  drop(): void {
    this.#bytes = this.#bytes.subarray(this.#bytes.length);
  }

  close(): void {}
}
