/** What a client asks for: a session of PROTOCOL.mux, before its streams have come. */
export interface ClientQuestion {
  /** The command of the session, split at its line feeds. */
  readonly words: readonly string[];
  /** The variables that the client has sent. */
  readonly environment: Readonly<Record<string, string>>;
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
  /** Aborts when the client has gone. */
  readonly signal: AbortSignal;
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

/** Variables from `NAME=VALUE`. */
export function parseEnvironment(entries: readonly string[]): Record<string, string> {
  const environment: Record<string, string> = Object.create(null); // a variable can have any name, `__proto__` too
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at === -1) environment[entry] = '';
    else environment[entry.slice(0, at)] = entry.slice(at + 1);
  }
  return environment;
}
