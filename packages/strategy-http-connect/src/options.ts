import { type CredentialOptions, credentialsSchema, type TlsOptions, tlsSchema } from '@fdpass/core';
import * as v from 'valibot';

export interface HttpConnectOptions {
  readonly url: string;
  readonly credentials?: CredentialOptions | undefined;
  readonly auth?: 'auto' | 'basic' | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly tls?: TlsOptions | undefined;
}

/** The options of an HTTP CONNECT hop. */
export const httpConnectOptions: v.GenericSchema<HttpConnectOptions> = v.strictObject({
  url: v.pipe(
    v.string('an HTTP hop needs the URL of its proxy, e.g. http://proxy.example:3128'),
    v.description('the proxy: http://HOST[:PORT] or https://HOST[:PORT] (TLS to the proxy)'),
  ),
  credentials: v.optional(v.pipe(credentialsSchema, v.description('user name and password: see credentials'))),
  auth: v.optional(
    v.pipe(
      v.picklist(['auto', 'basic'], 'is auto or basic'),
      v.description('auto: wait for the challenge and answer the best (default); basic: send the password at once'),
    ),
  ),
  headers: v.optional(v.pipe(v.record(v.string(), v.string()), v.description('more request headers'))),
  tls: v.optional(v.pipe(tlsSchema, v.description('for https:// URLs: ca, cert, key, serverName, fingerprint'))),
});
