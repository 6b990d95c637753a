import type { Duplex } from 'node:stream';
import {
  type Chain,
  type Connection,
  type DialContext,
  type Dialer,
  type Strategy,
  type StrategyHost,
  systemClock,
  type Target,
  type TraceEvent,
} from '@fdpass/core';
import {
  createStrategyHost,
  DEFAULT_SERVICES,
  guardDialer,
  type HostPlace,
  type HostServices,
  lendChain,
  loadSchema,
  OwningDial,
  ownConnection,
} from '@fdpass/core/host';
import { isConnection, openConnection } from '@fdpass/core/sockets';
import { Line, type LinePolicy } from './line.js';
import { type Origin, openOrigin } from './origin.js';
import type { StartedServer, StrategySubject } from './subject.js';

/** How long a dial can take to settle when nothing keeps it from that. */
export const PATIENCE_MS: number = Number(process.env['FDPASS_PATIENCE_MS'] ?? 5000);

/** How one dial of a check is made. */
export interface Trial {
  /** What the line between the strategy and its server does. Default: nothing to the bytes. */
  readonly policy?: LinePolicy;
  /** What the origin says first. Default: nothing. */
  readonly banner?: string;
  readonly signal?: AbortSignal;
  /** Default: the lab's own network. */
  readonly forward?: Chain['dial'];
  /** Called at each step that the line sees. */
  readonly onStep?: () => void;
  /** Called at each event that the strategy reports, while it does. */
  readonly onEvent?: () => void;
}

/** What a host can have in place of the usual. */
type HostParts = Pick<Partial<HostPlace>, 'namesAt'> & Pick<Partial<HostServices>, 'resolve'>;

/** How a dial ended. */
export type Outcome = { readonly value: Connection | Duplex } | { readonly error: unknown };

/** A strategy at work: its server, the line there, and an origin behind it. */
export class Lab {
  readonly subject: StrategySubject;
  readonly strategy: Strategy<unknown>;
  readonly server: StartedServer;
  readonly origin: Origin;
  /** Everything that any dial has reported. */
  readonly events: TraceEvent[] = [];
  /** Whether what it gives is not a kernel socket. */
  isRelayed = false;
  readonly #lines = new Set<Line>();
  #front: Line | undefined;
  #trial: Trial = {};

  private constructor(subject: StrategySubject, strategy: Strategy<unknown>, origin: Origin, server: StartedServer) {
    this.subject = subject;
    this.strategy = strategy;
    this.origin = origin;
    this.server = server;
  }

