import * as v from 'valibot';

/** How a proxy's certificate is checked, and ours shown. Files are PEM; relative paths start at the config. */
export interface TlsOptions {
  /** A PEM file of CA certificates to trust instead of Node's. */
  readonly ca?: string | undefined;
  /** A PEM file with our certificate. */
  readonly cert?: string | undefined;
  /** A PEM file with its key; refused if others can read it. */
  readonly key?: string | undefined;
  /** The name that the certificate must have and that is sent as SNI (RFC 6066, section 3). Default: the host. */
  readonly serverName?: string | undefined;
  /** The SHA-256 of the server's certificate; then its CA and name are not checked. */
  readonly fingerprint?: string | undefined;
}

const FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;

/** Options for TLS, for strategies to put into their own schemas. */
export const tlsSchema: v.GenericSchema<TlsOptions> = v.strictObject({
  ca: v.optional(v.pipe(v.string(), v.description('a file of CA certificates to trust instead of the built-in ones'))),
  cert: v.optional(v.pipe(v.string(), v.description('a file with our certificate, for proxies that ask for one'))),
  key: v.optional(v.pipe(v.string(), v.description('a file with the key of our certificate; nobody else may read it'))),
  serverName: v.optional(v.pipe(v.string(), v.description('the name the certificate must have (default: the host)'))),
  fingerprint: v.optional(
    v.pipe(
      v.string(),
      v.regex(FINGERPRINT, 'a fingerprint is the SHA-256 of the certificate, 64 hexadecimal digits'),
      v.description("the SHA-256 of the proxy's certificate; then nothing else is checked"),
    ),
  ),
});
