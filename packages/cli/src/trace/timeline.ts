import type { TraceEvent } from '@fdpass/core';

/*
 * What happened during a dial, as rows of a picture. It is made from nothing but the events and their times, so a live view
 * makes it anew whenever something happens, and tests need no dial.
 */

/** What the command itself does around the dial. */
export type StageEvent =
  /** Something that has taken its time, such as reading the configuration; `reason` says why it failed. */
  | { readonly event: 'stage'; readonly text: string; readonly ms: number; readonly reason?: string | undefined }
  /** The dial has succeeded, and the server can speak. */
  | { readonly event: 'listening' }
  /** What the server said. */
  | { readonly event: 'greeting'; readonly text: string }
  /** It said nothing; `isError` if it cannot any more. */
  | { readonly event: 'silence'; readonly text: string; readonly isError: boolean };

/** An event, and when it happened. */
export interface Moment {
  /** Milliseconds since the process started. */
  readonly atMs: number;
  readonly event: TraceEvent | StageEvent;
}

/** What a row is about. */
export type RowKind =
  | 'stage'
  | 'hop'
  | 'try'
  | 'condition'
  | 'look-up'
  | 'attempt'
  | 'sent'
  | 'received'
  | 'waiting'
  | 'note'
  | 'greeting';

/** How the thing that a row is about ended. */
export type RowState = 'running' | 'done' | 'failed' | 'cancelled';

/** One line of the picture. */
export interface Row {
  readonly kind: RowKind;
  /** How far it is indented: hops stand in the hops that dial through them. */
  readonly depth: number;
  readonly text: string;
  /** How it ended, in words, e.g. `connection refused`; empty if that says nothing more. */
  readonly outcome: string;
  /** Further lines of it, such as the headers of a request. */
  readonly details: readonly string[];
  readonly startMs: number;
  /** The same as the start for what takes no time. */
  readonly endMs: number;
  readonly state: RowState;
}

/** A traced dial, finished or under way, as all pictures of it show it. */
export interface TraceReport {
  /** `host:port`. */
  readonly target: string;
  readonly rows: readonly Row[];
  /** Where the time axis ends. */
  readonly nowMs: number;
  /** Undefined while it is under way. */
  readonly result: TraceResult | undefined;
}

/** How a traced dial ended. */
export interface TraceResult {
  /** A line; several if several routes have failed. Holds no secret. */
  readonly text: string;
  /** 0 if it succeeded. */
  readonly exitStatus: number;
}
