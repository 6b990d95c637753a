import * as v from 'valibot';
import { commandLine, hostText, pathText, secretPathText } from '../options/values.js';
import type { CredentialOptions } from './credentials.js';
import type { TlsDefaults, TlsOptions } from './tls.js';

const freeText = v.string('must be a text');

const SOURCES = ['passwordFile', 'passwordEnv', 'passwordCommand', 'netrc', 'ask'] as const;

/** The options that say where a password comes from. */
export const PASSWORD_SOURCES: readonly string[] = SOURCES;

/** Options for credentials, for strategies to put into their own schemas. The password itself cannot be written there. */
export const credentialsSchema: v.GenericSchema<CredentialOptions> = v.pipe(
  v.strictObject({
    username: v.optional(v.pipe(freeText, v.description('the user name'))),
    passwordFile: v.optional(
      v.pipe(secretPathText, v.description('a file whose first line is the password, and which nobody else can read')),
    ),
    passwordEnv: v.optional(v.pipe(freeText, v.description('an environment variable that holds the password'))),
    passwordCommand: v.optional(
      v.pipe(
        commandLine,
        v.description('a program and its arguments; the first line it prints is the password; no shell'),
      ),
    ),
    netrc: v.optional(
      v.pipe(
        v.union([v.boolean(), secretPathText], 'must be true, false or a path'),
        v.description('true for ~/.netrc, or a file of that form'),
      ),
    ),
    ask: v.optional(
      v.pipe(
        v.boolean('must be true or false'),
        v.description('ask on the terminal, or through SSH_ASKPASS, as ssh does'),
      ),
    ),
  }),
  v.check(
    (options) => SOURCES.filter((source) => options[source] !== undefined && options[source] !== false).length <= 1,
    `give only one of ${SOURCES.join(', ')}`,
  ),
);

/** More would wait for nothing at most proxies. */
const MAX_WARM = 16;

/** The option `warm`, for strategies that give it to `reachProxy`. */
export const warmSchema: v.GenericSchema<number> = v.pipe(
  v.number('warm is a number of connections'),
  v.integer('warm is a whole number'),
  v.minValue(0, 'warm is 0 or more'),
  v.maxValue(MAX_WARM, `warm is at most ${MAX_WARM}`),
  v.description('how many spare connections to the proxy the agent keeps open (default 0)'),
);

const tlsDefaultEntries = {
  kernel: v.optional(
    v.pipe(
      v.boolean('must be true or false'),
      v.description(
        'let the kernel do TLS, so that the socket itself is passed and no relay process is needed; where the kernel cannot, a relay does it (default false)',
      ),
    ),
  ),
};

/** Those that `defaults` of a config can have. */
export const tlsDefaultsSchema: v.GenericSchema<TlsDefaults> = v.strictObject(tlsDefaultEntries);

const FINGERPRINT = /^(?:[0-9a-f]{2}:?){31}[0-9a-f]{2}$/i;

/** Options for TLS, for strategies to put into their own schemas. */
export const tlsSchema: v.GenericSchema<TlsOptions> = v.strictObject({
  ca: v.optional(v.pipe(pathText, v.description('a file of CA certificates to trust instead of the built-in ones'))),
  cert: v.optional(v.pipe(pathText, v.description('a file with a client certificate, for proxies that ask for one'))),
  key: v.optional(
    v.pipe(secretPathText, v.description('a file with the key of the client certificate, which nobody else can read')),
  ),
  serverName: v.optional(v.pipe(hostText, v.description('the name the certificate must have (default: the host)'))),
  fingerprint: v.optional(
    v.pipe(
      freeText,
      v.regex(FINGERPRINT, 'a fingerprint is the SHA-256 of the certificate, 64 hexadecimal digits'),
      v.description("the SHA-256 of the proxy's certificate; then nothing else is checked"),
    ),
  ),
  ...tlsDefaultEntries,
});
