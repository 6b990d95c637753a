import type { MuxFieldReader } from '@fdpass/core/sockets';

/** What a client asks for: a session of PROTOCOL.mux, before its streams have come. */
export interface ClientQuestion {
  /** The command of the session, split at its line feeds. */
  readonly words: readonly string[];
  /** The variables that the client has sent. Clients that send the same get the same object. */
  readonly environment: Environment;
  /** The client's process; undefined where the system does not tell it, 0 for one that we cannot see. */
  readonly pid: number | undefined;
}

/** A client's request, with its streams. */
export interface AgentRequest extends ClientQuestion {
  /** Descriptors of the client's streams. The agent closes them when the request has been served. */
  readonly stdin: number;
  /** See `stdin`. */
  readonly stdout: number;
  /** See `stdin`. */
  readonly stderr: number;
  /** Aborts when the client has gone, or by `abort`. */
  readonly signal: AbortSignal;
  /** Aborts `signal` with the reason: the request cannot go on. */
  readonly abort: (reason: unknown) => void;
  /** Keeps the agent alive until `work`, which can go on after the request, has settled. */
  keepAlive(work: Promise<unknown>): void;
}

/**
 * The exit status of a client that has to do the work by itself. OpenSSH's client exits with the same status if no agent
 * listens, or if it has died.
 */
export const LEFT_TO_CLIENT = 255;

/**
 * Looks at what a client asks for, while its streams are on their way, and gives what serves the request: that resolves to the
 * client's exit status. The first must not throw, and the second must not reject.
 */
export type Serve = (question: ClientQuestion) => (request: AgentRequest) => Promise<number>;

/** The words of a command, one a line. */
export function parseCommand(command: string): string[] {
  return command.split('\n');
}

/** Variables, by their names. */
export type Environment = Readonly<Record<string, string>>;

/** More than a user has terminals that ssh is started from. */
const MAX_KNOWN = 16;
/** Larger ones are not kept, so that a few of them do not fill the memory. */
const MAX_KNOWN_BYTES = 64 * 1024;

/**
 * Reads the variables of clients. To take some fifty of them apart is a tenth of what the agent does for a client, and clients from
 * the same terminal send the same.
 */
export class Environments {
  readonly #known: { readonly bytes: Buffer; readonly environment: Environment }[] = [];

  /** The variables that are left in `fields`, as texts `NAME=VALUE`. */
  read(fields: MuxFieldReader): Environment {
    const bytes = fields.rest();
    const known = this.#known.find((one) => one.bytes.equals(bytes));
    if (known !== undefined) return known.environment;
    const environment = parseEnvironment(fields.texts());
    if (bytes.length > MAX_KNOWN_BYTES) return environment;
    if (this.#known.length === MAX_KNOWN) this.#known.shift();
    this.#known.push({ bytes: Buffer.from(bytes), environment });
    return environment;
  }
}

/** Variables from `NAME=VALUE`. */
export function parseEnvironment(entries: readonly string[]): Environment {
  const environment: Record<string, string> = Object.create(null); // a variable can have any name, `__proto__` too
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at === -1) environment[entry] = '';
    else environment[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return Object.freeze(environment); // another client may get it too
}
