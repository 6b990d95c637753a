import { EventEmitter } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Place } from './subject.js';

/** What a line does to the bytes that the server sends to the client. */
export interface LinePolicy {
  /** One byte at a time, each in a segment of its own. */
  readonly dribble?: boolean;
  /** Holds back until the server has been silent for a while, so that its last reply and what follows come together. */
  readonly hold?: boolean;
  /** After this many bytes the next one ends the line: by an end, or by a reset. */
  readonly closeAfter?: number;
  readonly reset?: boolean;
  /** After this many bytes nothing comes any more. */
  readonly silentAfter?: number;
}

const HOLD_MS = 25;

/** Something a line has seen: a connection, bytes of the client, bytes for it. */
type LineEvents = { step: [] };

/**
 * A server on loopback that leads to `upstream` and passes bytes on, well or badly, by a policy. One that is made for one
 * connection stops listening when that has come, so that nothing of it is left when its ends are closed.
 */
export class Line extends EventEmitter<LineEvents> {
  /** Bytes that the client was sent. */
  delivered = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #policy: (line: Line) => LinePolicy;

  private constructor(server: Server, policy: (line: Line) => LinePolicy) {
    super();
    this.#server = server;
    this.#policy = policy;
  }

  /** Listens on a free port; `policy` is asked for each connection. Default: for one connection only. */
  static async open(upstream: Place, policy: (line: Line) => LinePolicy, forMany = false): Promise<Line> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const line = new Line(server, policy);
    server.on('connection', (client) => {
      if (!forMany) server.close();
      line.#join(client, connect({ ...upstream, allowHalfOpen: true, noDelay: true }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  /** Where it listens. */
  get place(): Place {
    return { host: '127.0.0.1', port: (this.#server.address() as AddressInfo).port };
  }

  /** Cuts everything. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) this.#server.close();
  }

  #join(client: Socket, far: Socket): void {
    for (const [one, other] of [
      [client, far],
      [far, client],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => other.destroy());
      one.once('close', () => {
        this.#sockets.delete(one);
        other.destroySoon();
      });
    }
    this.emit('step');
    client.on('data', (chunk) => {
      this.emit('step');
      far.write(chunk);
    });
    client.once('end', () => far.end());
    const delivery = new Delivery(this.#policy(this), client, (length) => {
      this.delivered += length;
      this.emit('step');
    });
    far.on('data', (chunk) => delivery.take(chunk));
    far.once('end', () => delivery.end());
  }
}

/** What the server of one connection sends, on its way to the client. */
class Delivery {
  readonly #policy: LinePolicy;
  readonly #client: Socket;
  readonly #report: (length: number) => void;
  #queue = Buffer.alloc(0);
  #sent = 0;
  #isSending = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(policy: LinePolicy, client: Socket, report: (length: number) => void) {
    this.#policy = policy;
    this.#client = client;
    this.#report = report;
    client.once('close', () => clearTimeout(this.#timer));
  }

  take(chunk: Buffer): void {
    this.#queue = Buffer.concat([this.#queue, chunk]);
    if (this.#policy.hold !== true) return void this.#send();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#send(), HOLD_MS);
  }

  end(): void {
    this.#isOver = true;
    if (this.#policy.hold !== true || this.#queue.length === 0) void this.#send();
  }

  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#queue.length > 0 && !this.#client.destroyed) {
      const room = this.#room();
      if (room === 0) break;
      const length = Math.min(room, this.#policy.dribble === true ? 1 : this.#queue.length);
      const bytes = this.#queue.subarray(0, length);
      this.#queue = this.#queue.subarray(length);
      this.#sent += length;
      this.#client.write(bytes);
      this.#report(length);
      await new Promise(setImmediate); // lets the client read it before the next comes
    }
    this.#isSending = false;
    if (this.#queue.length === 0 && this.#isOver) this.#client.end();
  }

  /** How many more bytes may be sent. Cuts the line when the one byte too many wants to come. */
  #room(): number {
    const { closeAfter, silentAfter, reset } = this.#policy;
    const room = Math.min(closeAfter ?? Infinity, silentAfter ?? Infinity) - this.#sent;
    if (room > 0 || closeAfter === undefined) return Math.max(0, room);
    if (reset === true) this.#client.resetAndDestroy();
    else this.#client.destroySoon();
    return 0;
  }
}
