import * as v from 'valibot';

/** Where a user name and a password come from. At most one source of the password. */
export interface CredentialOptions {
  /** Default: the URL's, then netrc's. */
  readonly username?: string | undefined;
  /** A file whose first line is the password; refused if others can read it. */
  readonly passwordFile?: string | undefined;
  /** The environment variable that holds the password. */
  readonly passwordEnv?: string | undefined;
  /** A program and its arguments, run without a shell; the first line it prints is the password. */
  readonly passwordCommand?: readonly string[] | undefined;
  /** `true` for `$NETRC` or `~/.netrc`, or the path of such a file. */
  readonly netrc?: boolean | string | undefined;
  /** Asks the person, on the terminal or through `SSH_ASKPASS`. Default false. */
  readonly ask?: boolean | undefined;
}

const SOURCES = ['passwordFile', 'passwordEnv', 'passwordCommand', 'netrc', 'ask'] as const;

/** Options for credentials, for strategies to put into their own schemas. The password itself cannot be written there. */
export const credentialsSchema: v.GenericSchema<CredentialOptions> = v.pipe(
  v.strictObject({
    username: v.optional(v.pipe(v.string(), v.description('the user name'))),
    passwordFile: v.optional(
      v.pipe(v.string(), v.description('a file whose first line is the password; nobody else may read it')),
    ),
    passwordEnv: v.optional(v.pipe(v.string(), v.description('an environment variable that holds the password'))),
    passwordCommand: v.optional(
      v.pipe(
        v.array(v.string()),
        v.minLength(1, 'an empty list is no command'),
        v.description('a program and its arguments; the first line it prints is the password; no shell'),
      ),
    ),
    netrc: v.optional(
      v.pipe(v.union([v.boolean(), v.string()]), v.description('true for ~/.netrc, or a file of that form')),
    ),
    ask: v.optional(v.pipe(v.boolean(), v.description('ask on the terminal, or through SSH_ASKPASS, as ssh does'))),
  }),
  v.check(
    (options) => SOURCES.filter((source) => options[source] !== undefined && options[source] !== false).length <= 1,
    `give only one of ${SOURCES.join(', ')}`,
  ),
);
