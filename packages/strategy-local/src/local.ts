import type { Duplex } from 'node:stream';
import { type DialContext, dialUnix, FdpassError, type Strategy, type Target } from '@fdpass/core';
import * as v from 'valibot';
import { type LocalTarget, parseLocalTarget } from './local-target.js';
import { dialMux } from './mux.js';
import { dialVsock } from './vsock.js';

/** The options of a `local` hop, as its schema gives them; without any, the target's name says where. */
export interface LocalOptions {
  /** A unix socket, whatever the target's name. */
  readonly path?: string | undefined;
  /** `path` is the multiplexed socket of a virtual machine. Default false. */
  readonly mux?: boolean | undefined;
  /** The context id of a virtual machine (vsock(7)), whatever the target's name. */
  readonly cid?: number | undefined;
}

const optionsSchema: v.GenericSchema<unknown, LocalOptions> = v.pipe(
  v.strictObject({
    path: v.optional(
      v.pipe(v.string(), v.description("a unix socket, whatever the target's name; an abstract one begins with @")),
    ),
    mux: v.optional(
      v.pipe(
        v.boolean(),
        v.description('path is the multiplexed socket of Firecracker or cloud-hypervisor (default false)'),
      ),
    ),
    cid: v.optional(
      v.pipe(
        v.number(),
        v.integer('must be a whole number'),
        v.minValue(0),
        v.maxValue(0xffff_ffff),
        v.description("the context id of a virtual machine, whatever the target's name"),
      ),
    ),
  }),
  v.check(({ path, cid }) => path === undefined || cid === undefined, 'give either "path" or "cid"'),
  v.check(({ path, mux }) => mux !== true || path !== undefined, '"mux" needs a "path"'),
);

/** Unix sockets and virtual machines (vsock), by the names of systemd-ssh-proxy, so that its ssh_config drop-in works with fdpass. */
export const local: Strategy<LocalOptions> = {
  name: 'local',
  opensSockets: true,
  optionsSchema,
  create: (options) => ({ dial: async (target, context) => dialPlace(placeOf(options, target), target.port, context) }),
};

function placeOf({ path, mux, cid }: LocalOptions, { host }: Target): LocalTarget {
  if (path !== undefined) return { kind: mux === true ? 'vsock-mux' : 'unix', path };
  if (cid !== undefined) return { kind: 'vsock', cid };
  const place = parseLocalTarget(host);
  if (place !== undefined) return place;
  throw new FdpassError('config', `${JSON.stringify(host)} is no unix socket and no virtual machine`, {
    hint: 'write unix/PATH, vsock/CID, vsock-mux/PATH or .host, or give "path" or "cid"',
  });
}

function dialPlace(place: LocalTarget, port: number, context: DialContext): Promise<Duplex> {
  if (place.kind === 'unix') return dialUnix(place.path, context);
  if (place.kind === 'vsock-mux') return dialMux(place.path, port, context);
  return dialVsock(place.cid, port, context);
}
