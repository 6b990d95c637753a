import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { nextBytes, tcpPair } from '../connection/socket-pair.spec.helper.js';
import { StreamConnection, toConnection } from '../connection/stream.js';
import { FdpassError, formatError, isFdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { checkGreeting, type ExpectedGreeting } from './greeting.js';

/** What a server does, and what is made of it. */
interface Case {
  readonly what: string;
  /** Texts in segments of their own. */
  readonly says: readonly string[];
  /** What comes after that. `silence`: nothing, until the limit. */
  readonly after?: 'end' | 'reset' | 'silence';
  readonly prefixes?: readonly string[];
  /** Undefined for the expected greeting. */
  readonly error?: string;
}

const LOOK_AGAIN_MS = 20;
const BANNER = 'SSH-2.0-OpenSSH_9.2p1\r\n';

const CASES: readonly Case[] = [
  { what: 'a greeting', says: [BANNER] },
  { what: 'a greeting in pieces', says: ['S', 'S', 'H-', '2.0-x\r\n'] },
  { what: 'a greeting after lines of text (RFC 4253, section 4.2)', says: ['Welcome\r\n', 'to the lab\r\n', BANNER] },
  { what: 'a greeting, and the end of the connection', says: [BANNER], after: 'end' },
  { what: 'one of several', says: ['220 ready\r\n'], prefixes: ['SSH-', '220 '] },
  { what: 'letters outside of ASCII', says: ['Grüße\r\n'], prefixes: ['Grüß'] },
  {
    what: 'nothing',
    says: [],
    after: 'silence',
    error:
      'timeout: connected, but the server has not greeted within 1 s; check that the server behind this port is running',
  },
  {
    what: 'the end',
    says: [],
    after: 'end',
    error: 'unreachable: the server closed the connection before it greeted; look in the log of the server',
  },
  {
    what: 'a reset',
    says: [],
    after: 'reset',
    error:
      'unreachable: the server closed the connection before it greeted (the connection broke: connection reset); look in the log of the server',
  },
  {
    what: 'the end in the middle',
    says: ['SS'],
    after: 'end',
    error: 'unreachable: the server closed the connection after it had said "SS"; look in the log of the server',
  },
  {
    what: 'too many connections (MaxStartups)',
    says: ['Exceeded MaxStartups\r\n'],
    after: 'end',
    error:
      'unreachable: the server closed the connection after it had said "Exceeded MaxStartups"; look in the log of the server',
  },
  {
    what: 'the beginning, and no more',
    says: ['SS'],
    after: 'silence',
    error: 'protocol: the server greeted with "SS", not with "SSH-"; check the host and the port',
  },
  {
    what: 'lines of text, and no more',
    says: ['Welcome\r\n'],
    after: 'silence',
    error: 'protocol: the server greeted with "Welcome", not with "SSH-"; check the host and the port',
  },
  {
    what: 'HTTP',
    says: ['HTTP/1.1 400 Bad Request\r\n\r\n'],
    error: 'protocol: the server greeted with "HTTP/1.1 400 Bad Request", not with "SSH-"; check the host and the port',
  },
  {
    what: 'a TLS alert',
    says: ['\x15\x03\x01\0\x02\x02\x28'],
    error:
      'protocol: the server greeted with "15 03 01 00 02 02 28" (TLS), not with "SSH-"; check the host and the port',
  },
  {
    what: 'something else than one of several',
    says: ['RFB 003.008\n'],
    prefixes: ['SSH-', '220 '],
    error:
      'protocol: the server greeted with "RFB 003.008" (VNC), not with "SSH-" or "220 "; check the host and the port',
  },
  {
    what: 'other text where no text comes first',
    says: ['Welcome\r\n'],
    prefixes: ['220 '],
    error: 'protocol: the server greeted with "Welcome", not with "220 "; check the host and the port',
  },
];

interface Pair {
  readonly connection: Connection;
  readonly server: Server;
}

interface Server {
  write(text: string): void;
  end(): void;
  reset(): void;
  close(): void;
}

const KINDS: Readonly<Record<string, (clock: HandClock) => Promise<Pair>>> = {
  'a socket': async (clock) => {
    const { ours, theirs } = await tcpPair();
    return { connection: toConnection(ours, { clock }), server: serverOn(theirs) };
  },
  'a stream': async (clock) => {
    const stream = new PassThrough();
    const write = (text: string): void => void stream.write(text);
    const reset = (): void => void stream.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' }));
    const server = { write, end: () => void stream.end(), reset, close: () => void stream.destroy() };
    return { connection: new StreamConnection(stream, { clock }), server };
  },
};

function serverOn(socket: Socket): Server {
  return {
    write: (text) => void socket.write(text),
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    close: () => void socket.destroy(),
  };
}

/** A look under way. */
class Looking {
  readonly events: TraceEvent[] = [];
  readonly controller: AbortController = new AbortController();
  readonly clock: HandClock;
  result: { readonly error?: unknown } | undefined;
  /** How many bytes it has seen last. */
  seen = 0;

  constructor(connection: Connection, expected: ExpectedGreeting, clock: HandClock) {
    this.clock = clock;
    const peek = connection.peek.bind(connection);
    connection.peek = async (limitMs, signal) => {
      const bytes = await peek(limitMs, signal);
      this.seen = bytes.length;
      return bytes;
    };
    const { signal } = this.controller;
    const trace = (event: TraceEvent): void => void this.events.push(event);
    checkGreeting(connection, expected, { clock, signal, trace }).then(
      () => {
        this.result = {};
      },
      (error: unknown) => {
        this.result = { error };
      },
    );
  }

  /** Lets the look look again, and again, until something is reached. */
  async until(isReached: () => boolean, stepMs = LOOK_AGAIN_MS): Promise<void> {
    for (; !isReached(); this.clock.advance(stepMs)) await new Promise(setImmediate);
  }

  get isOver(): boolean {
    return this.result !== undefined;
  }
}

/** Nothing of the greeting is missing. */
async function expectUntouched(connection: Connection, text: string): Promise<void> {
  const stream = connection.toStream();
  expect(await nextBytes(stream, Buffer.byteLength(text))).to.equal(Buffer.from(text).toString('latin1'));
  stream.destroy();
}

function said(error: unknown): string | undefined {
  if (error === undefined) return undefined;
  return isFdpassError(error) ? `${error.code}: ${formatError(error)}` : String(error);
}

for (const [kind, connect] of Object.entries(KINDS)) {
  describe(`a look at what a server says first, over ${kind}`, () => {
    expectDescriptorsBack();

    for (const { what, says, after, prefixes = ['SSH-'], error } of CASES) {
      it(what, async () => {
        const clock = new HandClock();
        const { connection, server } = await connect(clock);
        const limitMs = after === 'silence' ? 1000 : 1_000_000_000;
        const looking = new Looking(connection, { prefixes, limitMs }, clock);
        let sent = 0;
        for (const text of says) {
          server.write(text);
          sent += Buffer.byteLength(text);
          await looking.until(() => looking.isOver || looking.seen === sent, after === 'silence' ? 0 : LOOK_AGAIN_MS);
        }
        if (after === 'silence') await clock.pass(limitMs + LOOK_AGAIN_MS);
        else if (after !== undefined) server[after]();
        await looking.until(() => looking.isOver);
        expect(said(looking.result?.error)).to.equal(error);
        expect(clock.pending).to.equal(0);
        expect(looking.events.map(({ event }) => event)).to.deep.equal(
          error === undefined ? ['waiting', 'greeted'] : ['waiting'],
        );
        if (after === 'reset') connection.destroy();
        else await expectUntouched(connection, says.join(''));
        server.close();
      });
    }

    it('ends with the dial, and leaves the connection as it is', async () => {
      const clock = new HandClock();
      const { connection, server } = await connect(clock);
      const looking = new Looking(connection, { prefixes: ['SSH-'] }, clock);
      await new Promise(setImmediate);
      const reason = new Error('enough');
      looking.controller.abort(reason);
      await looking.until(() => looking.isOver);
      expect(looking.result?.error).to.equal(reason);
      expect([clock.pending, getEventListeners(looking.controller.signal, 'abort').length]).to.deep.equal([0, 0]);
      server.write(BANNER);
      await expectUntouched(connection, BANNER);
      server.close();
    });

    it('says what it waited for when the time of the dial is over', async () => {
      const clock = new HandClock();
      const { connection, server } = await connect(clock);
      const looking = new Looking(connection, { prefixes: ['SSH-'] }, clock);
      looking.controller.abort(new FdpassError('timeout', 'timed out after 3 s'));
      await looking.until(() => looking.isOver);
      expect(said(looking.result?.error)).to.equal(
        'timeout: timed out after 3 s: connected, but the server has not greeted; check that the server behind this port is running',
      );
      connection.destroy();
      server.close();
    });
  });
}
