/** The events that core and the commands report, each safe to show. */
export type CoreEvent =
  /** A rule was chosen, and the chain that it leads to. */
  | { readonly event: 'route'; readonly reason: string; readonly chain: string }
  /** A hop starts to dial. */
  | { readonly event: 'dial'; readonly hop: string; readonly target: string }
  /** A name was looked up; `reason` says why if there are no addresses. */
  | {
      readonly event: 'resolve';
      readonly host: string;
      readonly family?: 0 | 4 | 6;
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
  /** Something that the user should know. */
  | { readonly event: 'note'; readonly text: string }
  /** A line that a child process wrote to its stderr. */
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

/** One thing that happened during a dial. It never holds a secret. */
export type TraceEvent = CoreEvent | PluginEvent;

/** Where a dial reports what happens. It must not throw. */
export type Trace = (event: TraceEvent) => void;

/** Reports to nobody. */
export const noTrace: Trace = () => {};
