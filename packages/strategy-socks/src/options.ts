import { type CredentialOptions, credentialsSchema, type TlsOptions, tlsSchema } from '@fdpass/core';
import * as v from 'valibot';

export interface SocksOptions {
  readonly url: string;
  readonly credentials?: CredentialOptions | undefined;
  readonly isolate?: boolean | undefined;
  readonly optimistic?: boolean | undefined;
  readonly userId?: string | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** The options of a SOCKS hop. */
export const socksOptions: v.GenericSchema<SocksOptions> = v.strictObject({
  url: v.pipe(
    v.string('a SOCKS hop needs the URL of its proxy, e.g. socks5h://127.0.0.1:1080'),
    v.description('the proxy: socks4://, socks4a://, socks5://, socks5h://HOST[:PORT] or …://unix:/PATH; +tls for TLS'),
  ),
  credentials: v.optional(
    v.pipe(credentialsSchema, v.description('user name and password (RFC 1929): see credentials')),
  ),
  isolate: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'derive user name and password from the target, so that Tor gives each its own circuit (default false)',
      ),
    ),
  ),
  optimistic: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'send everything in one flight and save round trips; falls back if the proxy cannot (default false)',
      ),
    ),
  ),
  userId: v.optional(v.pipe(v.string(), v.description('the user id of SOCKS 4 (default: none)'))),
  tls: v.optional(v.pipe(tlsSchema, v.description('for +tls URLs: ca, cert, key, serverName, fingerprint'))),
});
