import {
  type Family,
  messageOf,
  normalizeHost,
  type SocketOptions,
  type StandardSchema,
  socketOptionEntries,
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

const host = v.pipe(
  v.string('must be a host name or an address'),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    try {
      return normalizeHost(dataset.value);
    } catch (error) {
      addIssue({ message: messageOf(error) });
      return NEVER;
    }
  }),
  v.description("connect to this host instead of the target's"),
);

const PORT = 'must be a number from 1 to 65535';

const port = v.pipe(
  v.number(PORT),
  v.integer(PORT),
  v.minValue(1, PORT),
  v.maxValue(65535, PORT),
  v.description("connect to this port instead of the target's"),
);

const family = v.pipe(
  v.picklist(['any', 4, 6], 'must be any, 4 or 6'),
  v.description("use only this address family, as ssh's AddressFamily (default any)"),
);

/** Checks the options of a hop. */
export const optionsSchema: StandardSchema<DirectOptions> = v.strictObject({
  host: v.optional(host),
  port: v.optional(port),
  family: v.optional(family),
  ...socketOptionEntries,
});
