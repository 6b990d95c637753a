import type { Socket } from 'node:net';
import type { Clock, Family, HostAddress, Trace } from '@fdpass/core';

/** How fast and in which order a race goes. */
export interface Pace {
  readonly attemptDelayMs: number;
  readonly resolutionDelayMs: number;
  /** How long one attempt may take; undefined leaves that to the kernel and the deadline. */
  readonly attemptTimeoutMs: number | undefined;
  readonly firstFamily: Family;
  readonly firstFamilyCount: number;
}

/** What a race runs on. */
export interface Course {
  /** Shown in errors. */
  readonly host: string;
  readonly port: number;
  /** Looked up at the same time, in this order. */
  readonly families: readonly Family[];
  readonly lookUp: (family: Family, signal: AbortSignal) => Promise<readonly HostAddress[]>;
  /** Makes one attempt; closes what it opened when `signal` aborts. */
  readonly connect: (address: HostAddress, signal: AbortSignal) => Promise<Socket>;
  readonly pace: Pace;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly trace: Trace;
}
