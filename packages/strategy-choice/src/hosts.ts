import {
  allFailed,
  type Candidate,
  type Connection,
  duration,
  lastFirst,
  port,
  routeSchema,
  type Strategy,
  targetName,
} from '@fdpass/core';
import * as v from 'valibot';
import { explainWinner, remember, winnerOf } from './winner.js';

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
  /** Milliseconds that a winner goes first, in its network. Default: as long as the program likes. */
  readonly remember?: number | undefined;
}

const optionsSchema: v.GenericSchema<unknown, HostsOptions> = v.strictObject({
  hosts: v.pipe(
    v.array(targetName('host', 'unix', 'vsock', 'machine'), 'must be a list of host names'),
    v.minLength(1, 'must name at least one host'),
    v.description('names or addresses of the host, the best one first'),
  ),
  port: v.optional(v.pipe(port, v.description("the port to connect to (default: the target's)"))),
  use: v.optional(v.pipe(routeSchema, v.description('the route to them (default: the hops before this one)'))),
  timeout: v.optional(
    v.pipe(duration, v.description('the time limit for one host (default: what the timeout of the dial allows)')),
  ),
  remember,
});

/** Reaches one host by several names: tries each in order and takes the first that answers. */
export const hosts: Strategy<HostsOptions> = {
  name: 'hosts',
  shorthand: 'hosts',
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema,
  async create({ hosts: names, port: ownPort, use, timeout: timeoutMs, remember: keepMs }, host) {
    const chain = use === undefined ? host.forward : await host.route(use);
    const named = names.map((name) => ({ label: name }));
    return {
      dial(target, context) {
        const candidates = names.map(
          (name): Candidate<Connection> => ({
            label: name,
            open: (inner) => chain.dial({ ...target, host: name, port: ownPort ?? target.port }, inner),
          }),
        );
        const winner = winnerOf(named, target, host, keepMs);
        return host.race(
          lastFirst(candidates, winner, context),
          {
            of: 'route',
            timeoutMs,
            lost: (failures) => allFailed(`none of ${failures.length} hosts answers`, failures),
            won: winner.won,
          },
          context,
        );
      },
      needsRelay: (target) => chain.needsRelay(target),
      explain: (target) => explainWinner(named, winnerOf(named, target, host, keepMs)),
      tls: (target) => chain.tls?.(target),
    };
  },
};
