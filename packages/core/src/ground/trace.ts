/** The events that core and the commands report, each safe to show. */
export type CoreEvent =
  /** A rule was chosen, and the chain that it leads to. */
  | { readonly event: 'route'; readonly target: string; readonly reason: string; readonly chain: string }
  /** A condition of a rule is asked that takes time to answer. */
  | { readonly event: 'condition'; readonly condition: string }
  /** What it was answered. */
  | {
      readonly event: 'condition-answer';
      readonly condition: string;
      readonly ms: number;
      readonly holds: boolean;
      readonly found: string;
    }
  /** A hop starts to dial; `parent` is the dial that it is a part of, if that is a hop's too. */
  | { readonly event: 'dial'; readonly hop: string; readonly target: string; readonly parent?: number }
  /** How it ended. One that was cancelled lost against another route, or the caller no longer wants it. */
  | { readonly event: 'dialled' | 'dial-cancelled'; readonly hop: string; readonly ms: number }
  | { readonly event: 'dial-failed'; readonly hop: string; readonly ms: number; readonly reason: string }
  /** The look-up of a name starts; `servers` are the name servers that are asked, if not those of the system. */
  | {
      readonly event: 'look-up';
      readonly host: string;
      readonly family?: 0 | 4 | 6;
      readonly servers?: readonly string[];
    }
  /** A name was looked up; `reason` says why if there are no addresses. */
  | {
      readonly event: 'resolve';
      readonly host: string;
      readonly family?: 0 | 4 | 6;
      readonly servers?: readonly string[];
      readonly ms: number;
      readonly addresses: readonly string[];
      readonly reason?: string;
    }
  /** One connect() to one address. */
  | { readonly event: 'attempt'; readonly address: string }
  | { readonly event: 'connected' | 'attempt-cancelled'; readonly address: string; readonly ms: number }
  | { readonly event: 'attempt-failed'; readonly address: string; readonly ms: number; readonly reason: string }
  /** One of several routes. */
  | { readonly event: 'try'; readonly route: string }
  | { readonly event: 'try-connected' | 'try-cancelled'; readonly route: string; readonly ms: number }
  | { readonly event: 'try-failed'; readonly route: string; readonly ms: number; readonly reason: string }
  /** A handshake waits for the other side. */
  | { readonly event: 'waiting'; readonly for: string }
  /** The user is asked for something, on the terminal or by a program. */
  | { readonly event: 'asking'; readonly for: string }
  /** A message of a handshake in a few words, such as its first line; `details` are further lines of it. */
  | { readonly event: 'sent' | 'received'; readonly text: string; readonly details?: readonly string[] }
  /** A dial has failed, and is made again; `tries` have been made, of `times` at most, or of as many as there is time for. */
  | {
      readonly event: 'retry';
      readonly reason: string;
      readonly inMs: number;
      readonly tries: number;
      readonly times?: number;
    }
  /** A program is run that does something for the dial, and how it ended. */
  | { readonly event: 'run'; readonly program: string }
  | { readonly event: 'run-ended'; readonly program: string; readonly ms: number }
  | { readonly event: 'run-failed'; readonly program: string; readonly ms: number; readonly reason: string }
  /** The server has greeted as it has to. Nothing of it was taken. */
  | { readonly event: 'greeted'; readonly text: string }
  /** Something that the user should know. */
  | { readonly event: 'note'; readonly text: string }
  /** A line that a child process wrote for the user. */
  | { readonly event: 'output'; readonly text: string }
  | {
      readonly event: 'handed-over';
      readonly as: 'descriptor' | 'relay';
      readonly local?: string | undefined;
      readonly peer?: string | undefined;
    }
  /** The dial failed; `stack` is that of a plugin's own error, or of a bug. */
  | { readonly event: 'failed'; readonly error: string; readonly stack?: string | undefined };

/** An event of a plugin's own: its name, a colon and a word, with details that are safe to show. */
export interface PluginEvent {
  readonly event: `${string}:${string}`;
  readonly [detail: string]: unknown;
}

/** Which dial of a hop an event belongs to. */
export interface DialMark {
  /** Counts the dials of all hops in one dial of a route, from 1. */
  readonly id: number;
  /** How many dials it is inside of: the last hop of a chain dials through the one before it. */
  readonly depth: number;
}

/** One thing that happened during a dial. It never holds a secret. Core adds `within` where a hop that has a name dials. */
export type TraceEvent = (CoreEvent | PluginEvent) & { readonly within?: DialMark };

/** Where a dial reports what happens, at the moment it does. It must not throw. */
export interface Trace {
  (event: TraceEvent): void;
  /** Whether it hears of attempts at most, so that nothing else has to be put into words. Default false. */
  readonly isQuiet?: boolean | undefined;
}

/** Reports to nobody. */
export const noTrace: Trace = Object.assign(() => {}, { isQuiet: true });
