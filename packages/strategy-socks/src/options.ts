import {
  type CredentialOptions,
  credentialsSchema,
  type TlsOptions,
  tlsSchema,
  urlText,
  warmSchema,
} from '@fdpass/core';
import * as v from 'valibot';

/** The options of a `socks` hop, as its schema gives them. */
export interface SocksOptions {
  /** The proxy: `socks4`, `socks4a`, `socks5`, `socks5h`, each also with `+tls`. Default port 1080. */
  readonly url: string;
  /** User name and password (RFC 1929). Default: the URL's, else none. */
  readonly credentials?: CredentialOptions | undefined;
  /** Derives them from the target, so that Tor gives each a circuit of its own. Default false. */
  readonly isolate?: boolean | undefined;
  /** Sends greeting, authentication and request in one flight. Default false. */
  readonly optimistic?: boolean | undefined;
  /** The user id of SOCKS 4. Default: the user name in the URL, else none. */
  readonly userId?: string | undefined;
  /** How a `+tls` proxy proves itself. */
  readonly tls?: TlsOptions | undefined;
  /** How many connections the agent keeps open and greeted in advance. Default 0. */
  readonly warm?: number | undefined;
}

/** The options of a SOCKS hop. */
export const socksOptions: v.GenericSchema<SocksOptions> = v.strictObject({
  url: v.pipe(
    urlText('a SOCKS hop needs the URL of its proxy, e.g. socks5h://127.0.0.1:1080'),
    v.description('the proxy: socks4://, socks4a://, socks5://, socks5h://HOST[:PORT] or …://unix:/PATH; +tls for TLS'),
  ),
  credentials: v.optional(
    v.pipe(credentialsSchema, v.description('the user name, and one source of the password (RFC 1929)')),
  ),
  isolate: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'derive user name and password from the target, so that Tor gives each its own circuit (default false)',
      ),
    ),
  ),
  optimistic: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'send everything in one flight to save round trips; falls back if the proxy cannot do that (default false)',
      ),
    ),
  ),
  userId: v.optional(
    v.pipe(v.string('must be a text'), v.description("the user id of SOCKS 4 (default: the URL's user name)")),
  ),
  tls: v.optional(v.pipe(tlsSchema, v.description('for +tls URLs'))),
  warm: v.optional(warmSchema),
});
