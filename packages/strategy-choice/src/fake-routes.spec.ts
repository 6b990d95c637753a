import { getEventListeners } from 'node:events';
import { type Duplex, PassThrough } from 'node:stream';
import {
  type Chain,
  type Connection,
  type DialContext,
  type Dialer,
  type ErrorCode,
  FdpassError,
  type Strategy,
  type StrategyHost,
  showUrl,
  type Target,
  type TraceEvent,
  type Winners,
} from '@fdpass/core';
import { KeptWinners, OwningDial } from '@fdpass/core/host';
import { StreamConnection } from '@fdpass/core/sockets';
import { testHost, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';

/* Routes on a virtual clock, for the other specs. (Its name keeps it out of the published package.) */

/** What a server says, and when, after it was connected; `END` closes. */
export type Greeting = readonly [afterMs: number, text: string];

export const END = '(end)';

/** When a route ends, and how: `ok` and what its server then says, or an error with that code; `silent` never ends. */
export type Outcome = readonly [afterMs: number, result: 'ok' | ErrorCode, greeting?: Greeting] | 'silent';

/** By the name of the route or, where all go one way, of the host. */
export type World = Readonly<Record<string, Outcome>>;

export const TARGET: Target = { host: 'host.example', port: 22, user: 'me', alias: 'nas' };

/** What a strategy under test did: `0 start a`, `250 abort b`, and which streams it left open. */
export class FakeRoutes {
  readonly clock: VirtualClock = new VirtualClock();
  readonly controller: AbortController = new AbortController();
  readonly log: string[] = [];
  readonly events: string[] = [];
  readonly targets: Target[] = [];
  readonly streams: Map<string, Duplex> = new Map();
  /** Replace it to remember winners. */
  winners: Winners = new KeptWinners(this.clock, () => '', 0);
  readonly #names: Map<Connection, string> = new Map();
  readonly #world: World;
  readonly #nameOf: (use: unknown, target: Target) => string;
  #open = 0;

  constructor(world: World, nameOf: (use: unknown, target: Target) => string = String) {
    this.#world = world;
    this.#nameOf = nameOf;
  }

  readonly route = (use: unknown): Chain => ({
    label: String(use).includes(':') ? showUrl(String(use)) : String(use),
    needsRelay: () => String(use).startsWith('tls'),
    tls: () => (String(use).startsWith('tls') ? { by: 'process' } : undefined),
    dial: (target, { signal }) => this.#dial(this.#nameOf(use, target), target, signal),
  });

  get host(): StrategyHost {
    const { clock, route, winners } = this;
    return testHost({ clock, winners, forward: route('forward'), route: async (use) => route(use) });
  }

  async #dial(name: string, target: Target, signal: AbortSignal): Promise<Connection> {
    this.#note(`start ${name}`);
    this.targets.push(target);
    this.#open++;
    try {
      return await this.#outcome(name, signal);
    } finally {
      this.#open--;
    }
  }

  #outcome(name: string, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const outcome = this.#world[name] ?? 'silent';
      const stop = outcome === 'silent' ? () => {} : this.clock.after(outcome[0], () => end(outcome[1], outcome[2]));
      const abort = (): void => {
        stop();
        this.#note(`abort ${name}`);
        reject(signal.reason);
      };
      const end = (result: 'ok' | ErrorCode, greeting: Greeting | undefined): void => {
        signal.removeEventListener('abort', abort);
        if (result === 'ok') resolve(this.#connect(name, greeting));
        else reject(new FdpassError(result, `${name} is ${result}`, { hint: `mend ${name}` }));
      };
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  #connect(name: string, greeting: Greeting | undefined): Connection {
    const stream = new PassThrough();
    this.streams.set(name, stream);
    const stop = this.#greet(stream, greeting);
    stream.once('close', () => {
      stop();
      this.#note(`close ${name}`);
    });
    const connection = new StreamConnection(stream, { clock: this.clock });
    this.#names.set(connection, name);
    return connection;
  }

  #greet(stream: Duplex, greeting: Greeting | undefined): () => void {
    if (greeting === undefined) return () => {};
    const [afterMs, text] = greeting;
    return this.clock.after(afterMs, () => void (text === END ? stream.end() : stream.write(text)));
  }

  #note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`);
  }

  /** Starts a dial with options as a config has them; `settled` tells whether it is over. */
  start<Options>(strategy: Strategy<Options>, written: unknown): Dial {
    return this.#start(strategy, written, (context) => context);
  }

  /** The same, of a hop whose target core knows: what its server says then counts. */
  startAsHop<Options>(strategy: Strategy<Options>, written: unknown, target: Target = TARGET): Dial {
    return this.#start(strategy, written, (context) => new OwningDial(context, target).context);
  }

  #start<Options>(strategy: Strategy<Options>, written: unknown, around: (context: DialContext) => DialContext): Dial {
    const trace = (event: TraceEvent): void => {
      const subject = 'route' in event ? event.route : event.event === 'note' ? event['text'] : '';
      this.events.push(`${this.clock.now()} ${event.event} ${subject}`);
    };
    const options = optionsOf(strategy, written);
    const dial = async (): Promise<Connection> => {
      const dialer: Dialer = await strategy.create(options, this.host);
      return (await dialer.dial(TARGET, around({ signal: this.controller.signal, trace }))) as Connection;
    };
    return new Dial(dial());
  }

  /** The name of the route that this came by. */
  nameOf(connection: Connection | undefined): string | undefined {
    return connection && this.#names.get(connection);
  }

  /** Fails unless every dial is over, no timer and no listener is left, and only the winner's connection is open. */
  expectClean(connection?: Connection): void {
    const winner = connection?.toStream();
    const open = [...this.streams].filter(([, stream]) => !stream.destroyed && stream !== winner).map(([name]) => name);
    const listeners = getEventListeners(this.controller.signal, 'abort').length;
    expect({ open, dials: this.#open, timers: this.clock.pending, listeners }).to.deep.equal({
      open: [],
      dials: 0,
      timers: 0,
      listeners: 0,
    });
    if (winner !== undefined) {
      expect(winner.destroyed).to.equal(false);
      expect([winner.listenerCount('error'), winner.isPaused()]).to.deep.equal([0, true]);
    }
  }
}

/** A dial that can be looked at without waiting for it. */
export class Dial {
  connection: Connection | undefined;
  error: unknown;
  settled = false;

  constructor(dialling: Promise<Connection>) {
    dialling
      .then(
        (connection) => {
          this.connection = connection;
        },
        (error: unknown) => {
          this.error = error;
        },
      )
      .finally(() => {
        this.settled = true;
      });
  }

  get failure(): FdpassError {
    expect(this.error, 'the dial should have failed').to.be.instanceOf(FdpassError);
    return this.error as FdpassError;
  }
}

/** Options as the strategy's schema gives them. @throws Error with all that is wrong. */
export function optionsOf<Options>(strategy: Strategy<Options>, written: unknown): Options {
  const schema = strategy.optionsSchema;
  const result = schema && '~standard' in schema ? schema['~standard'].validate(written) : undefined;
  if (result === undefined || result instanceof Promise) throw new Error('no schema that answers at once');
  if (result.issues !== undefined) throw new Error(result.issues.map(({ message }) => message).join('; '));
  return result.value;
}
