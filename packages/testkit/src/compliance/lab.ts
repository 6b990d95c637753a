import type { Duplex } from 'node:stream';
import {
  type DialContext,
  type Dialer,
  openSocket,
  type Strategy,
  type StrategyHost,
  systemClock,
  type Target,
  type TraceEvent,
} from '@fdpass/core';
import { Line, type LinePolicy } from './line.js';
import { type Origin, openOrigin } from './origin.js';
import type { StartedServer, StrategySubject } from './subject.js';

/** How long a dial may take to settle when nothing keeps it from that. */
export const PATIENCE_MS: number = Number(process.env['FDPASS_PATIENCE_MS'] ?? 5000);

/** How one dial of a check is made. */
export interface Trial {
  /** What the line between the strategy and its server does. Default: nothing to the bytes. */
  readonly policy?: LinePolicy;
  /** What the origin says first. Default: nothing. */
  readonly banner?: string;
  readonly signal?: AbortSignal;
  /** Default: the lab's own network. */
  readonly forward?: Dialer;
  /** Called at each step that the line sees. */
  readonly onStep?: () => void;
  /** Called at each event that the strategy reports, while it does. */
  readonly onEvent?: () => void;
}

/** How a dial ended. */
export type Outcome = { readonly stream: Duplex } | { readonly error: unknown };

/** A strategy at work: its server, the line there, and an origin behind it. */
export class Lab {
  readonly subject: StrategySubject;
  readonly strategy: Strategy<unknown>;
  readonly server: StartedServer;
  readonly origin: Origin;
  /** Everything that any dial has reported. */
  readonly events: TraceEvent[] = [];
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
    // A strategy that opens sockets itself reaches the origin, or its server reaches it, over a line that stays.
    const front = strategy.opensSockets
      ? await Line.open(origin.place, (line) => lab?.use(line) ?? {}, true)
      : undefined;
    const server = (await subject.start?.(front?.place ?? origin.place)) ?? { options: {} };
    lab = new Lab(subject, strategy, origin, server);
    lab.#front = front;
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
  async dialer(forward: Dialer = this.network): Promise<Dialer> {
    return this.strategy.create(await this.options(), forward, this.host(forward));
  }

  /** The options, checked by the strategy's schema and frozen. */
  async options(): Promise<unknown> {
    const { options } = this.server;
    const result = await this.strategy.optionsSchema?.['~standard'].validate(options);
    if (result?.issues) throw new Error(`the options of the test are refused: ${result.issues[0]?.message}`);
    return freeze(result === undefined ? structuredCloneOf(options) : result.value);
  }

  /** What the strategy may ask of its host: nested routes lead to the network. */
  host(forward: Dialer = this.network): StrategyHost {
    return { socketDefaults: {}, baseDir: '/', route: () => forward };
  }

  /** The network that hops before this one would give: each connection goes over a line of its own. */
  readonly network: Dialer = {
    dial: async ({ host, port }, { signal }) => {
      signal.throwIfAborted();
      const line = await Line.open({ host: host === 'localhost' ? '127.0.0.1' : host, port }, (used) => this.use(used));
      this.#lines.add(line);
      return openSocket({ family: 4, ...line.place }, {}, { signal }).catch((error: unknown) => {
        line.close();
        throw error;
      });
    },
  };

  /** Makes one dial. Never rejects; fails the check if the dial does not settle. */
  async dial(trial: Trial = {}): Promise<Outcome> {
    this.begin(trial);
    const dialer = await this.dialer(trial.forward);
    const context = this.context(trial.signal);
    return settled(Promise.resolve().then(() => dialer.dial(this.target, context)));
  }

  /** Makes one dial that has to succeed. */
  async connect(trial: Trial = {}): Promise<Duplex> {
    const outcome = await this.dial(trial);
    if ('stream' in outcome) return outcome.stream;
    const why = outcome.error instanceof Error ? outcome.error.message : String(outcome.error);
    throw new Error(`the dial failed: ${why}; it has to succeed with the server and the options of start()`);
  }

  /** What comes next is done to the connections of this trial. */
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
    return { signal, clock: systemClock, trace };
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

  /** A line has a connection: what is to become of it. */
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
async function settled(dialling: Promise<Duplex>): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error('the dial neither resolved nor rejected; settle it, by the signal at the latest')),
      PATIENCE_MS,
    );
  });
  const outcome = dialling.then(
    (stream): Outcome => ({ stream }),
    (error: unknown): Outcome => ({ error }),
  );
  try {
    return await Promise.race([outcome, never]);
  } finally {
    clearTimeout(timer);
  }
}

/** Destroys the stream of a dial that succeeded. */
export function discard(outcome: Outcome): void {
  if ('stream' in outcome) outcome.stream.on('error', () => {}).destroy();
}

/** A few turns of the event loop: what was on its way has come. */
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
