import { type Clock, fdpassVersion, systemClock } from '@fdpass/core';
import { type DescriptorConnection, loadSys, type Sys } from '@fdpass/core/sockets';
import { type ClientDuties, complaintAbout, serveClient } from './client.js';
import { isSocketActivated, type Listening, listenAt, listenOnActivated } from './listen.js';
import { type AgentRequest, Environments, LEFT_TO_CLIENT, type Serve } from './request.js';
import { Slots } from './slots.js';

/** What an agent is made of. */
export interface AgentOptions {
  /** Where it listens, unless systemd has passed it a socket. */
  readonly socket: string;
  /** Serves the sessions of clients. */
  readonly serve: Serve;
  /** The agent ends after this many milliseconds without a client; 0: never. */
  readonly idleMs: number;
  /** A note for its status, besides the figures. Default: none. */
  readonly note?: (() => string | undefined) | undefined;
  /** Where the process listens for other kinds of clients, for its status. Then it does not end by itself. Default: nowhere. */
  readonly listening?: readonly string[] | undefined;
  /** Called once, when it takes no further client. */
  readonly onLeave?: (() => void) | undefined;
  /** The most clients at a time; any more are sent away, and connect by themselves. Default 4096. */
  readonly maxClients?: number | undefined;
  /** Receives lines that the user may want to see. Default: nobody does. */
  readonly report?: ((line: string) => void) | undefined;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
}

/** The status of an agent. */
export interface AgentStatus {
  /** Its process. */
  readonly pid: number;
  /** The version of fdpass. Undefined for an agent that is older than this field. */
  readonly version?: string | undefined;
  /** How long it has run. */
  readonly seconds: number;
  /** How many sessions it has served. */
  readonly served: number;
  /** How many it has left to their clients. */
  readonly left: number;
  /** How many clients and relays it has now. */
  readonly active: number;
  /** Whether systemd listens on its socket, and starts another agent when this one has ended. */
  readonly isActivated: boolean;
  /** Of {@link AgentOptions.note}. */
  readonly note?: string | undefined;
  /** Of {@link AgentOptions.listening}. Undefined for an agent that is older than this field. */
  readonly listening?: readonly string[] | undefined;
}

const MAX_CLIENTS = 4096;
/** How often it checks that its socket is still there. */
const LOOK_MS = 60_000;
/** Sessions that are served at the same time; others wait. */
const MAX_SESSIONS = 256;

/** A resident process that serves what OpenSSH's multiplexing clients ask for, until it is told to end or nobody asks. */
export class Agent {
  readonly #options: AgentOptions;
  readonly #clock: Clock;
  readonly #sys: Sys = loadSys();
  readonly #slots = new Slots(MAX_SESSIONS);
  readonly #environments = new Environments();
  readonly #startedAt: number;
  readonly #uid = process.geteuid?.() ?? -1;
  readonly #isActivated = isSocketActivated(process.env);
  #listening: Listening | undefined;
  #active = 0;
  #served = 0;
  #left = 0;
  #cancelIdle = (): void => {};
  #cancelLook = (): void => {};
  #end = (): void => {};
  /** Resolves when it has ended: nobody asked for a while, or it was told to and its last session is over. */
  readonly ended: Promise<void>;

  private constructor(options: AgentOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#startedAt = this.#clock.now();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Starts one that listens. @throws FdpassError if it cannot. */
  static async start(options: AgentOptions): Promise<Agent> {
    const agent = new Agent(options);
    const accept = (client: DescriptorConnection): void => agent.#accept(client);
    agent.#listening = agent.#isActivated ? listenOnActivated(accept) : listenAt(options.socket, accept);
    agent.#rest();
    agent.#lookAgain();
    return agent;
  }

  /** Whether it takes clients. */
  get isListening(): boolean {
    return this.#listening !== undefined;
  }

  /** Its status. */
  get status(): AgentStatus {
    const seconds = Math.round((this.#clock.now() - this.#startedAt) / 1000);
    return {
      pid: process.pid,
      version: fdpassVersion(),
      seconds,
      served: this.#served,
      left: this.#left,
      active: this.#active,
      isActivated: this.#isActivated,
      note: this.#options.note?.(),
      listening: this.#options.listening ?? [],
    };
  }

  /** Takes no further client, and ends when the last session and the last relay are over. */
  leave(): void {
    this.#stopListening();
    if (this.#active === 0) this.#end();
  }

  #stopListening(): void {
    if (this.#listening === undefined) return;
    this.#cancelLook();
    this.#listening.close();
    this.#listening = undefined;
    this.#options.onLeave?.();
  }

  #accept(client: DescriptorConnection): void {
    if (this.#active >= (this.#options.maxClients ?? MAX_CLIENTS)) client.destroy();
    else this.#hold(this.#serve(client).catch((error: unknown) => this.#complain(error)));
  }

  #serve(client: DescriptorConnection): Promise<void> {
    return serveClient(client, {
      sys: this.#sys,
      clock: this.#clock,
      uid: this.#uid,
      environments: this.#environments,
      serve: (question) => this.#serveLater(this.#options.serve(question)),
      status: () => JSON.stringify(this.status),
      stopListening: (ends) => (ends ? this.leave() : this.#stopListening()),
    });
  }

  #serveLater(serve: ReturnType<Serve>): ReturnType<ClientDuties['serve']> {
    return (request) => this.#slots.run(() => this.#session(serve, request));
  }

  async #session(serve: ReturnType<Serve>, request: Omit<AgentRequest, 'keepAlive'>): Promise<number> {
    const status = await serve({ ...request, keepAlive: (work) => this.#hold(work) });
    if (status === LEFT_TO_CLIENT) this.#left += 1;
    else this.#served += 1;
    return status;
  }

  /** Lives as long as `work`. */
  #hold(work: Promise<unknown>): void {
    this.#cancelIdle();
    this.#active += 1;
    const release = (): void => {
      this.#active -= 1;
      if (this.#active === 0) this.#rest();
    };
    work.then(release, release);
  }

  /** Called when nobody needs it. */
  #rest(): void {
    const { idleMs, listening = [] } = this.#options;
    if (this.#listening === undefined) this.#end();
    else if (idleMs > 0 && listening.length === 0) this.#cancelIdle = this.#clock.after(idleMs, () => this.leave());
  }

  /** Ends the agent, without the idle time, once no client can find it: another one has taken its place, or its folder is gone. */
  #lookAgain(): void {
    this.#cancelLook = this.#clock.after(LOOK_MS, () => {
      const isProxy = (this.#options.listening ?? []).length > 0; // which is asked elsewhere
      if (this.#listening?.isReachable() === false && !isProxy) this.leave();
      else this.#lookAgain();
    });
  }

  #complain(error: unknown): void {
    const complaint = complaintAbout(error);
    if (complaint !== undefined) this.#options.report?.(`a client was not served: ${complaint}`);
  }
}
