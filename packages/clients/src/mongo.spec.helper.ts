import type { Socket } from 'node:net';
import { deserialize, serialize } from 'bson';

/*
 * MongoDB's wire protocol, as far as a driver's greeting and commands without arguments go: the old OP_QUERY, by which a driver
 * greets, and OP_MSG.
 */

const OP_REPLY = 1;
const OP_QUERY = 2004;
const OP_MSG = 2013;
const HEADER = 16;

const HELLO = {
  ...{
    ok: 1,
    helloOk: true,
    ismaster: true,
    isWritablePrimary: true,
    readOnly: false,
    minWireVersion: 0,
    maxWireVersion: 21,
  },
  ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
};

/** Answers a driver until it hangs up. */
export function answerMongo(socket: Socket): void {
  let waiting = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    while (waiting.length >= HEADER && waiting.length >= waiting.readInt32LE(0)) {
      const length = waiting.readInt32LE(0);
      socket.write(answerTo(waiting.subarray(0, length)));
      waiting = waiting.subarray(length);
    }
  });
}

function answerTo(message: Buffer): Buffer {
  const [id, operation] = [message.readInt32LE(4), message.readInt32LE(12)];
  const body = message.subarray(HEADER);
  if (operation === OP_QUERY) {
    const name = body.indexOf(0, 4); // flags, then the collection's name, how many to skip and to return
    return packed(OP_REPLY, id, Buffer.from([8, ...Array(15).fill(0), 1, 0, 0, 0]), replyTo(body.subarray(name + 9)));
  }
  return packed(OP_MSG, id, Buffer.alloc(5), replyTo(body.subarray(5))); // flags, and the kind of the one section
}

function replyTo(command: Buffer): Uint8Array {
  const [name = ''] = Object.keys(deserialize(command.subarray(0, command.readInt32LE(0))));
  return serialize(/^(hello|ismaster)$/i.test(name) ? HELLO : { ok: 1 });
}

function packed(operation: number, inReplyTo: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(HEADER);
  for (const [index, value] of [HEADER + body.length, 0, inReplyTo, operation].entries())
    header.writeInt32LE(value, 4 * index);
  return Buffer.concat([header, body]);
}
