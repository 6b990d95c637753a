import type { SrvRecord } from 'node:dns';
import type { Duplex } from 'node:stream';
import {
  allFailed,
  type DialContext,
  type Dialer,
  duration,
  FdpassError,
  formatHostPort,
  ipFamily,
  type LostWay,
  makeTarget,
  messageOf,
  routeSchema,
  type Strategy,
  startDeadline,
  type Target,
} from '@fdpass/core';
import * as v from 'valibot';
import { orderRecords } from './records.js';
import { createResolveSrv, lookUpServers, type ResolveSrv } from './servers.js';

/** The options of an `srv` hop, as its schema gives them. */
export interface SrvOptions {
  /** Service and protocol as they stand in the record's name. Default `_ssh._tcp`. */
  readonly service?: string | undefined;
  /** The route that reaches the servers. Default: the hops before this one. */
  readonly use?: unknown;
  /** Addresses of name servers. Default: the system's. */
  readonly servers?: readonly string[] | undefined;
  /** Milliseconds for each server. Default: no limit but that of the whole dial. */
  readonly timeout?: number | undefined;
}

/** What the strategy is made of; tests put their own in place. */
export interface SrvParts {
  /** Makes the look-up; `servers` is the option. Default {@link createResolveSrv}. */
  readonly resolverOf?: ((servers?: readonly string[]) => ResolveSrv) | undefined;
  /** From 0 up to but not including 1. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
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
      v.array(v.string('must be an address'), 'must be a list of addresses'),
      v.minLength(1, 'must name at least one name server'),
      v.description("the name servers to ask, each ADDRESS or ADDRESS:PORT (default: the system's)"),
    ),
  ),
  timeout: v.optional(
    v.pipe(duration, v.description('the most one server may take (default: what the timeout of the dial allows)')),
  ),
});

/** Makes the strategy with a look-up and a source of chance of its own. */
export function createSrv({
  resolverOf = createResolveSrv,
  random = Math.random,
}: SrvParts = {}): Strategy<SrvOptions> {
  return {
    name: 'srv',
    optionsSchema,
    create({ service = DEFAULT_SERVICE, use, servers, timeout = 0 }, forward, host) {
      const resolveSrv = resolverOf(servers);
      const dialer = use === undefined ? forward : host.route(use);
      return {
        async dial(target, context) {
          if (!canHaveRecords(target.host)) return dialer.dial(target, context);
          const name = `${service}.${target.host}`;
          const records = await lookUpServers(name, context, resolveSrv);
          if (records.length === 0) return dialer.dial(target, context);
          const ordered = orderRecords(records, random);
          return dialInOrder({ name, target, records: ordered, dialer, timeoutMs: timeout }, context);
        },
        get needsRelay() {
          return dialer.needsRelay === true;
        },
      };
    },
  };
}

/** Reaches the servers that the SRV records of the target's name list (RFC 2782); without a record, the target itself. */
export const srv: Strategy<SrvOptions> = createSrv();

/** Addresses have no SRV records, nor have names such as unix/PATH. */
function canHaveRecords(host: string): boolean {
  return ipFamily(host) === 0 && !host.includes('/');
}

interface Service {
  readonly name: string;
  readonly target: Target;
  readonly records: readonly SrvRecord[];
  readonly dialer: Dialer;
  readonly timeoutMs: number;
}

async function dialInOrder(service: Service, context: DialContext): Promise<Duplex> {
  const lost: LostWay[] = [];
  for (const record of service.records) {
    try {
      return await dialServer(service, record, context);
    } catch (error) {
      context.signal.throwIfAborted();
      lost.push({ label: formatHostPort(record.name, record.port), error });
    }
  }
  throw allFailed(`none of the ${lost.length} servers of ${service.name} could be reached`, lost);
}

async function dialServer(service: Service, record: SrvRecord, context: DialContext): Promise<Duplex> {
  const target = { ...service.target, ...serverOf(record) };
  const deadline = startDeadline(service.timeoutMs, context.signal, context.clock);
  try {
    return await service.dialer.dial(target, { ...context, signal: deadline.signal });
  } finally {
    deadline.release();
  }
}

/** A name and a port that strangers have sent: checked as a target of the command line is. */
function serverOf({ name, port }: SrvRecord): Target {
  try {
    return makeTarget({ host: name, port });
  } catch (error) {
    throw new FdpassError('protocol', `the SRV record names no server: ${messageOf(error)}`, { cause: error });
  }
}
