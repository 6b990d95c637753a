import type { Socket } from 'node:net';

/** Reads a client's words exactly, and leaves the rest in the socket for who comes next. */
export class ByteSource {
  readonly #socket: Socket;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    const wake = (): void => this.#wake?.();
    socket.on('readable', wake).once('end', wake).once('close', wake);
  }

  /** Exactly `length` bytes. Rejects if the client goes before. */
  async read(length: number): Promise<Buffer> {
    for (;;) {
      const bytes = length === 0 ? Buffer.alloc(0) : (this.#socket.read(length) as Buffer | null);
      if (bytes?.length === length) return bytes;
      if (bytes !== null || this.#socket.readableEnded || this.#socket.destroyed)
        throw new Error('the client has closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Up to and with `end`, as text. */
  async readThrough(end: string): Promise<string> {
    let text = '';
    while (!text.endsWith(end)) text += (await this.read(1)).toString('latin1');
    return text;
  }

  /** Stops reading; what the client has said beyond is still in the socket. */
  release(): Socket {
    return this.#socket.removeAllListeners('readable');
  }
}
