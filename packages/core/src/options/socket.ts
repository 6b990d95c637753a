import * as v from 'valibot';
import { type KeepAlive, type SocketOptions, tosByte } from '../connection/socket-options.js';
import { duration, hostText } from './values.js';

/** The schema of one option: its type, and a description for `fdpass strategies`. */
type Entry<Output> = v.OptionalSchema<v.GenericSchema<unknown, Output>, undefined>;

function entry<Output>(description: string, schema: v.GenericSchema<unknown, Output>): Entry<Output> {
  return v.optional(v.pipe(schema, v.description(description)) as v.GenericSchema<unknown, Output>);
}

function whole(min: number, max: number, what: string): v.GenericSchema<unknown, number> {
  const message = `must be ${what}, a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
}

const flag: v.GenericSchema<unknown, boolean> = v.boolean('must be true or false');
const MAX_INT = 0x7fff_ffff;
const MAX_KEEPALIVE_SECONDS_MS = 32_767_000; // tcp(7): the kernel takes at most 32767 seconds

const keepAliveTime: v.GenericSchema<string | number, number> = v.pipe(
  duration,
  v.minValue(1000, 'must be 1s or more'),
  v.maxValue(MAX_KEEPALIVE_SECONDS_MS, 'must be at most 32767s'),
);

const keepAlive: v.GenericSchema<unknown, boolean | KeepAlive> = v.union(
  [
    v.boolean(),
    v.strictObject({
      idle: v.optional(keepAliveTime),
      interval: v.optional(keepAliveTime),
      count: v.optional(whole(1, 127, 'a number of probes')),
    }),
  ],
  'must be true, false or { idle: 60s, interval: 15s, count: 4 } (durations of 1s or more)',
);

const DSCP_FORM = 'must be a code point from 0 to 63, or a name such as ef, af21, cs1 or lowdelay';

const dscp: v.GenericSchema<unknown, number | string> = v.union(
  [
    whole(0, 63, 'a code point'),
    v.pipe(
      v.string(),
      v.metadata({ jsonSchema: { type: 'string', format: 'dscp' } }),
      v.check((name) => tosByte(name) !== undefined, DSCP_FORM),
    ),
  ],
  DSCP_FORM,
);

const INTERFACE = 'must be the name of a network interface';
const interfaceName: v.GenericSchema<unknown, string> = v.pipe(
  v.string(INTERFACE),
  v.minLength(1, INTERFACE),
  v.maxLength(15, INTERFACE), // IFNAMSIZ of Linux
  v.metadata({ jsonSchema: { type: 'string', format: 'interface', minLength: 1, maxLength: 15 } }),
);

/** The entries of a schema for socket options; strategies that open sockets spread them into their own. */
export const socketOptionEntries: {
  readonly [Name in keyof SocketOptions]-?: Entry<NonNullable<SocketOptions[Name]>>;
} = {
  keepAlive: entry('TCP keep-alive: true, false or { idle, interval, count } (default true)', keepAlive),
  noDelay: entry('TCP_NODELAY: send small packets at once (ssh sets it itself)', flag),
  dscp: entry('DSCP of outgoing packets: 0 to 63, or a name of IPQoS such as ef or lowdelay', dscp),
  mark: entry('SO_MARK for policy routing (Linux, needs CAP_NET_ADMIN)', whole(0, 0xffff_ffff, 'a mark')),
  bindInterface: entry('the network interface to use, e.g. eth1', interfaceName),
  bindAddress: entry(
    'the source address; restricts the connection to its family',
    v.pipe(hostText, v.ip('must be an IPv4 or IPv6 address')),
  ),
  bindPort: entry('the source port', whole(1, 65535, 'a port')),
  multipath: entry('Multipath TCP (RFC 8684), where the kernel has it; the server falls back by itself', flag),
  fastOpen: entry('TCP Fast Open (RFC 7413): the first data travels with the SYN, and errors come later', flag),
  userTimeout: entry(
    'TCP_USER_TIMEOUT: give up when data stays unacknowledged this long',
    v.pipe(duration, v.maxValue(MAX_INT, 'must be shorter')),
  ),
  sendBuffer: entry('SO_SNDBUF in bytes', whole(1, MAX_INT, 'a size in bytes')),
  receiveBuffer: entry('SO_RCVBUF in bytes', whole(1, MAX_INT, 'a size in bytes')),
};

/** The schema of socket options alone. */
export const socketOptionsSchema: v.GenericSchema<unknown, SocketOptions> = v.strictObject(socketOptionEntries);
