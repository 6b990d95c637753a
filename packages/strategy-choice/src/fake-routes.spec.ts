import { getEventListeners } from 'node:events';
import { type Duplex, PassThrough } from 'node:stream';
import { type Dialer, type ErrorCode, FdpassError, type Strategy, type StrategyHost, type Target } from '@fdpass/core';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';

/* Routes on a virtual clock, for the other specs. (Its name keeps it out of the published package.) */

/** When a route ends, and how: `ok`, or an error with that code; `silent` never ends. */
export type Outcome = readonly [afterMs: number, result: 'ok' | ErrorCode] | 'silent';

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
  readonly #world: World;
  readonly #nameOf: (use: unknown, target: Target) => string;
  #open = 0;

  constructor(world: World, nameOf: (use: unknown, target: Target) => string = String) {
    this.#world = world;
    this.#nameOf = nameOf;
  }

  readonly route = (use: unknown): Dialer => ({
    needsRelay: String(use).startsWith('tls'),
    dial: (target, { signal }) => this.#dial(this.#nameOf(use, target), target, signal),
  });

  get host(): StrategyHost {
    return { socketDefaults: {}, baseDir: '/', route: this.route };
  }

  async #dial(name: string, target: Target, signal: AbortSignal): Promise<Duplex> {
    this.#note(`start ${name}`);
    this.targets.push(target);
    this.#open++;
    try {
      return await this.#outcome(name, signal);
    } finally {
      this.#open--;
    }
  }

  #outcome(name: string, signal: AbortSignal): Promise<Duplex> {
    return new Promise((resolve, reject) => {
      const outcome = this.#world[name] ?? 'silent';
      const stop = outcome === 'silent' ? () => {} : this.clock.after(outcome[0], () => end(outcome[1]));
      const abort = (): void => {
        stop();
        this.#note(`abort ${name}`);
        reject(signal.reason);
      };
      const end = (result: 'ok' | ErrorCode): void => {
        signal.removeEventListener('abort', abort);
        if (result === 'ok') resolve(this.#stream(name));
        else reject(new FdpassError(result, `${name} is ${result}`, { hint: `mend ${name}` }));
      };
      signal.addEventListener('abort', abort);
    });
  }

  #stream(name: string): Duplex {
    const stream = new PassThrough();
    this.streams.set(name, stream);
    stream.once('close', () => this.#note(`close ${name}`));
    return stream;
  }

  #note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`);
  }

  /** Starts a dial with options as a config has them; `settled` tells whether it is over. */
  start<Options>(strategy: Strategy<Options>, written: unknown): Dial {
    const dialer = strategy.create(optionsOf(strategy, written), this.route('forward'), this.host);
    const trace = ({ event, route }: { event: string; [detail: string]: unknown }): void =>
      void this.events.push(`${this.clock.now()} ${event} ${route}`);
    return new Dial(dialer.dial(TARGET, { signal: this.controller.signal, clock: this.clock, trace }));
  }

  /** The name of the route whose stream this is. */
  nameOf(stream: Duplex | undefined): string | undefined {
    return [...this.streams].find(([, each]) => each === stream)?.[0];
  }

  /** Fails unless every dial is over, no timer and no listener is left, and only the winner's stream is open. */
  expectClean(winner?: Duplex): void {
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
      expect([winner.listenerCount('error'), winner.isPaused()]).to.deep.equal([0, false]);
    }
  }
}

/** A dial that can be looked at without waiting for it. */
export class Dial {
  stream: Duplex | undefined;
  error: unknown;
  settled = false;

  constructor(dialling: Promise<Duplex>) {
    dialling
      .then(
        (stream) => {
          this.stream = stream;
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
  const result = strategy.optionsSchema?.['~standard'].validate(written);
  if (result === undefined || result instanceof Promise) throw new Error('no schema that answers at once');
  if (result.issues !== undefined) throw new Error(result.issues.map(({ message }) => message).join('; '));
  return result.value;
}
