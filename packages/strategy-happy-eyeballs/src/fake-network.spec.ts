import { getEventListeners } from 'node:events';
import { PassThrough } from 'node:stream';
import {
  type Connection,
  type Dialer,
  type Family,
  FdpassError,
  type HostAddress,
  reasonOf,
  type TraceEvent,
} from '@fdpass/core';
import { createResolver, type HostServices, KeptWinners, type Resolver } from '@fdpass/core/host';
import { StreamConnection } from '@fdpass/core/sockets';
import { testHost, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { type HappyEyeballsOptions, happyEyeballs } from './index.js';

/* A resolver and a network on a virtual clock, for the other specs. (Its name keeps it out of the published package.) */

/** When a look-up ends, and with which addresses or errno name. */
export type Answer = readonly [afterMs: number, outcome: readonly string[] | string];

/** When an attempt ends, and how: `ok`, an errno name or an error; `silent` never ends. */
export type Outcome = readonly [afterMs: number, result: 'ok' | string | FdpassError] | 'silent';

/** Addresses are called `6a`, `4b`, …: the family and a letter. */
export interface World {
  readonly aaaa?: Answer;
  readonly a?: Answer;
  readonly hosts: Readonly<Record<string, Outcome>>;
  /** The IPv6 addresses before which the system sorts IPv4. Default: none. */
  readonly after4?: readonly string[];
}

const NO_NAME: Answer = [0, 'ENOTFOUND'];

export class FakeNetwork {
  readonly clock: VirtualClock = new VirtualClock();
  readonly controller: AbortController = new AbortController();
  readonly events: TraceEvent[] = [];
  /** What was asked and tried, and when: `10 try 6a`. */
  readonly log: string[] = [];
  /** What connected, by address. */
  readonly connections: Map<string, Connection> = new Map();
  /** How often the system was asked which of two addresses goes first. */
  comparisons = 0;
  /** Those of an earlier network, if it is the same. */
  winners: HostServices['winners'] = new KeptWinners(this.clock, () => '', 600_000);
  readonly #streams: Map<Connection, PassThrough> = new Map();
  #openLookups = 0;
  #openAttempts = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  readonly resolve: Resolver = (host, family, signal) => {
    this.#note(`ask ${family}`);
    this.#openLookups++;
    const [afterMs, outcome] = (family === 6 ? this.#world.aaaa : this.#world.a) ?? NO_NAME;
    const resolver = createResolver((_host, _options, done) => {
      this.clock.after(afterMs, () => {
        if (typeof outcome === 'string') done(systemError(outcome), []);
        else
          done(
            null,
            outcome.map((address) => ({ address, family: familyOf(address) })),
          );
      });
    });
    return resolver(host, family, signal).finally(() => this.#openLookups--);
  };

  readonly open: HostServices['open'] = (address, _options, { signal }) => {
    const host = 'host' in address ? address.host : '';
    this.#note(`try ${host}`);
    this.#openAttempts++;
    const attempt = new Promise<Connection>((resolve, reject) => {
      const outcome = this.#world.hosts[host] ?? 'silent';
      const cancel = outcome === 'silent' ? () => {} : this.clock.after(outcome[0], () => finish(outcome[1]));
      const finish = (result: string | FdpassError): void => {
        signal.removeEventListener('abort', abort);
        if (result === 'ok') resolve(this.#connect(host));
        else reject(typeof result === 'string' ? refusal(result) : result);
      };
      const abort = (): void => {
        cancel();
        this.#note(`close ${host}`);
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
    });
    return attempt.finally(() => this.#openAttempts--);
  };

  readonly compareAddresses: HostServices['compareAddresses'] = (one, other) => {
    this.comparisons++;
    const [ipv6] = [one, other].filter(({ family }) => family === 6);
    const first = this.#world.after4?.includes(ipv6?.host ?? '') ? 4 : 6;
    return Number(other.family === first) - Number(one.family === first);
  };

  dialer(options: HappyEyeballsOptions = {}): Dialer {
    const { clock, resolve, compareAddresses, open, winners } = this;
    return happyEyeballs.create(options, testHost({ clock, resolve, compareAddresses, open, winners })) as Dialer;
  }

  dial(options: HappyEyeballsOptions = {}, host = 'host.example'): Promise<Connection> {
    const context = { signal: this.controller.signal, trace: (event: TraceEvent) => void this.events.push(event) };
    return this.dialer(options).dial({ host, port: 22 }, context) as Promise<Connection>;
  }

  tries(): string[] {
    return this.log.filter((line) => line.includes('try')).map((line) => line.replace('try ', ''));
  }

  /** Law 3: one open connection at most, the winner's, and nobody left waiting. */
  expectClean(winner: Connection | undefined): void {
    const open = [...this.#streams].filter(([, stream]) => !stream.destroyed).map(([connection]) => connection);
    expect(open).to.deep.equal(winner === undefined ? [] : [winner]);
    expect([this.#openAttempts, this.#openLookups], 'attempts and look-ups still open').to.deep.equal([0, 0]);
    expect(getEventListeners(this.controller.signal, 'abort')).to.have.length(0);
  }

  #connect(host: string): Connection {
    const stream = new PassThrough();
    const connection = new StreamConnection(stream);
    this.connections.set(host, connection);
    this.#streams.set(connection, stream);
    return connection;
  }

  #note(what: string): void {
    this.log.push(`${this.clock.now()} ${what}`);
  }
}

export function systemError(name: string): Error {
  return Object.assign(new Error(name), { code: name });
}

export function addressesOf(names: readonly string[]): HostAddress[] {
  return names.map((host) => ({ family: familyOf(host), host }));
}

function familyOf(name: string): Family {
  return name.startsWith('6') ? 6 : 4;
}

/** As core's openConnection fails: the bare reason, with the system's error as the cause. */
function refusal(name: string): FdpassError {
  const code = name === 'ETIMEDOUT' ? 'timeout' : 'unreachable';
  const hint = name === 'ECONNREFUSED' ? 'check that it is running' : undefined;
  return new FdpassError(code, reasonOf(systemError(name)), { hint, cause: systemError(name) });
}