  /** Starts everything; the caller closes it. */
  static async start(subject: StrategySubject): Promise<Lab> {
    const { strategy: given } = subject;
    const strategy = ('load' in given ? await given.load() : given) as Strategy<unknown>;
    const origin = await openOrigin();
    let lab: Lab | undefined;
    // A strategy that is always the first hop reaches the origin, or its server reaches it, over a line that stays.
    const front = strategy.firstOnly ? await Line.open(origin.place, (line) => lab?.use(line) ?? {}, true) : undefined;
    const server = (await subject.start?.(front?.place ?? origin.place)) ?? { options: {} };
    lab = new Lab(subject, strategy, origin, server);
    lab.#front = front;
    lab.isRelayed = subject.relayed ?? (await lab.#saysItNeedsRelay());
    return lab;
  }

  /** What is dialled. */
  get target(): Target {
    return this.server.target ?? this.#front?.place ?? this.origin.place;
  }

  /** Bytes that the last dial's lines have delivered to the strategy. */
  get delivered(): number {
    const lines = [...this.#lines, ...(this.#front ? [this.#front] : [])];
    return lines.reduce((sum, line) => sum + line.delivered, 0);
  }

  /** The strategy's dialer, made of its server's options as core makes it. */
  async dialer(forward?: Chain['dial']): Promise<Dialer> {
    return this.strategy.create(await this.options(), this.host(forward));
  }

  /** A strategy whose create() fails has a check of its own for that. */
  async #saysItNeedsRelay(): Promise<boolean> {
    const dialer = await this.dialer().catch(() => undefined);
    return dialer?.needsRelay?.(this.target) === true;
  }

  /** The options, checked by the strategy's schema and frozen. */
  async options(): Promise<unknown> {
    const { options } = this.server;
    const result = await (await loadSchema(this.strategy))?.['~standard'].validate(options);
    if (result?.issues) throw new Error(`the options of the test are refused: ${result.issues[0]?.message}`);
    return freeze(result === undefined ? structuredCloneOf(options) : result.value);
  }

  /** What the strategy can ask of its host: nested routes lead to the network. */
  host(dial: Chain['dial'] = this.network, { namesAt, ...services }: HostParts = {}): StrategyHost {
    const forward = lendChain({ label: 'the network', dial, needsRelay: () => false }, 'the strategy');
    const place = {
      forward,
      isFirst: false,
      route: async () => forward,
      baseDir: this.subject.baseDir ?? '/',
      socketDefaults: {},
      tlsDefaults: {},
    };
    return createStrategyHost({ ...place, namesAt }, { ...DEFAULT_SERVICES, ...services });
  }

  /** The network that hops before this one would give: each connection goes over a line of its own. */
  readonly network: Chain['dial'] = async ({ host, port }, context) => {
    const { signal, trace } = context;
    signal.throwIfAborted();
    const line = await Line.open({ host: host === 'localhost' ? '127.0.0.1' : host, port }, (used) => this.use(used));
    this.#lines.add(line);
    try {
      return ownConnection(await openConnection({ family: 4, ...line.place }, {}, { signal, trace }), context);
    } catch (error) {
      line.close();
      throw error;
    }
  };

  /** Makes one dial. Never rejects; fails the check if the dial does not settle. */
  async dial(trial: Trial = {}): Promise<Outcome> {
    this.begin(trial);
    const dialer = await this.dialer(trial.forward);
    return this.dialWith(dialer, trial.signal);
  }

  /** Makes one dial with a dialer that is there, and destroys what it leaves, as core does. */
  async dialWith(dialer: Dialer, signal?: AbortSignal, target: Target = this.target): Promise<Outcome> {
    const owning = new OwningDial(this.context(signal));
    owning.listenTo(owning.state);
    try {
      const outcome = await settled(Promise.resolve().then(() => dialer.dial(target, owning.context)));
      if ('error' in outcome) owning.destroyOwned(outcome.error);
      return outcome;
    } finally {
      owning.stop();
    }
  }

  /** Makes one dial that has to succeed. */
  async connect(trial: Trial = {}): Promise<Connection | Duplex> {
    const outcome = await this.dial(trial);
    if ('value' in outcome) return outcome.value;
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    throw new Error(`the dial failed: ${why}; it has to succeed with the server and the options of start()`, {
      cause: outcome.error,
    });
  }

  /** Makes one dial as the framework makes it, which looks at what the strategy gives. Rejects as that does. */
  async guardedDial(
    trial: Trial = {},
    expectation?: Parameters<typeof guardDialer>[1]['expectation'],
  ): Promise<Connection> {
    this.begin(trial);
    const dialer = await this.dialer();
    const { targets } = this.strategy;
    const hop = { label: undefined, origin: 'the strategy', targets, clock: systemClock, expectation };
    const outcome = await settled(guardDialer(dialer, hop).dial(this.target, this.context()));
    if ('error' in outcome) throw outcome.error;
    return outcome.value as Connection;
  }

  /** From now on connections are those of this trial. */
  begin(trial: Trial): void {
    for (const line of this.#lines) line.close();
    this.#lines.clear();
    if (this.#front) this.#front.delivered = 0;
    this.#trial = trial;
    this.origin.banner = trial.banner ?? '';
  }

  context(signal: AbortSignal = new AbortController().signal): DialContext {
    const { onEvent } = this.#trial;
    const trace = (event: TraceEvent): void => {
      this.events.push(event);
      onEvent?.();
    };
    return { signal, trace };
  }

  /** Ends the last trial's connections, and whatever a bad strategy has left of them. */
  cut(): void {
    this.begin({});
  }

  async close(): Promise<void> {
    this.cut();
    this.#front?.close();
    await this.server.close?.();
    await this.origin.close();
  }

  /** Decides what happens to a connection of a line. */
  use(line: Line): LinePolicy {
    const { onStep, policy = {} } = this.#trial;
    // What the trial allows, it allows all its connections together: a strategy may try again.
    const left = (bytes: number | undefined): number | undefined => bytes && Math.max(0, bytes - this.delivered);
    line.removeAllListeners('step');
    if (onStep) line.on('step', onStep);
    const { closeAfter, silentAfter, ...others } = policy;
    return {
      ...others,
      ...(closeAfter !== undefined && { closeAfter: left(closeAfter) ?? 0 }),
      ...(silentAfter !== undefined && { silentAfter: left(silentAfter) ?? 0 }),
    };
  }
}

/** How a dial ends, if it does before long. */
async function settled(dialling: Promise<Connection | Duplex>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('the dial neither resolved nor rejected; settle it, by the signal at the latest')),
      PATIENCE_MS,
    );
  });
  const outcome = dialling.then(
    (value): Outcome => ({ value }),
    (error: unknown): Outcome => ({ error }),
  );
  try {
    return await Promise.race([outcome, never]);
  } finally {
    clearTimeout(timer);
  }
}

/** Destroys what a dial that succeeded has given. */
export function discard(outcome: Outcome): void {
  if ('value' in outcome) destroy(outcome.value);
}

/** Destroys a connection or a stream. */
export function destroy(value: Connection | Duplex): void {
  if (isConnection(value)) value.destroy();
  else value.on('error', () => {}).destroy();
}

/** A few turns of the event loop: what was on its way has arrived. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !ArrayBuffer.isView(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

function structuredCloneOf(options: unknown): unknown {
  return typeof options === 'object' && options !== null ? { ...options } : options;
}
