import { duration, type FdpassError, normalizeHost, routeSchema, type Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { tryInOrder } from './in-order.js';

/** The options of a `hosts` hop, as its schema gives them. */
export interface HostsOptions {
  /** Names or addresses of one host, the best one first, in the form targets have. */
  readonly hosts: readonly string[];
  /** Default: the target's. */
  readonly port?: number | undefined;
  /** The route that reaches them. Default: the hops before this one. */
  readonly use?: unknown;
  /** Milliseconds for each host. Default: no limit but that of the whole dial. */
  readonly timeout?: number | undefined;
}

const hostName = v.pipe(
  v.string('must be a host name or an address'),
  v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
    try {
      return normalizeHost(dataset.value);
    } catch (error) {
      addIssue({ message: (error as FdpassError).message });
      return NEVER;
    }
  }),
);

const hostList = v.pipe(
  v.array(hostName, 'must be a list of host names'),
  v.minLength(1, 'must name at least one host'),
);

const wrongPort = 'must be a port from 1 to 65535';

const optionsSchema: v.GenericSchema<unknown, HostsOptions> = v.pipe(
  v.strictObject({
    hosts: v.optional(v.pipe(hostList, v.description('names or addresses of the host, the best one first'))),
    routes: v.optional(v.pipe(hostList, v.description('the same, as the short form { hosts: […] } gives it'))),
    port: v.optional(
      v.pipe(
        v.number(wrongPort),
        v.integer(wrongPort),
        v.minValue(1, wrongPort),
        v.maxValue(65535, wrongPort),
        v.description("the port to connect to (default: the target's)"),
      ),
    ),
    use: v.optional(v.pipe(routeSchema, v.description('the route to them (default: the hops before this one)'))),
    timeout: v.optional(
      v.pipe(duration, v.description('the most one host may take (default: what the timeout of the dial allows)')),
    ),
  }),
  v.check(({ hosts, routes }) => (hosts === undefined) !== (routes === undefined), 'give the list "hosts", once'),
  v.transform(({ hosts, routes, ...rest }) => ({ ...rest, hosts: hosts ?? routes ?? [] })),
);

/** Reaches one host by several names: tries each in order and takes the first that answers. */
export const hosts: Strategy<HostsOptions> = {
  name: 'hosts',
  optionsSchema,
  create(options, forward, host) {
    const dialer = options.use === undefined ? forward : host.route(options.use);
    return {
      dial: (target, context) =>
        tryInOrder(
          {
            what: 'hosts',
            timeoutMs: options.timeout,
            ways: options.hosts.map((name) => ({
              label: name,
              open: (inner) => dialer.dial({ ...target, host: name, port: options.port ?? target.port }, inner),
            })),
          },
          context,
        ),
      get needsRelay() {
        return dialer.needsRelay === true;
      },
    };
  },
};
