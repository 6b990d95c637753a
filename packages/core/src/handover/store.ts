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

/** A pipe that splice(2) fills and drains: bytes never leave the kernel. */
export class PipeStore implements Store {
  readonly #splicing: Splicing;
  readonly #sys: Sys;
  readonly #reader: number;
  readonly #writer: number;
  #held = 0;

  /** @throws a system error if no descriptor is left for the pipe. */
  constructor(splicing: Splicing, sys: Sys) {
    this.#splicing = splicing;
    this.#sys = sys;
    [this.#reader, this.#writer] = splicing.openPipe();
  }

  get held(): number {
    return this.#held;
  }

  fill(source: number): number | undefined {
    const taken = this.#splicing.splice(source, this.#writer, SIZE);
    this.#held = taken ?? 0;
    return taken;
  }

  drain(sink: number): number | undefined {
    const given = this.#splicing.splice(this.#reader, sink, this.#held);
    this.#held -= given ?? 0;
    return given;
  }

  drop(): void {
    this.takeAll();
  }

  /** Makes room for more in it, and in those of its source and sink that are pipes. */
  grow(source: number, sink: number): void {
    for (const fd of [this.#writer, source, sink]) this.#splicing.setPipeSize(fd, SIZE);
  }

  /** Reads what is in it. */
  takeAll(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#held);
    for (let at = 0; at < bytes.length; ) at += readSync(this.#reader, bytes, { offset: at });
    this.#held = 0;
    return bytes;
  }

  close(): void {
    this.#sys.close(this.#reader);
    this.#sys.close(this.#writer);
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
