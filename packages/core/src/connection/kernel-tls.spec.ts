import { expect } from 'chai';
import { formatError } from '../ground/errors.js';
import { caught } from '../ground/rejection.spec.helper.js';
import { fakeSys, systemError } from '../sys/fake-sys.spec.helper.js';
import type { Poller, Sys } from '../sys/sys.js';
import { KernelTlsConnection } from './kernel-tls.js';

/** What the kernel gives: a record's type and its content, or the name of an error. */
type Given = readonly [type: number, content: string] | string;

const ALERT = 21;
const HANDSHAKE = 22;
const DATA = 23;
const TICKET = '0400000401020304';
const KEY_UPDATE = '1800000100';

/** A kernel that gives these records, each from its beginning to its end, and then nothing. */
function kernel(given: readonly Given[]): Sys {
  const records = given.map((each) =>
    typeof each === 'string' ? each : ([each[0], Buffer.from(each[1], 'hex')] as [number, Buffer]),
  );
  const closed: (() => void)[] = [];
  const wait: Poller['wait'] = (_what, waiter) => void closed.push(() => waiter.failed(new Error('closed')));
  const until: Poller['until'] = (what) => new Promise((ready, failed) => wait(what, { ready, failed }));
  return fakeSys({
    poll: () => ({ wait, until, close: () => closed.forEach((close) => void close()) }),
    setsockopt() {},
    close() {},
    recvmsg(_fd, data, _controlLength, flags) {
      const next = records[0];
      if (next === undefined) throw systemError('EAGAIN');
      if (typeof next === 'string') throw systemError(next);
      const [type, content] = next;
      const bytes = content.copy(data);
      const isPeek = (flags & 2) !== 0;
      if (!isPeek) next[1] = content.subarray(bytes);
      if (!isPeek && next[1].length === 0) records.shift();
      return { bytes, flags: 0, fds: [], controls: [{ level: 282, type: 2, data: Buffer.of(type) }] };
    },
  });
}

const hex = (text: string): string => Buffer.from(text).toString('hex');

describe('a connection with TLS of the kernel', () => {
  function connect(given: readonly Given[]): { connection: KernelTlsConnection; reasons: string[] } {
    const reasons: string[] = [];
    const onRefused = (why: string): void => void reasons.push(why);
    return { connection: new KernelTlsConnection(7, kernel(given), { onRefused }), reasons };
  }

  const READ: Readonly<Record<string, readonly Given[]>> = {
    'a record': [[DATA, hex('ab')]],
    'two records': [
      [DATA, hex('a')],
      [DATA, hex('b')],
    ],
    'a ticket before them': [
      [HANDSHAKE, TICKET],
      [DATA, hex('ab')],
    ],
    'several tickets in a record, and one in pieces': [
      [HANDSHAKE, TICKET + TICKET + TICKET.slice(0, 2)],
      [HANDSHAKE, TICKET.slice(2, 12)],
      [DATA, hex('a')],
      [HANDSHAKE, TICKET.slice(12)],
      [DATA, hex('b')],
    ],
    'a warning': [
      [ALERT, '015a'],
      [DATA, hex('ab')],
    ],
  };
  for (const [what, given] of Object.entries(READ)) {
    it(`reads the data of ${what}, exactly and byte by byte`, async () => {
      const { connection, reasons } = connect([...given, [DATA, hex('next')]]);
      expect(String(await connection.read(2, 'two'))).to.equal('ab');
      expect(String(await connection.peek(1000))).to.equal('next');
      const until = (soFar: Buffer): number => (soFar.at(-1) === 0x65 ? 0 : 1);
      expect(String(await connection.readThrough(until, 9, 'the rest'))).to.equal('ne');
      expect(String(await connection.read(1, 'one'))).to.equal('x');
      expect(reasons).to.deep.equal([]);
      connection.destroy();
    });
  }

  const ENDS: Readonly<Record<string, readonly Given[]>> = {
    'a close_notify': [[ALERT, '0100']],
    'a close_notify in two pieces': [
      [ALERT, '01'],
      [ALERT, '00'],
    ],
    'data behind a close_notify': [
      [ALERT, '0100'],
      [DATA, hex('x')],
    ],
  };
  for (const [what, given] of Object.entries(ENDS)) {
    it(`ends at ${what}`, async () => {
      const { connection } = connect(given);
      expect(formatError(await caught(connection.read(1, 'the reply')))).to.equal(
        'the connection closed before the reply',
      );
      connection.destroy();
    });
  }

  it('fails with the words of an alert', async () => {
    for (const [alert, words] of [
      ['022a', 'bad certificate'],
      ['02ff', 'alert 255'],
    ] as const) {
      const { connection } = connect([[ALERT, alert]]);
      const error = await caught(connection.read(1, 'the reply'));
      expect((error as Error).cause).to.include({ reason: words });
      connection.destroy();
    }
  });

  const REFUSED: Readonly<Record<string, readonly [given: Given, why: RegExp]>> = {
    'new keys': [[HANDSHAKE, KEY_UPDATE], /goes on with the handshake \(message 24\)/],
    'a new handshake, by TLS 1.2': [[HANDSHAKE, '00000000'], /goes on with the handshake \(message 0\)/],
    'new keys behind a ticket': [[HANDSHAKE, TICKET + KEY_UPDATE], /message 24/],
    'a record that is none of these': [[20, '01'], /record of type 20/],
    'a record that does not decrypt': ['EBADMSG', /cannot read a record \(EBADMSG\)/],
    'keys that have changed': ['EKEYEXPIRED', /EKEYEXPIRED/],
  };
  for (const [what, [given, why]] of Object.entries(REFUSED)) {
    it(`cannot go on with ${what}, and says so`, async () => {
      for (const read of [
        (it: KernelTlsConnection) => it.read(1, 'x'),
        (it: KernelTlsConnection) => it.readThrough(() => 1, 9, 'x'),
      ]) {
        const { connection, reasons } = connect([given]);
        await caught(read(connection));
        expect(reasons).to.have.lengthOf(1);
        expect(reasons[0]).to.match(why);
        connection.destroy();
      }
    });
  }

  it('does not mistake a broken connection for that', async () => {
    const { connection, reasons } = connect(['ECONNRESET']);
    expect(formatError(await caught(connection.read(1, 'the reply')))).to.match(/connection reset/);
    expect(reasons).to.deep.equal([]);
    connection.destroy();
  });
});
