import type { SrvRecord } from 'node:dns';
import {
  allFailed,
  duration,
  FdpassError,
  formatHostPort,
  hostText,
  ipFamily,
  messageOf,
  normalizeHost,
  parsePort,
  routeSchema,
  type Strategy,
  type Target,
  targetKind,
} from '@fdpass/core';
import * as v from 'valibot';
import { orderRecords } from './records.js';
import { createResolveSrv, lookUpServers } from './servers.js';

/** The options of an `srv` hop, as its schema gives them. */
export interface SrvOptions {
  /** Service and protocol as they are in the record's name. Default `_ssh._tcp`. */
  readonly service?: string | undefined;
  /** The route that reaches the servers. Default: the hops before this one. */
  readonly use?: unknown;
  /** Addresses of name servers. Default: those of `dns`, else the system's. */
  readonly servers?: readonly string[] | undefined;
  /** Milliseconds for each server. Default: no limit but that of the whole dial. */
  readonly timeout?: number | undefined;
}

const DEFAULT_SERVICE = '_ssh._tcp';

const optionsSchema: v.GenericSchema<unknown, SrvOptions> = v.strictObject({
  service: v.optional(
    v.pipe(
      v.string('must be text such as _ssh._tcp'),
      v.regex(/^_[a-z0-9-]{1,62}\._[a-z0-9-]{1,62}$/i, 'must look like _ssh._tcp'),
      v.description('the service and protocol of the record (default _ssh._tcp)'),
    ),
  ),
  use: v.optional(v.pipe(routeSchema, v.description('the route to the servers (default: the hops before this one)'))),
  servers: v.optional(
    v.pipe(
      v.array(hostText, 'must be a list of addresses'),
      v.minLength(1, 'must name at least one name server'),
      v.description(
        'the name servers to ask, each ADDRESS or ADDRESS:PORT (default: those of "dns", else of the system)',
      ),
    ),
  ),
  timeout: v.optional(
    v.pipe(duration, v.description('the time limit for one server (default: what the timeout of the dial allows)')),
  ),
});

/** Reaches the servers that the SRV records of the target's name list (RFC 2782); without a record, the target itself. */
export const srv: Strategy<SrvOptions> = {
  name: 'srv',
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema,
  async create({ service = DEFAULT_SERVICE, use, servers, timeout: timeoutMs }, host) {
    const resolveSrv = createResolveSrv(servers ?? host.nameServers);
    const chain = use === undefined ? host.forward : await host.route(use);
    return {
      async dial(target, context) {
        if (!canHaveRecords(target.host)) return chain.dial(target, context);
        const name = `${service}.${target.host}`;
        const records = await lookUpServers(name, context, host.clock, resolveSrv);
        if (records.length === 0) return chain.dial(target, context);
        return host.race(
          orderRecords(records, host.random).map((record) => ({
            label: formatHostPort(record.name, record.port),
            open: async (inner) => chain.dial({ ...target, ...serverOf(record) }, inner),
          })),
          {
            of: 'route',
            timeoutMs,
            lost: (failures) =>
              allFailed(`none of the ${failures.length} servers of ${name} could be reached`, failures),
          },
          context,
        );
      },
      needsRelay: (target) => chain.needsRelay(target),
      tls: (target) => chain.tls?.(target),
    };
  },
};

/** Addresses have no SRV records, nor have names such as unix/PATH. */
function canHaveRecords(host: string): boolean {
  return ipFamily(host) === 0 && targetKind(host) === 'host';
}

/** A name and a port that strangers have sent: checked as a target of the command line is. */
function serverOf({ name, port }: SrvRecord): Target {
  try {
    return { host: normalizeHost(name, ['host']), port: parsePort(port) };
  } catch (error) {
    throw new FdpassError('protocol', `the SRV record does not name a server: ${messageOf(error)}`, { cause: error });
  }
}
