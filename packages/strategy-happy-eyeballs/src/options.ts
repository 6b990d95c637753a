import {
  delay,
  duration,
  type Family,
  family,
  type SocketOptions,
  type StandardSchema,
  socketOptionEntries,
} from '@fdpass/core';
import * as v from 'valibot';

/** The options of a happy-eyeballs hop, as its schema gives them. */
export interface HappyEyeballsOptions extends SocketOptions {
  /** Milliseconds. RFC 8305's Connection Attempt Delay, default 250. */
  readonly attemptDelay?: number | undefined;
  /** Milliseconds. RFC 8305's Resolution Delay, default 50. */
  readonly resolutionDelay?: number | undefined;
  /** Milliseconds for one attempt. Default: none, the kernel's own limit and the deadline of the dial hold. */
  readonly attemptTimeout?: number | undefined;
  /** Default: the one that the system would try first. */
  readonly firstFamily?: Family | undefined;
  /** RFC 8305's First Address Family Count, default 1. */
  readonly firstFamilyCount?: number | undefined;
  /** Default `any`; a `bindAddress` decides too. */
  readonly family?: Family | 'any' | undefined;
}

/** RFC 8305 §5: the Connection Attempt Delay "MUST NOT be under 10 milliseconds"; 100 is what it recommends at least. */
const MIN_ATTEMPT_DELAY_MS = 10;

const attemptDelay = v.pipe(
  delay,
  v.minValue(MIN_ATTEMPT_DELAY_MS, `must be at least ${MIN_ATTEMPT_DELAY_MS}ms (RFC 8305, section 5)`),
  v.description('how long an attempt runs alone before the next one joins it (default 250ms)'),
);

const resolutionDelay = v.pipe(
  delay,
  v.description('how long addresses of the other family wait for the first family (default 50ms)'),
);

const attemptTimeout = v.pipe(
  duration,
  v.minValue(1, 'must be longer than 0'),
  v.description('the time limit for one attempt (default: what the kernel and the timeout of the dial allow)'),
);

const firstFamily = v.pipe(
  v.picklist([4, 6], 'must be 4 or 6'),
  v.description('the address family that is tried first (default: as the system sorts addresses, mostly 6)'),
);

const firstFamilyCount = v.pipe(
  v.number('must be a number'),
  v.integer('must be a whole number'),
  v.minValue(1, 'must be at least 1'),
  v.description('how many addresses of the first family go before the families alternate (default 1)'),
);

/** Checks the options of a hop; durations become milliseconds. */
export const optionsSchema: StandardSchema<HappyEyeballsOptions> = v.strictObject({
  attemptDelay: v.optional(attemptDelay),
  resolutionDelay: v.optional(resolutionDelay),
  attemptTimeout: v.optional(attemptTimeout),
  firstFamily: v.optional(firstFamily),
  firstFamilyCount: v.optional(firstFamilyCount),
  family: v.optional(family),
  ...socketOptionEntries,
});
