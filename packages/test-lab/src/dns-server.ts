import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

import { isIPv4, isIPv6 } from 'node:net';

/** An SRV record (RFC 2782). */
export interface Srv {
  /** The lowest is tried first. */
  readonly priority: number;
  /** Among those of one priority, how often it goes first. */
  readonly weight: number;
  /** Where the service is. */
  readonly port: number;
  /** `.` for the root. */
  readonly target: string;
}

/** What the server says of a name: SRV records and addresses, an RCODE (RFC 1035 §4.1.1), or nothing at all. */
export type DnsAnswer = readonly (Srv | string)[] | { readonly rcode: number } | 'silent';

/** There is no such name. */
export const NXDOMAIN: DnsAnswer = { rcode: 3 };
/** The server cannot tell. */
export const SERVFAIL: DnsAnswer = { rcode: 2 };

const TYPE_A = 1;
const TYPE_AAAA = 28; // RFC 3596
const TYPE_SRV = 33; // RFC 2782
const CLASS_IN = 1;
const HEADER_LENGTH = 12;
const RESPONSE = 0x8180; // QR, RD, RA

/** Answers questions for addresses and SRV records over UDP from a table; what is not in it does not exist. */
export class DnsServer {
  /** By name, in lower case. */
  readonly answers: Map<string, DnsAnswer> = new Map();
  /** The names that were asked for, in their order. */
  readonly questions: string[] = [];
  readonly #socket: Socket;
  #onQuestion: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Listens at an address, and on a free port. */
  static async start(address = '127.0.0.1'): Promise<DnsServer> {
    const server = new DnsServer(createSocket(isIPv6(address) ? 'udp6' : 'udp4'));
    server.#socket.on('message', (query, { port, address: client }) => {
      const reply = server.#reply(query);
      if (reply !== undefined) server.#socket.send(reply, port, client);
      server.#onQuestion();
    });
    server.#socket.bind(0, address);
    await once(server.#socket, 'listening');
    return server;
  }

  /** As `resolver.setServers` takes it. */
  get address(): string {
    const { address, port } = this.#socket.address();
    return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
  }

  /** Resolves when the next question has come. */
  nextQuestion(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuestion = resolve;
    });
  }

  /** Stops. */
  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #reply(query: Buffer): Buffer | undefined {
    const { name, type, end } = readQuestion(query);
    this.questions.push(name);
    const answer = this.answers.get(name) ?? NXDOMAIN;
    if (answer === 'silent') return undefined;
    const records = 'rcode' in answer ? [] : answer.flatMap((record) => (typeOf(record) === type ? [record] : []));
    const header = Buffer.alloc(HEADER_LENGTH);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(RESPONSE | ('rcode' in answer ? answer.rcode : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, query.subarray(HEADER_LENGTH, end), ...records.map(encodeRecord)]);
  }
}

function typeOf(record: Srv | string): number {
  if (typeof record !== 'string') return TYPE_SRV;
  return isIPv4(record) ? TYPE_A : TYPE_AAAA;
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = HEADER_LENGTH;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function encodeRecord(record: Srv | string): Buffer {
  const data = typeof record === 'string' ? encodeAddress(record) : encodeSrv(record);
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc000 | HEADER_LENGTH, 0); // a pointer to the name in the question
  head.writeUInt16BE(typeOf(record), 2);
  head.writeUInt16BE(CLASS_IN, 4);
  head.writeUInt32BE(60, 6); // TTL
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function encodeSrv({ priority, weight, port, target }: Srv): Buffer {
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  return Buffer.concat([numbers, encodeName(target)]);
}

/** An IPv6 one with at most one `::` and no dots. */
function encodeAddress(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => text.split(':').filter(Boolean);
  const after = groups(tail ?? '');
  const before = groups(head);
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const words = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16));
  return Buffer.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);
}
