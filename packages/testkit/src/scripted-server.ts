import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { listening } from './listening.js';

/** What a scripted server does on one connection. */
export type Script = (line: ScriptedLine) => Promise<void> | void;

/** A server that plays a script on every connection, for what real peers won't do on demand. */
export interface ScriptedServer {
  /** Where it listens on 127.0.0.1; 0 for a unix socket. */
  readonly port: number;
  /** Everything each connection has sent us so far. */
  readonly received: readonly Buffer[];
  /** Why scripts have ended early, in words: what a client said wrong, or that it went away. */
  readonly failures: readonly string[];
  /** How many connections there have been. */
  connections(): number;
  /** Destroys every connection and stops listening. */
  close(): Promise<void>;
}

/** Listens on a port of its own (or a unix socket) and plays the script. */
export async function startScriptedServer(
  script: Script,
  where: { readonly path: string } | undefined = undefined,
): Promise<ScriptedServer> {
  const received: Buffer[] = [];
  const failures: string[] = [];
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const line = new ScriptedLine(socket, received.push(Buffer.alloc(0)) - 1, received);
    play(script, line).catch((error: Error) => {
      failures.push(error.message);
      socket.destroy();
    });
  });
  const { port, close } = await listening(server, where);
  return { port, received, failures, connections: () => received.length, close };
}

/** Also catches what a script throws that is not an async function. */
async function play(script: Script, line: ScriptedLine): Promise<void> {
  await script(line);
}

/** One connection of a scripted server. What the client sends is kept from the first byte, whenever it is asked for. */
export class ScriptedLine {
  /** The connection itself. */
  readonly socket: Socket;
  readonly #index: number;
  readonly #all: Buffer[];
  #taken = 0;
  #flights = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket, index: number, all: Buffer[]) {
    this.socket = socket;
    this.#index = index;
    this.#all = all;
    socket.on('data', (chunk: Buffer) => {
      all[index] = Buffer.concat([this.#received, chunk]);
      this.#flights++;
      this.#wake();
    });
    socket.once('end', () => this.#end()).once('close', () => this.#end());
  }

  get #received(): Buffer {
    return this.#all[this.#index] ?? Buffer.alloc(0);
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** How many reads brought what was received: on loopback, how many flights it came in. */
  get flights(): number {
    return this.#flights;
  }

  /** Waits for the next `length` bytes. Rejects if the client ends before. */
  async take(length: number): Promise<Buffer> {
    while (this.#received.length < this.#taken + length) await this.#more();
    this.#taken += length;
    return this.#received.subarray(this.#taken - length, this.#taken);
  }

  /** Waits for exactly these bytes. Rejects, and so ends the script, on the first that differ. */
  async expect(bytes: string | Uint8Array): Promise<void> {
    const wanted = toBytes(bytes);
    const got = await this.take(wanted.length);
    if (!got.equals(wanted)) throw new Error(`the client sent ${show(got)} instead of ${show(wanted)}`);
  }

  /** Waits for bytes up to and including `end`. */
  async takeThrough(end: string | Buffer): Promise<Buffer> {
    for (;;) {
      const at = this.#received.indexOf(end, this.#taken);
      if (at !== -1) return this.take(at + end.length - this.#taken);
      await this.#more();
    }
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new Error('the client has ended');
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Sends bytes in one flight. */
  send(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.socket.write(toBytes(bytes), (error) => (error ? reject(error) : resolve()));
    });
  }

  /** Sends each byte in a segment of its own. */
  async sendOneByOne(bytes: string | Uint8Array): Promise<void> {
    for (const byte of toBytes(bytes)) {
      await this.send(Buffer.of(byte));
      await new Promise(setImmediate);
    }
  }

  /** Ends our side. */
  end(): void {
    this.socket.end();
  }

  /** Closes with a reset. What was sent before arrives first, if it is read before the reset does. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Says nothing until the client goes away. */
  async stall(): Promise<void> {
    while (!this.#ended) await this.#more().catch(() => {});
    this.socket.destroy();
  }

  /** Everything the client sends from here on, until it ends. */
  async rest(): Promise<Buffer> {
    while (!this.#ended) await this.#more().catch(() => {});
    return this.#received.subarray(this.#taken);
  }

  /** Joins this connection with one to `port`, as a proxy does once the tunnel stands. */
  async pipeTo(port: number, host = '127.0.0.1'): Promise<void> {
    const far = connect({ port, host, allowHalfOpen: true, noDelay: true });
    far.on('error', () => this.socket.destroy());
    await once(far, 'connect');
    this.socket.removeAllListeners('data');
    far.write(this.#received.subarray(this.#taken));
    this.socket.pipe(far);
    far.pipe(this.socket);
    this.socket.once('close', () => far.destroy());
  }
}

function toBytes(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}

function show(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes).toString('latin1'));
}

/** All that `socket` gives until it ends. */
export function readAll(socket: Socket): Promise<Buffer> {
  return buffer(socket);
}
