import { type Clock, systemClock } from '@fdpass/core';
import {
  describeNetwork,
  type HostServices,
  KeptConnections,
  KeptWinners,
  libcResolver,
  type RememberingResolver,
  type Resolver,
  rememberLookups,
  SharedAnswers,
} from '@fdpass/core/host';

/** Long enough for a burst of connections to one host, and too short for anybody to wonder about. */
const KEEP_ADDRESSES_MS = 10_000;
/** Long enough for one web page, for which a browser would ask a hundred times. */
const KEEP_ANSWERS_MS = 5000;
const LOOK_INTERVAL_MS = 1000;
/** By then, a better address or route can work again. */
const KEEP_WINNERS_MS = 10 * 60_000;

/** What {@link AgentMemory} is made of. */
export interface MemoryParts {
  readonly resolve: Resolver;
  readonly clock: Clock;
  /** What the machine's addresses are, as a text to compare. */
  readonly describeNetwork: () => string;
}

/**
 * What only a process that stays can remember from one dial to the next: for a short time the addresses of names and the results
 * of conditions, spare connections to proxies, and which address or route won. None of it is valid in another network.
 */
export class AgentMemory {
  readonly #parts: MemoryParts;
  readonly #addresses: RememberingResolver;
  readonly #connections: KeptConnections;
  /** What the dials of the agent use. */
  readonly services: Pick<HostServices, 'resolve' | 'standby' | 'winners'>;
  /** The results of conditions, for dials in the process's own environment. */
  readonly answers: SharedAnswers;
  #network: string;
  #lookedAt: number;

  /** With this machine's resolver, clock and addresses. */
  static ofThisMachine(): AgentMemory {
    return new AgentMemory({ resolve: libcResolver, clock: systemClock, describeNetwork });
  }

  constructor(parts: MemoryParts) {
    const { resolve, clock, describeNetwork } = parts;
    this.#parts = parts;
    this.#addresses = rememberLookups(resolve, KEEP_ADDRESSES_MS, clock);
    this.#connections = new KeptConnections(clock);
    const winners = new KeptWinners(clock, () => this.#network, KEEP_WINNERS_MS);
    this.services = { resolve: this.#addresses.resolve, standby: this.#connections, winners };
    this.answers = new SharedAnswers(clock, KEEP_ANSWERS_MS);
    this.#network = describeNetwork();
    this.#lookedAt = clock.now();
  }

  /** Forgets everything if the network is another one since the last look, which is at most a second ago. */
  refresh(): void {
    const { clock, describeNetwork } = this.#parts;
    if (clock.now() - this.#lookedAt < LOOK_INTERVAL_MS) return;
    this.#lookedAt = clock.now();
    const network = describeNetwork();
    if (network === this.#network) return;
    this.#network = network;
    this.#addresses.forget();
    this.#connections.clear();
    this.answers.forget();
  }

  /** After a dial that has failed: an address may be out of date. */
  forgetAddresses(): void {
    this.#addresses.forget();
  }
}
