import type { Duplex } from 'node:stream';
import type { DialContext } from '@fdpass/core';

/** One of several ways to reach a target: a nested route, or another name of the host. */
export interface Way {
  /** How errors and traces call it. */
  readonly label: string;
  /** As a dialer's `dial`, its target already chosen. */
  open(context: DialContext): Promise<Duplex>;
}
