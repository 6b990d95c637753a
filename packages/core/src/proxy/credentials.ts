import { withWaited } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { expandPath, homeIn, pathFromVariable, readOptionFile } from '../ground/files.js';
import { formatHostPort, withoutRootDot } from '../ground/target.js';
import { noTrace, type Trace } from '../ground/trace.js';
import { findNetrcEntry, type NetrcEntry } from './netrc.js';

/** A user name and a password. Never shown, logged or put into a command line. */
export interface Credentials {
  /** As it is sent; empty only where a URL has a password alone. */
  readonly username: string;
  /** As it is sent; empty only where a URL has a user name without a password. */
  readonly password: string;
}

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

/** The arguments of `resolveCredentials`: the options of a hop, and the proxy that they are for. */
export interface CredentialRequest {
  /** The hop's `credentials`; without them only the URL counts. */
  readonly options: CredentialOptions | undefined;
  /** The user name in the proxy's URL, decoded. */
  readonly username?: string | undefined;
  /** The password in the proxy's URL, decoded; it counts where the options name no source. */
  readonly password?: string | undefined;
  /** The proxy's host name: netrc looks it up, the question names it. */
  readonly host: string;
  /** The proxy's port, for the question. */
  readonly port?: number | undefined;
  /** The folder that relative paths start from. */
  readonly baseDir: string;
  /** Ends the question or the program; its reason is rethrown unchanged. */
  readonly signal: AbortSignal;
  /** Told, as a `note`, of a password in a URL. */
  readonly trace?: Trace | undefined;
  /** Where `passwordEnv`, `NETRC` and ssh's variables for asking are read, and what programs get. Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** Called before a person is asked; what it throws is the result. Default: nothing. */
  readonly beforeAsking?: (() => void) | undefined;
}

/**
 * Gets the user name and password for a proxy from what the options name: a file, the environment, a program, netrc or
 * the person at the terminal. Undefined if neither options nor URL name any.
 *
 * @throws FdpassError `config` if a source is missing or others can read it; `permission` if it gives nothing.
 */
export async function resolveCredentials(request: CredentialRequest): Promise<Credentials | undefined> {
  const { options = {} } = request;
  const netrc = options.netrc === undefined || options.netrc === false ? undefined : readNetrc(request, options.netrc);
  // A URL that has a password alone leaves the user name to the others, and is right if they have none.
  const username = options.username ?? (request.username || netrc?.login) ?? request.username;
  if (username === undefined && hasPassword(request, netrc)) {
    throw new FdpassError('config', `there is a password for ${request.host}, but no user name`, {
      hint: 'add "username" to its credentials',
    });
  }
  const password = (await readPassword(request, username)) ?? netrc?.password ?? passwordOfUrl(request);
  return username === undefined ? undefined : { username, password: password ?? '' };
}

function hasPassword({ options = {}, password }: CredentialRequest, netrc: NetrcEntry | undefined): boolean {
  const { passwordFile, passwordEnv, passwordCommand, ask } = options;
  return ask === true || (passwordFile ?? passwordEnv ?? passwordCommand ?? netrc?.password ?? password) !== undefined;
}

function passwordOfUrl({ password, host, trace = noTrace }: CredentialRequest): string | undefined {
  if (password) {
    const advice = 'passwordFile, passwordEnv, passwordCommand and netrc keep it out of configs and command lines';
    trace({ event: 'note', text: `warning: the password for ${host} is in a URL; ${advice}` });
  }
  return password;
}

async function readPassword(request: CredentialRequest, username = ''): Promise<string | undefined> {
  const { passwordFile, passwordEnv, passwordCommand, ask } = request.options ?? {};
  if (passwordFile !== undefined)
    return notEmpty(firstLine(readPasswordFile(passwordFile, request)), 'the file of "passwordFile"');
  if (passwordEnv !== undefined)
    return notEmpty(fromEnvironment(passwordEnv, request), 'the variable of "passwordEnv"');
  if (passwordCommand !== undefined)
    return notEmpty(await fromCommand(passwordCommand, request), 'the password command');
  if (ask === true) {
    request.beforeAsking?.();
    request.trace?.({ event: 'asking', for: 'the password' });
    const { askSecret } = await import('./ask.js');
    const answer = askSecret(questionFor(request, username), request.signal, request);
    return inTime(answer, 'nobody has entered the password', 'keep the password in a file ("passwordFile")');
  }
  return undefined;
}

/** The question says whose password it wants, since ssh asks for one on the same terminal a moment later. */
function questionFor({ host, port }: CredentialRequest, username: string): string {
  return `Proxy password for ${username}@${port === undefined ? host : formatHostPort(host, port)}: `;
}

function notEmpty(password: string, source: string): string {
  if (password !== '') return password;
  throw new FdpassError('permission', `${source} gives an empty password`);
}

function fromEnvironment(name: string, { environment = process.env }: CredentialRequest): string {
  const value = environment[name];
  if (value !== undefined) return value;
  throw new FdpassError('config', 'the variable that "passwordEnv" names is not set', { hint: 'set it' });
}

async function fromCommand(
  argv: readonly string[],
  { baseDir, environment, signal }: CredentialRequest,
): Promise<string> {
  const { readFirstLine } = await import('./first-line.js');
  const line = readFirstLine({ argv, baseDir, environment }, 'the password command', signal);
  return inTime(line, 'the password command has not ended', 'run that command yourself to see what it waits for');
}

/** The limit of a dial goes on meanwhile: when it is over, the error says that the proxy was not even asked. */
function inTime(password: Promise<string>, missing: string, hint: string): Promise<string> {
  return password.catch((error: unknown) => {
    throw withWaited(error, missing, `${hint}, or allow more time ("timeout")`);
  });
}

function readNetrc(request: CredentialRequest, file: true | string): NetrcEntry {
  const { host, options, username } = request;
  const path = file === true ? ownNetrc(request) : pathOf(file, request);
  const text = readOptionFile('netrc', file === true ? path : file, path, { secret: true });
  const entry = findNetrcEntry(text, withoutRootDot(host), options?.username ?? (username || undefined), path);
  if (entry !== undefined) return entry;
  throw new FdpassError('config', `${path} has no entry for ${host}`, { hint: `add one: machine ${host}` });
}

/** As curl has it: `$NETRC`, else `~/.netrc`. */
function ownNetrc(request: CredentialRequest): string {
  const { environment = process.env } = request;
  const { NETRC } = environment;
  return NETRC ? pathFromVariable('NETRC', NETRC, homeIn(environment)) : pathOf('~/.netrc', request);
}

function pathOf(written: string, { baseDir, environment = process.env }: CredentialRequest): string {
  return expandPath(written, baseDir, homeIn(environment));
}

function readPasswordFile(written: string, request: CredentialRequest): string {
  return readOptionFile('passwordFile', written, pathOf(written, request), { secret: true });
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}
