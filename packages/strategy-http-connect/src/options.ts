import {
  type CredentialOptions,
  credentialsSchema,
  named,
  type TlsOptions,
  tlsSchema,
  urlText,
  warmSchema,
} from '@fdpass/core';
import * as v from 'valibot';

/** The options of an `http-connect` hop, as its schema gives them. */
export interface HttpConnectOptions {
  /** The proxy: `http://HOST[:PORT]` (80) or `https://HOST[:PORT]` (443, TLS to the proxy). */
  readonly url: string;
  /** Where user name and password come from. Default: the URL's, else none. */
  readonly credentials?: CredentialOptions | undefined;
  /** `auto` waits for the challenge and answers the best of it (default); `basic` sends the password at once. */
  readonly auth?: 'auto' | 'basic' | undefined;
  /** More request headers. An empty `User-Agent` leaves out ours. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** How an `https://` proxy proves itself. */
  readonly tls?: TlsOptions | undefined;
  /** How many connections the agent keeps open in advance. Default 0. */
  readonly warm?: number | undefined;
}

/** The options of an HTTP CONNECT hop. */
export const httpConnectOptions: v.GenericSchema<HttpConnectOptions> = v.strictObject({
  url: v.pipe(
    urlText('an HTTP hop needs the URL of its proxy, e.g. http://proxy.example:3128'),
    v.description('the proxy: http://HOST[:PORT] or https://HOST[:PORT] (TLS to the proxy)'),
  ),
  credentials: v.optional(v.pipe(credentialsSchema, v.description('the user name, and one source of the password'))),
  auth: v.optional(
    v.pipe(
      v.picklist(['auto', 'basic'], 'is auto or basic'),
      v.description(
        'auto: wait for the challenges and answer the strongest (default); basic: send the password at once',
      ),
    ),
  ),
  headers: v.optional(
    v.pipe(
      named('a header', v.string('must be a text'), 'must be a mapping of names to texts'),
      v.description('more request headers; an empty User-Agent leaves ours out'),
    ),
  ),
  tls: v.optional(v.pipe(tlsSchema, v.description('for https:// URLs'))),
  warm: v.optional(warmSchema),
});
