import { FdpassError } from '../ground/errors.js';

/** What a packet of PROTOCOL.mux is made of: a uint32, or a text, which is its length and its bytes. */
export type MuxField = number | string;

/** A packet of PROTOCOL.mux: its length, its type, its fields. */
export function encodeMuxPacket(type: number, ...fields: readonly MuxField[]): Buffer {
  const body = Buffer.concat([uint32(type), ...fields.map(encodeField)]);
  return Buffer.concat([uint32(body.length), body]);
}

function encodeField(field: MuxField): Buffer {
  if (typeof field === 'number') return uint32(field);
  const bytes = Buffer.from(field);
  return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

/** Reads the fields of a packet one after the other. Each throws FdpassError `protocol` if the packet ends before. */
export class MuxFieldReader {
  readonly #packet: Buffer;
  #at = 0;

  constructor(packet: Buffer) {
    this.#packet = packet;
  }

  /** Whether all of it has been read. */
  get isAtEnd(): boolean {
    return this.#at === this.#packet.length;
  }

  /** A number. */
  uint32(): number {
    return this.#take(4).readUInt32BE();
  }

  /** Bytes that are not UTF-8 become U+FFFD. */
  text(): string {
    return this.#take(this.uint32()).toString('utf8');
  }

  /** The bytes that have not been read yet. They stay unread. */
  rest(): Buffer {
    return this.#packet.subarray(this.#at);
  }

  /** All texts that are left. */
  texts(): string[] {
    const texts: string[] = [];
    while (!this.isAtEnd) texts.push(this.text());
    return texts;
  }

  #take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#packet.length) throw new FdpassError('protocol', 'a packet of the control socket is cut short');
    const bytes = this.#packet.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }
}
