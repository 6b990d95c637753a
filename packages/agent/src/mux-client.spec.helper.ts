import { type Connection, systemClock } from '@fdpass/core';
import {
  DescriptorConnection,
  encodeMuxPacket,
  loadSys,
  MUX_MSG_HELLO,
  MUX_VERSION,
  type MuxField,
  type MuxPacket,
  openConnection,
  readMuxPacket,
  sendFd,
} from '@fdpass/core/sockets';
import { MUX_C_NEW_SESSION } from './constants.js';

/** The client's side of PROTOCOL.mux, as ssh speaks it, in single steps. */
export class MuxClient {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Connects; says hello unless it is not to. */
  static async connect(path: string, { hello = true }: { readonly hello?: boolean } = {}): Promise<MuxClient> {
    const connection = await openConnection({ path }, {}, { signal: new AbortController().signal, clock: systemClock });
    const client = new MuxClient(connection);
    if (hello) {
      await client.send(MUX_MSG_HELLO, MUX_VERSION);
      await client.receive();
    }
    return client;
  }

  get #descriptor(): number {
    if (this.#connection instanceof DescriptorConnection) return this.#connection.descriptor ?? -1;
    throw new Error('not by system calls');
  }

  async send(type: number, ...fields: readonly MuxField[]): Promise<void> {
    await this.#connection.write(encodeMuxPacket(type, ...fields));
  }

  async sendBytes(bytes: Buffer): Promise<void> {
    await this.#connection.write(bytes);
  }

  /** Asks for a session and passes the descriptors as its streams. */
  async requestSession(command: string, fds: readonly number[], environment: readonly string[] = []): Promise<void> {
    await this.send(MUX_C_NEW_SESSION, 7, '', 0, 0, 0, 0, 0xffffffff, 'xterm', command, ...environment);
    for (const fd of fds) await this.passDescriptor(fd);
  }

  passDescriptor(fd: number): Promise<void> {
    return sendFd(this.#descriptor, fd, { sys: loadSys() });
  }

  receive(): Promise<MuxPacket> {
    return readMuxPacket(this.#connection, 'an answer');
  }

  /** Resolves when the agent has closed the connection. */
  async closed(): Promise<void> {
    await this.#connection.read(1, 'nothing').then(
      () => Promise.reject(new Error('bytes instead of the end')),
      () => {},
    );
  }

  close(): void {
    this.#connection.destroy();
  }
}
