import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/* A scripted name server, for the other specs. (Its name keeps it out of the published package.) */

export interface Srv {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** `.` for the root. */
  readonly target: string;
}

/** What the server says of a name: records, an RCODE (RFC 1035 §4.1.1), or nothing at all. */
export type DnsAnswer = readonly Srv[] | { readonly rcode: number } | 'silent';

export const NXDOMAIN: DnsAnswer = { rcode: 3 };
export const SERVFAIL: DnsAnswer = { rcode: 2 };

const TYPE_SRV = 33; // RFC 2782
const CLASS_IN = 1;
const HEADER_LENGTH = 12;
const RESPONSE = 0x8180; // QR, RD, RA

/** Answers SRV questions over UDP from a table; what is not in it does not exist. */
export class DnsServer {
  readonly answers: Map<string, DnsAnswer> = new Map();
  readonly questions: string[] = [];
  readonly #socket: Socket = createSocket('udp4');
  #onQuestion: () => void = () => {};

  /** Listens on a free port of loopback. */
  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.on('message', (query, { port, address }) => {
      const reply = server.#reply(query);
      if (reply !== undefined) server.#socket.send(reply, port, address);
      server.#onQuestion();
    });
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  /** As `resolver.setServers` takes it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  /** Resolves when the next question has come. */
  nextQuestion(): Promise<void> {
    return new Promise((resolve) => {
      this.#onQuestion = resolve;
    });
  }

  async close(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #reply(query: Buffer): Buffer | undefined {
    const { name, end } = readQuestion(query);
    this.questions.push(name);
    const answer = this.answers.get(name) ?? NXDOMAIN;
    if (answer === 'silent') return undefined;
    const records = 'rcode' in answer ? [] : answer;
    const header = Buffer.alloc(HEADER_LENGTH);
    query.copy(header, 0, 0, 2);
    header.writeUInt16BE(RESPONSE | ('rcode' in answer ? answer.rcode : 0), 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    return Buffer.concat([header, query.subarray(HEADER_LENGTH, end), ...records.map(encodeRecord)]);
  }
}

function readQuestion(query: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = HEADER_LENGTH;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), end: at + 5 };
}

function encodeRecord({ priority, weight, port, target }: Srv): Buffer {
  const name = encodeName(target);
  const record = Buffer.alloc(18);
  record.writeUInt16BE(0xc000 | HEADER_LENGTH, 0); // a pointer to the name in the question
  record.writeUInt16BE(TYPE_SRV, 2);
  record.writeUInt16BE(CLASS_IN, 4);
  record.writeUInt32BE(60, 6); // TTL
  record.writeUInt16BE(6 + name.length, 10);
  record.writeUInt16BE(priority, 12);
  record.writeUInt16BE(weight, 14);
  record.writeUInt16BE(port, 16);
  return Buffer.concat([record, name]);
}

function encodeName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([...labels.flatMap((label) => [Buffer.of(label.length), Buffer.from(label)]), Buffer.of(0)]);
}
