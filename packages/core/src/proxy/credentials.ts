import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { FdpassError } from '../ground/errors.js';
import { readTrustedFile } from '../ground/files.js';
import { noTrace, type Trace } from '../ground/trace.js';
import type { CredentialOptions } from './credentials-schema.js';
import type { Credentials } from './credentials-type.js';
import { readFirstLine } from './first-line.js';
import { findNetrcEntry } from './netrc.js';

/** What {@link resolveCredentials} is asked: the options of a hop, and which proxy they are for. */
export interface CredentialRequest {
  /** The hop's `credentials`; without them only the URL counts. */
  readonly options: CredentialOptions | undefined;
  /** User-info of the proxy's URL; a password in it counts where the options name no source. */
  readonly url?: URL | undefined;
  /** The proxy's host name: netrc looks it up, the question names it. */
  readonly host: string;
  /** The folder that relative paths start from. */
  readonly baseDir: string;
  /** Ends the question or the program; its reason is rethrown unchanged. */
  readonly signal: AbortSignal;
  /** Told, as a `note`, of a password that stands in a URL. */
  readonly trace?: Trace | undefined;
}

/**
 * Gets the user name and password for a proxy from where the options say: a file, the environment, a program, netrc or
 * the person at the terminal. Undefined if neither options nor URL say anything.
 *
 * @throws FdpassError `config` if a source is missing or others can read it; `permission` if it gives nothing.
 */
export async function resolveCredentials(request: CredentialRequest): Promise<Credentials | undefined> {
  const { options = {}, url, host } = request;
  const netrc = options.netrc === undefined || options.netrc === false ? undefined : readNetrc(request, options.netrc);
  const username = options.username ?? (decode(url?.username) || netrc?.login);
  const password = (await readPassword(request, username)) ?? netrc?.password ?? passwordOfUrl(request);
  if (username === undefined && password === undefined) return undefined;
  if (username === undefined) {
    throw new FdpassError('config', `a password for ${host} but no user name`, {
      hint: 'add "username" to its credentials',
    });
  }
  return { username, password: password ?? '' };
}

function passwordOfUrl({ url, host, trace = noTrace }: CredentialRequest): string | undefined {
  const password = decode(url?.password);
  if (password !== undefined) {
    const advice = 'passwordFile, passwordEnv, passwordCommand and netrc keep it out of configs and command lines';
    trace({ event: 'note', text: `warning: the password for ${host} stands in a URL; ${advice}` });
  }
  return password;
}

async function readPassword(request: CredentialRequest, username: string | undefined): Promise<string | undefined> {
  const { passwordFile, passwordEnv, passwordCommand, ask } = request.options ?? {};
  if (passwordFile !== undefined)
    return notEmpty(firstLine(readTrustedFile(expand(passwordFile, request.baseDir), { secret: true })), passwordFile);
  if (passwordEnv !== undefined) return notEmpty(fromEnvironment(passwordEnv), `the variable ${passwordEnv}`);
  if (passwordCommand !== undefined)
    return notEmpty(await fromCommand(passwordCommand, request), 'the password command');
  if (ask === true) {
    const { askSecret } = await import('./ask.js');
    return askSecret(`Password for ${username ?? 'user'}@${request.host}: `, request.signal);
  }
  return undefined;
}

function notEmpty(password: string, source: string): string {
  if (password !== '') return password;
  throw new FdpassError('permission', `${source} gives an empty password`);
}

function fromEnvironment(name: string): string {
  const value = process.env[name];
  if (value !== undefined) return value;
  throw new FdpassError('config', `the environment has no variable ${name}, which should hold the password`);
}

async function fromCommand(
  [program = '', ...args]: readonly string[],
  { baseDir, signal }: CredentialRequest,
): Promise<string> {
  const { spawn } = await import('node:child_process');
  const child = spawn(program.includes('/') ? expand(program, baseDir) : program, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return readFirstLine(child, `the password command ${JSON.stringify(program)}`, signal);
}

function readNetrc({ host, baseDir, options, url }: CredentialRequest, file: true | string) {
  const path = file === true ? (process.env['NETRC'] ?? join(homedir(), '.netrc')) : expand(file, baseDir);
  const entry = findNetrcEntry(
    readTrustedFile(path, { secret: true }),
    host,
    options?.username ?? (decode(url?.username) || undefined),
  );
  if (entry !== undefined) return entry;
  throw new FdpassError('config', `${path} has no entry for ${host}`);
}

/** A path as the config writes it: `~/` is the home folder, relative ones start at the config. */
function expand(path: string, baseDir: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(baseDir, path);
}

function firstLine(text: string): string {
  return text.split(/\r?\n/, 1)[0] ?? '';
}

function decode(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new FdpassError('config', 'the user-info of the URL is not valid percent-encoding');
  }
}
