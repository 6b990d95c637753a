/** The longest response head that is accepted; RFC 9110 §5.4 leaves the limit to us. curl allows 100 KiB for one line, squid 64 KiB for all. */
export const MAX_HEAD_BYTES: number = 64 * 1024;

/** What is read of an error's body to quote from it: squid's pages begin with several kilobytes of style. */
export const MAX_BODY_BYTES: number = 8 * 1024;

/** A body that a retry on the same connection would have to read away first; a longer one costs more than a new connection. */
export const MAX_DRAIN_BYTES: number = 64 * 1024;

/** How often a 407 is answered. Two suffice for a nonce gone stale; a proxy that asks on is refusing. */
export const MAX_AUTHENTICATION_ROUNDS = 3;

/** How many interim (1xx) responses are passed over. */
export const MAX_INTERIM_RESPONSES = 20;
