import {
  type Connection,
  connectFailed,
  type DialContext,
  errnoName,
  FdpassError,
  handshakeReport,
  pathText,
  type SocketAddress,
  type Strategy,
  type StrategyHost,
  type Target,
} from '@fdpass/core';
import * as v from 'valibot';
import { type LocalTarget, readLocalTarget } from './local-target.js';
import { askForPort } from './mux.js';

/** The options of a `local` hop, as its schema gives them; without any, the target's name says where. */
export interface LocalOptions {
  /** A unix socket, regardless of the target's name. */
  readonly path?: string | undefined;
  /** `path` is the multiplexed socket of a virtual machine. Default false. */
  readonly mux?: boolean | undefined;
  /** The context id of a virtual machine (vsock(7)), regardless of the target's name. */
  readonly cid?: number | undefined;
}

const optionsSchema: v.GenericSchema<unknown, LocalOptions> = v.pipe(
  v.strictObject({
    path: v.optional(
      v.pipe(pathText, v.description("a unix socket, regardless of the target's name; an abstract one begins with @")),
    ),
    mux: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('path is the multiplexed socket of Firecracker or cloud-hypervisor (default false)'),
      ),
    ),
    cid: v.optional(
      v.pipe(
        v.number('must be a whole number'),
        v.integer('must be a whole number'),
        v.minValue(0, 'must be a whole number from 0 to 4294967295'),
        v.maxValue(0xffff_ffff, 'must be a whole number from 0 to 4294967295'),
        v.description("the context id of a virtual machine, regardless of the target's name"),
      ),
    ),
  }),
  v.check(({ path, cid }) => path === undefined || cid === undefined, 'give either "path" or "cid"'),
  v.check(({ path, mux }) => mux !== true || path !== undefined, '"mux" needs a "path"'),
);

/** Unix sockets and virtual machines (vsock), by the names of systemd-ssh-proxy, so that its ssh_config drop-in works with fdpass. */
export const local: Strategy<LocalOptions> = {
  name: 'local',
  firstOnly: true,
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema,
  create(options, host) {
    const { path } = options;
    const ownPath = path === undefined || path.startsWith('@') ? path : host.path(path);
    return {
      async dial(target, context) {
        const place = placeOf({ ...options, path: ownPath }, target);
        if (place.kind === 'vsock') return connect({ cid: place.cid, port: target.port }, host, context);
        const connection = await connect({ path: place.path }, host, context);
        if (place.kind === 'vsock-mux') await askForPort(connection, target.port, handshakeReport(context.trace));
        return connection;
      },
    };
  },
};

function placeOf({ path, mux, cid }: LocalOptions, { host }: Target): LocalTarget {
  if (path !== undefined) return { kind: mux === true ? 'vsock-mux' : 'unix', path };
  if (cid !== undefined) return { kind: 'vsock', cid };
  const place = readLocalTarget(host);
  if (place !== undefined) return place;
  throw new FdpassError('config', `${JSON.stringify(host)} is not a unix socket or a virtual machine`, {
    hint: 'write unix/PATH, vsock/CID, vsock-mux/PATH or .host, or give "path" or "cid"',
  });
}

function connect(
  address: Exclude<SocketAddress, { family: unknown }>,
  host: StrategyHost,
  context: DialContext,
): Promise<Connection> {
  const label = 'path' in address ? address.path : `vsock ${address.cid}, port ${address.port}`;
  const open = (inner: DialContext): Promise<Connection> =>
    host.open(address, {}, inner).catch((error: unknown) => {
      throw 'cid' in address ? explainVsock(error, address) : error;
    });
  return host.race([{ label, open }], { of: 'address', lost: (failures) => connectFailed(label, failures) }, context);
}

/** What kernels and hypervisors say of a CID that no machine has. */
const NO_MACHINE = new Set(['ENODEV', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT']);
/** And of a port on which nothing listens; some say it of an unknown CID too. */
const NO_LISTENER = new Set(['ECONNRESET', 'ECONNREFUSED']);

function explainVsock(error: unknown, { cid, port }: { readonly cid: number; readonly port: number }): unknown {
  const name = errnoName(error instanceof Error ? error.cause : undefined) ?? '';
  if (NO_MACHINE.has(name))
    return new FdpassError('unreachable', `no virtual machine with CID ${cid}`, {
      hint: 'check that it is running, and its CID',
      cause: error,
    });
  if (!NO_LISTENER.has(name)) return error;
  return new FdpassError('unreachable', `no virtual machine with CID ${cid} listens on port ${port}`, {
    hint: 'check that its sshd listens on vsock, as systemd-ssh-generator sets it up',
    cause: error,
  });
}
