import { type Connection, FdpassError, formatHostPort, type Target, type TraceEvent } from '@fdpass/core';
import type { Framework, Router } from '@fdpass/core/host';
import type { ClientDial } from '@fdpass/listen';
import { Frameworks } from '../agent-config.js';
import { AgentMemory } from '../agent-memory.js';
import type { ErrorStyle } from '../error-lines.js';
import { keepFailure } from '../failure.js';
import { makeLog } from '../log.js';
import { type DialRequest, routeBy } from '../request.js';
import { complain } from '../resident.js';
import { sayError } from '../run.js';
import { type WriteLine, writeStderr } from '../stderr.js';
import { FDPASS } from '../syntax.js';

/** What the dials of a process that stays use. */
export interface DialingParts {
  readonly frameworks: Frameworks;
  readonly memory: AgentMemory;
}

/** How connections for clients are made and reported. */
export interface RulesDialerOptions {
  /** Which rules, or which hops instead of them. */
  readonly request: Omit<DialRequest, 'target'>;
  /** How many times -v was given. */
  readonly verbosity: number;
  /** Of --log. */
  readonly logFile: string | undefined;
  readonly errorStyle: ErrorStyle;
}

/** The parts of a process that does nothing else. */
export function ownParts(): DialingParts {
  let isSaid = false;
  const frameworks = new Frameworks(() => {
    if (!isSaid) complain('the code of a plugin has changed; start fdpass again to use it');
    isSaid = true;
  });
  return { frameworks, memory: AgentMemory.ofThisMachine() };
}

/** Dials for the clients of a proxy server, by the rules as they are when a client asks. */
export class RulesDialer {
  readonly #parts: DialingParts;
  readonly #options: RulesDialerOptions;
  /** Routers keep the chains that they have made. */
  readonly #routers = new WeakMap<Framework, Router>();
  #count = 0;

  constructor(parts: DialingParts, options: RulesDialerOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Reads the configuration, so that its errors are not left to the first client. @throws FdpassError `config` */
  async prepare(): Promise<void> {
    await this.#framework();
  }

  /** The connection belongs to the caller. What fails is also said on stderr. */
  readonly dial = async (target: Target, { protocol, signal }: ClientDial): Promise<Connection> => {
    const { verbosity, logFile: file, errorStyle } = this.#options;
    const number = ++this.#count;
    const write: WriteLine = verbosity === 0 ? writeStderr : (line) => writeStderr(line.replace(/^/, `#${number} `));
    const { trace, close } = makeLog({ verbosity, file, write });
    try {
      const text = `${protocol} client wants ${formatHostPort(target.host, target.port)}`;
      trace({ event: 'note', text });
      return await this.#dialBy(target, signal, trace);
    } catch (error) {
      this.#parts.memory.forgetAddresses();
      if (!signal.aborted) {
        sayError(FDPASS, error, errorStyle, write);
        keepFailure(error, process.env);
      }
      throw error;
    } finally {
      close();
    }
  };

  async #dialBy(target: Target, signal: AbortSignal, trace: (event: TraceEvent) => void): Promise<Connection> {
    const { request } = this.#options;
    const { memory } = this.#parts;
    memory.refresh();
    const { config, router } = await this.#framework();
    const { route } = await routeBy(
      { config, router },
      { ...request, target },
      { signal, trace, shared: memory.answers },
    );
    const label = formatHostPort(route.target.host, route.target.port);
    trace({ event: 'route', target: label, reason: route.reason, chain: route.chain.label });
    return router.dial(route, { signal, timeoutMs: request.timeoutMs, trace });
  }

  async #framework(): Promise<Pick<Framework, 'config' | 'router'>> {
    const { frameworks, memory } = this.#parts;
    const framework = await frameworks.find({ file: this.#options.request.config, env: process.env }, writeStderr);
    const router = this.#routers.get(framework) ?? framework.router.withServices({ ...memory.services, beforeAsking });
    this.#routers.set(framework, router);
    return { config: framework.config, router };
  }
}

/** Several clients would ask on the same terminal, which belongs to another program as often as not. */
function beforeAsking(): never {
  throw new FdpassError('permission', 'this hop asks for a password, and clients of a proxy cannot be asked', {
    hint: 'save the password with "fdpass credentials set"',
  });
}
