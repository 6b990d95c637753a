import {
  type Family,
  family,
  port,
  type SocketOptions,
  type StandardSchema,
  socketOptionEntries,
  targetName,
} from '@fdpass/core';
import * as v from 'valibot';

/** The options of a direct hop, as its schema gives them. */
export interface DirectOptions extends SocketOptions {
  /** Connect here instead of to the target's host. */
  readonly host?: string | undefined;
  /** Connect here instead of to the target's port. */
  readonly port?: number | undefined;
  /** Default `any`; a `bindAddress` decides too. */
  readonly family?: Family | 'any' | undefined;
}

/** Checks the options of a hop. */
export const optionsSchema: StandardSchema<DirectOptions> = v.strictObject({
  host: v.optional(v.pipe(targetName('host', 'unix'), v.description("connect to this host instead of the target's"))),
  port: v.optional(v.pipe(port, v.description("connect to this port instead of the target's"))),
  family: v.optional(family),
  ...socketOptionEntries,
});
