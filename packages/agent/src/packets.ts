import { type Connection, FdpassError } from '@fdpass/core';
import { MUX_MSG_HELLO, MUX_VERSION } from './constants.js';
import { encodePacket, FieldReader } from './wire.js';

/** An environment can be large: Linux allows 128 KiB for one variable, and some megabytes for all. */
const MAX_PACKET = 4 * 1024 * 1024;

/** A packet without its length. */
export interface Packet {
  readonly type: number;
  /** What follows the type. */
  readonly fields: FieldReader;
}

/** Reads a packet and not a byte more. @throws FdpassError `protocol` */
export async function readPacket(connection: Connection, what: string): Promise<Packet> {
  const length = (await connection.read(4, what)).readUInt32BE();
  if (length < 4 || length > MAX_PACKET)
    throw new FdpassError('protocol', `${what} of ${length} bytes came over the control socket`);
  const fields = new FieldReader(await connection.read(length, what));
  return { type: fields.uint32(), fields };
}

/** Both sides begin with a hello. @throws FdpassError `protocol` if the other one speaks something else. */
export async function exchangeHellos(connection: Connection): Promise<void> {
  await connection.write(encodePacket(MUX_MSG_HELLO, MUX_VERSION));
  const { type, fields } = await readPacket(connection, 'a hello');
  if (type !== MUX_MSG_HELLO) throw new FdpassError('protocol', 'the control socket did not begin with a hello');
  const version = fields.uint32();
  if (version !== MUX_VERSION)
    throw new FdpassError(
      'protocol',
      `the control socket speaks version ${version} of the protocol, not ${MUX_VERSION}`,
    );
}
