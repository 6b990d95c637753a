import type { AddressInfo, Socket } from 'node:net';
import { addAbortSignal, Duplex } from 'node:stream';
import { type ConnectArguments, type ConnectTarget, readConnectArguments } from './connect-arguments.js';
import { type DialingOptions, dialFor, type SocketDialer } from './socket-dialer.js';

/**
 * A stream that connects when it is told to, as an unconnected `net.Socket`: for clients that are given a stream first
 * and call its `connect(port, host)` themselves. Reads, writes and back-pressure pass through to the dialled socket,
 * which it owns: both are destroyed together, and a dial under way is aborted.
 *
 * Its methods, properties and events are those of `net.Socket`, without `path`; it is not an instance of that class.
 * Behind a proxy, the remote address is the proxy's.
 */
export class LazySocket extends Duplex {
  readonly #dialer: SocketDialer;
  readonly #options: DialingOptions;
  readonly #closing = new AbortController();
  readonly #settings: ((socket: Socket) => void)[] = [];
  #socket: Socket | undefined;
  #handedOver = 0;
  // Kept here: the dialled socket can be closed, and know them no more, before all that came is read.
  #local: Partial<AddressInfo> = {};
  #remote: Partial<AddressInfo> = {};
  #whenConnected: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;

  constructor(dialer: SocketDialer, options: DialingOptions = {}) {
    super({ allowHalfOpen: false, emitClose: false });
    this.#dialer = dialer;
    this.#options = options;
  }

  /** True from the call of `connect` until there is a connection. */
  connecting = false;

  /** Milliseconds, as `setTimeout` was told. Default: none. */
  timeout: number | undefined;

  /**
   * Takes what `net.Socket`'s takes, except `path`. Emits `connect` and `ready`, or `error` with why not.
   *
   * @throws TypeError if there is no port.
   */
  connect(...given: ConnectArguments): this {
    const { target, whenConnected } = readConnectArguments(given);
    const { host = 'localhost', port, signal } = target;
    if (whenConnected !== undefined) this.once('connect', whenConnected);
    this.#apply(target);
    this.connecting = true;
    if (signal !== undefined) addAbortSignal(signal, this);
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

  /** Emits `timeout` after so many milliseconds in which nothing happened, also while it connects; 0 for never. */
  setTimeout(idleMs: number, whenIdle?: () => void): this {
    if (this.destroyed) return this;
    clearTimeout(this.#idle);
    this.timeout = idleMs;
    this.#idle = idleMs === 0 ? undefined : setTimeout(() => this.emit('timeout'), idleMs).unref();
    if (whenIdle === undefined) return this;
    return idleMs === 0 ? this.off('timeout', whenIdle) : this.once('timeout', whenIdle);
  }

  /** Destroys it when all that was written is on its way. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Closes a TCP connection with a reset; one that is still being made, as soon as it is there. */
  resetAndDestroy(): this {
    if (this.#socket === undefined && !this.connecting) return this.destroy();
    return this.#set((socket) => void socket.resetAndDestroy());
  }

  /** True unless there is a connection. */
  get pending(): boolean {
    return this.#socket === undefined || this.destroyed;
  }

  /** As `net.Socket`'s. */
  get readyState(): 'opening' | 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  /** Bytes that have come. */
  get bytesRead(): number {
    return this.#socket?.bytesRead ?? 0;
  }

  /** Bytes that were written, with those that still wait. */
  get bytesWritten(): number {
    return this.#handedOver + this.writableLength;
  }

  /** Undefined without a connection, as all addresses. */
  get localAddress(): string | undefined {
    return this.#local.address;
  }

  /** As `net.Socket`'s. */
  get localPort(): number | undefined {
    return this.#local.port;
  }

  /** `IPv4` or `IPv6`. */
  get localFamily(): string | undefined {
    return this.#local.family;
  }

  /** Of the other end of the dialled socket: the first proxy, if there is one. */
  get remoteAddress(): string | undefined {
    return this.#remote.address;
  }

  /** Of the other end of the dialled socket. */
  get remotePort(): number | undefined {
    return this.#remote.port;
  }

  /** `IPv4` or `IPv6`. */
  get remoteFamily(): string | undefined {
    return this.#remote.family;
  }

  /** The local end; empty without a connection. */
  address(): Partial<AddressInfo> {
    return this.#local;
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#idle?.refresh();
    if (this.#socket === undefined) this.#whenConnected = () => this._write(chunk, encoding, done);
    else {
      this.#socket.write(chunk, encoding, (error) => {
        this.#idle?.refresh();
        this.#handedOver += chunk.length;
        done(error);
      });
    }
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#socket === undefined) this.#whenConnected = () => this._final(done);
    else this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.connecting = false;
    this.#local = {};
    clearTimeout(this.#idle);
    this.#idle = undefined;
    this.#closing.abort(error ?? new Error('the stream was destroyed'));
    this.#socket?.destroy();
    done(error);
    process.nextTick(() => this.emit('close', error !== null)); // a Duplex would not say whether there was an error
  }

  #apply({ timeout, noDelay, keepAlive, keepAliveInitialDelay }: ConnectTarget): void {
    if (timeout) this.setTimeout(timeout);
    if (noDelay) this.setNoDelay(noDelay);
    if (keepAlive) this.setKeepAlive(keepAlive, keepAliveInitialDelay);
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
    this.#local = socket.address();
    this.#remote = remoteOf(socket);
    this.#idle?.refresh();
    socket.on('data', (chunk) => {
      this.#idle?.refresh();
      if (!this.push(chunk)) socket.pause();
    });
    socket.once('end', () => this.push(null));
    socket
      .once('error', (error) => this.destroy(error))
      .once('close', () => {
        if (!socket.readableEnded) this.destroy(); // else what was pushed is still to be read, and the end after it
      });
    for (const setting of this.#settings.splice(0)) setting(socket);
    if (socket.destroyed) return;
    this.emit('connect');
    this.emit('ready');
    this.#whenConnected?.();
  }
}

function remoteOf({ remoteAddress, remoteFamily, remotePort }: Socket): Partial<AddressInfo> {
  if (remoteAddress === undefined) return {};
  return { address: remoteAddress, family: remoteFamily as string, port: remotePort as number };
}

/** What `pg` takes as `stream`: makes an unconnected stream for each client, and `pg` connects and owns it. */
export function pgStream(dialer: SocketDialer, options: DialingOptions = {}): () => LazySocket {
  return () => new LazySocket(dialer, options);
}

/**
 * The counterpart of `net.connect`, for clients that take a function of their own as `createConnection`: it gives a stream
 * at once, which connects through `dialer`. The stream belongs to the caller.
 */
export function createConnection(
  dialer: SocketDialer,
  options: DialingOptions = {},
): (...given: ConnectArguments) => LazySocket {
  return (...given) => new LazySocket(dialer, options).connect(...given);
}
