import { FdpassError } from '../ground/errors.js';
import type { Connection } from './connection.js';
import { encodeMuxPacket, MuxFieldReader } from './mux-wire.js';

/** The version of the protocol, which OpenSSH has spoken since 5.4. */
export const MUX_VERSION = 4;

/** The first packet of both sides. */
export const MUX_MSG_HELLO = 0x00000001;

/** A master's answer to a request that it does not grant. */
export const MUX_S_FAILURE = 0x80000003;
/** A master's answer when a session, or a forwarding, has begun. */
export const MUX_S_SESSION_OPENED = 0x80000006;

/** An environment can be large: Linux allows 128 KiB for one variable, and some megabytes for all. */
const MAX_PACKET = 4 * 1024 * 1024;

/** A packet without its length. */
export interface MuxPacket {
  /** By the names of PROTOCOL.mux. */
  readonly type: number;
  /** What follows the type. */
  readonly fields: MuxFieldReader;
}

/** Reads a packet and not a byte more. @throws FdpassError `protocol` */
export async function readMuxPacket(connection: Connection, what: string): Promise<MuxPacket> {
  const length = (await connection.read(4, what)).readUInt32BE();
  if (length < 4 || length > MAX_PACKET)
    throw new FdpassError('protocol', `${what} of ${length} bytes came over the control socket`);
  const fields = new MuxFieldReader(await connection.read(length, what));
  return { type: fields.uint32(), fields };
}

const HELLO = encodeMuxPacket(MUX_MSG_HELLO, MUX_VERSION);

/** Both sides begin with a hello, at the same time. @throws FdpassError `protocol` if the other one speaks something else. */
export async function exchangeMuxHellos(connection: Connection): Promise<void> {
  await connection.write(HELLO);
  const { type, fields } = await readMuxPacket(connection, 'a hello');
  if (type !== MUX_MSG_HELLO) throw new FdpassError('protocol', 'the control socket did not begin with a hello');
  const version = fields.uint32();
  if (version !== MUX_VERSION)
    throw new FdpassError(
      'protocol',
      `the control socket speaks version ${version} of the protocol, not ${MUX_VERSION}`,
    );
}
