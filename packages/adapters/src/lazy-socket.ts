import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type DialingOptions, dialFor, type SocketDialer } from './socket-dialer.js';

/**
 * A stream that connects when it is told to, as an unconnected `net.Socket`: for clients that are given a stream first
 * and call its `connect(port, host)` themselves. Reads, writes and back-pressure pass through to the dialled socket,
 * which it owns: both are destroyed together, and a dial under way is aborted.
 */
export class LazySocket extends Duplex {
  readonly #dialer: SocketDialer;
  readonly #options: DialingOptions;
  readonly #closing = new AbortController();
  readonly #settings: ((socket: Socket) => void)[] = [];
  #socket: Socket | undefined;
  #whenConnected: (() => void) | undefined;

  constructor(dialer: SocketDialer, options: DialingOptions = {}) {
    super({ allowHalfOpen: false });
    this.#dialer = dialer;
    this.#options = options;
  }

  /** True from the call of `connect` until there is a connection. */
  connecting = false;

  /** Emits `connect`, or `error` with why not. */
  connect(port: number, host = 'localhost'): this {
    this.connecting = true;
    dialFor(this.#dialer, { host, port, signal: this.#closing.signal }, this.#options).then(
      (socket) => this.#adopt(socket),
      (error: Error) => this.destroy(error),
    );
    return this;
  }

  /** As `net.Socket`'s; kept until there is a connection. */
  setNoDelay(on = true): this {
    return this.#set((socket) => void socket.setNoDelay(on));
  }

  /** As `net.Socket`'s; kept until there is a connection. */
  setKeepAlive(on = false, initialDelayMs = 0): this {
    return this.#set((socket) => void socket.setKeepAlive(on, initialDelayMs));
  }

  /** As `net.Socket`'s; kept until there is a connection. */
  ref(): this {
    return this.#set((socket) => void socket.ref());
  }

  /** As `net.Socket`'s; kept until there is a connection. */
  unref(): this {
    return this.#set((socket) => void socket.unref());
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket === undefined) this.#whenConnected = () => this._write(chunk, encoding, done);
    else this.#socket.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket === undefined) this.#whenConnected = () => this._final(done);
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.connecting = false;
    this.#closing.abort(error ?? new Error('the stream was destroyed'));
    this.#socket?.destroy();
    done(error);
  }

  #set(setting: (socket: Socket) => void): this {
    if (this.#socket === undefined) this.#settings.push(setting);
    else setting(this.#socket);
    return this;
  }

  #adopt(socket: Socket): void {
    if (this.destroyed) return void socket.destroy();
    this.connecting = false;
    this.#socket = socket;
    socket.on('data', (chunk) => {
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket
      .once('error', (error) => this.destroy(error))
      .once('close', () => {
        if (!socket.readableEnded) this.destroy(); // else what was pushed is still to be read, and the end after it
      });
    for (const setting of this.#settings.splice(0)) setting(socket);
    this.emit('connect');
    this.emit('ready');
    this.#whenConnected?.();
  }
}

/** What `pg` takes as `stream`: makes an unconnected stream for each client, and `pg` connects and owns it. */
export function pgStream(dialer: SocketDialer, options: DialingOptions = {}): () => LazySocket {
  return () => new LazySocket(dialer, options);
}
