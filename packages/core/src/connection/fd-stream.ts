import { Duplex } from 'node:stream';
import { errnoName } from '../ground/system-error.js';
import type { Sys } from '../sys/sys.js';

// Symbol.for: two copies of this package in one tree recognise each other's streams.
const BRAND = Symbol.for('fdpass.fd-stream.v1');

const SHUT_WR = 1;
const CHUNK = 64 * 1024;

/**
 * A stream over a connected stream socket that Node's own sockets cannot wrap, such as AF_VSOCK. Nothing is read before
 * somebody asks for it, so that its descriptor can be handed over; it owns the descriptor until then.
 */
export class FdStream extends Duplex {
  readonly #sys: Sys;
  readonly #closing = new AbortController();
  #fd: number;
  #isTouched = false;

  constructor(fd: number, sys: Sys) {
    super({ allowHalfOpen: true });
    Object.defineProperty(this, BRAND, { value: true });
    this.#fd = fd;
    this.#sys = sys;
    sys.setNonBlocking(fd, true);
    this.pause();
  }

  /** Whether the descriptor still holds the whole state of the connection. */
  get isUntouched(): boolean {
    return !this.#isTouched && !this.destroyed;
  }

  /** Takes the descriptor out; the stream is destroyed, the connection is not. The caller owns it. */
  detach(): number {
    const fd = this.#fd;
    this.#fd = -1;
    this.destroy();
    return fd;
  }

  override _read(): void {
    this.#isTouched = true;
    const buffer = Buffer.allocUnsafe(CHUNK);
    const { MSG_DONTWAIT } = this.#sys.platform.constants;
    this.#whenReady('readable', () => this.#sys.recvmsg(this.#fd, buffer, 0, MSG_DONTWAIT).bytes).then(
      (length) => this.push(length === 0 ? null : buffer.subarray(0, length)),
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#isTouched = true;
    this.#writeAll(chunk).then(() => done(), done);
  }

  async #writeAll(chunk: Buffer): Promise<void> {
    const { MSG_DONTWAIT, MSG_NOSIGNAL = 0 } = this.#sys.platform.constants;
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest;
      const sent = await this.#whenReady('writable', () =>
        this.#sys.sendmsg(this.#fd, part, Buffer.alloc(0), MSG_DONTWAIT | MSG_NOSIGNAL),
      );
      rest = rest.subarray(sent);
    }
  }

  async #whenReady(what: 'readable' | 'writable', call: () => number): Promise<number> {
    for (;;) {
      try {
        return call();
      } catch (error) {
        if (errnoName(error) !== 'EAGAIN') throw error;
        await this.#sys.wait(this.#fd, what, this.#closing.signal);
      }
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    try {
      this.#sys.shutdown(this.#fd, SHUT_WR);
    } catch {
      // The other side is gone already.
    }
    done();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#closing.abort(error ?? undefined);
    if (this.#fd !== -1) this.#sys.close(this.#fd);
    this.#fd = -1;
    done(error);
  }
}

/** Whether `stream` is an {@link FdStream}, of this or of another copy of the package. */
export function isFdStream(stream: Duplex): stream is FdStream {
  return BRAND in stream;
}
