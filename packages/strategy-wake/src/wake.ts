import {
  allFailed,
  type Chain,
  type Connection,
  type DialContext,
  FdpassError,
  fillTokens,
  formatHostPort,
  isFdpassError,
  messageOf,
  pause,
  type Strategy,
  type StrategyHost,
  startDeadline,
  type Target,
} from '@fdpass/core';
import { broadcastAddresses } from './broadcast.js';
import { magicPacket } from './magic-packet.js';
import { optionsSchema, type WakeOptions } from './options.js';
import { sendPackets } from './send.js';

export type { WakeOptions } from './options.js';

const DEFAULT_PORT = 9;
const DEFAULT_TIMEOUT_MS = 5000;
const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_WITHIN_MS = 120_000;

/** What a dial of a host that sleeps fails with; the name of one that sleeps can be gone too (DHCP, mDNS). */
const ASLEEP: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'unknown-host']);

/**
 * Dials a route. If nobody answers, it wakes the host, by magic packets, by a program, or both, and dials until the host
 * answers. Packets get lost, so they are sent again before each try; the program runs once.
 */
export const wake: Strategy<WakeOptions> = {
  name: 'wake',
  shorthand: 'mac',
  targets: ['host', 'unix', 'vsock', 'machine'],
  optionsSchema,
  async create(options, host) {
    const { use, timeout = DEFAULT_TIMEOUT_MS, within = DEFAULT_WITHIN_MS } = options;
    const chain = use === undefined ? host.forward : await host.route(use);
    return {
      dial: (target, context) => new WakingDial(chain, target, options, host).run(context),
      patienceMs: timeout + within,
      needsRelay: (target) => chain.needsRelay(target),
      tls: (target) => chain.tls?.(target),
      explain: (target) => [`wake: ${describeWaking(options)}`, ...(chain.explain?.(target) ?? [])],
    };
  },
};

/** What is done if the host does not answer. */
function describeWaking({ mac = [], command, ...options }: WakeOptions): string {
  const places = destinationsOf(options).map(({ host, port }) => formatHostPort(host, port));
  const packets = mac.length === 0 ? [] : [`sends a magic packet for ${mac.join(' and ')} to ${places.join(' and ')}`];
  return [...packets, ...(command === undefined ? [] : ['runs its command'])]
    .join(' and ')
    .concat(' if nobody answers');
}

function destinationsOf({ broadcast, port = DEFAULT_PORT }: WakeOptions): { host: string; port: number }[] {
  const hosts = broadcast ?? broadcastAddresses(process.getBuiltinModule('node:os').networkInterfaces());
  return hosts.map((host) => ({ host, port }));
}

/** One dial of a host that may sleep. */
class WakingDial {
  readonly #chain: Chain;
  readonly #target: Target;
  readonly #options: WakeOptions;
  readonly #host: StrategyHost;
  #tries = 0;

  constructor(chain: Chain, target: Target, options: WakeOptions, host: StrategyHost) {
    this.#chain = chain;
    this.#target = target;
    this.#options = options;
    this.#host = host;
  }

  async run(context: DialContext): Promise<Connection> {
    const first = await this.#try(context);
    if ('connection' in first) return first.connection;
    const { within = DEFAULT_WITHIN_MS } = this.#options;
    const deadline = startDeadline(within, context.signal, this.#host.clock);
    let last = first;
    try {
      const inner = { ...context, signal: deadline.signal };
      await this.#runCommand(inner);
      for (;;) {
        await this.#sendPackets(inner);
        await this.#wait(last.error, inner);
        const next = await this.#try(inner);
        if ('connection' in next) return next.connection;
        last = next;
      }
    } catch (error) {
      if (context.signal.aborted || !deadline.signal.aborted) throw error;
      throw this.#stillAsleep(deadline.signal.reason, last.error);
    } finally {
      deadline.release();
    }
  }

  /** Throws what has nothing to do with a host that sleeps, and the signal's reason on abort. */
  async #try(context: DialContext): Promise<{ readonly connection: Connection } | { readonly error: FdpassError }> {
    const { timeout: timeoutMs = DEFAULT_TIMEOUT_MS } = this.#options;
    const { label } = this.#chain;
    this.#tries++;
    try {
      // As a route of several, so that a rule that expects a greeting has it looked at: a host that boots can accept and close.
      const route = { label, open: (inner: DialContext) => this.#chain.dial(this.#target, inner) };
      const lost: Parameters<StrategyHost['race']>[1]['lost'] = (failures) => allFailed('no route works', failures);
      return { connection: await this.#host.race([route], { of: 'route', timeoutMs, lost }, context) };
    } catch (error) {
      if (context.signal.aborted || !isFdpassError(error) || !ASLEEP.has(error.code)) throw error;
      return { error };
    }
  }

  async #runCommand(context: DialContext): Promise<void> {
    const { command, terminal } = this.#options;
    if (command === undefined) return;
    const argv = command.map((word) => fillTokens(word, this.#target, 'command'));
    await this.#host.run(argv, context, { terminal });
  }

  async #sendPackets(context: DialContext): Promise<void> {
    const { mac = [] } = this.#options;
    if (mac.length === 0) return;
    const destinations = destinationsOf(this.#options);
    await sendPackets(mac.map(magicPacket), destinations);
    const places = destinations.map(({ host, port }) => formatHostPort(host, port));
    context.trace({ event: 'sent', text: `a magic packet for ${mac.join(' and ')} to ${places.join(' and ')}` });
  }

  async #wait(error: FdpassError, { signal, trace }: DialContext): Promise<void> {
    const { interval = DEFAULT_INTERVAL_MS } = this.#options;
    trace({ event: 'retry', reason: error.message, inMs: interval, tries: this.#tries });
    await pause(interval, this.#host.clock, signal);
  }

  #stillAsleep(deadline: unknown, { message, hop, attempts, routes }: FdpassError): FdpassError {
    const { mac } = this.#options;
    return new FdpassError(
      'timeout',
      `${messageOf(deadline)}: it does not wake up, and the last try failed: ${message}`,
      {
        hint:
          mac === undefined
            ? 'see whether the command has started it, or raise "within"'
            : 'check "mac" and "broadcast", and that Wake-on-LAN is on in its firmware and its system',
        hop,
        attempts,
        routes,
        cause: deadline,
      },
    );
  }
}
