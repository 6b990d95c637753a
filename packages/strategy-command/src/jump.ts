import { basename } from 'node:path';
import {
  type Chain,
  type Connection,
  type DialContext,
  FdpassError,
  formatHostPort,
  hostText,
  isFdpassError,
  messageOf,
  normalizeHost,
  parsePort,
  pathText,
  type SpawnForward,
  type Strategy,
  type StrategyHost,
  showHost,
  type Target,
  type Trace,
  urlText,
} from '@fdpass/core';
import * as v from 'valibot';
import { runEntries } from './command.js';

/** The options of a `jump` hop, as its schema gives them; either `url` or `hosts` is needed. */
export interface JumpOptions {
  /** `jump://[USER@]HOST[:PORT][,…][?terminal=true]`. */
  readonly url?: string | undefined;
  /** The jump hosts in travel order, `[USER@]HOST[:PORT]`, as `ssh -J` takes them (ssh(1)). */
  readonly hosts?: readonly string[] | undefined;
  /** The program. Default `ssh`. */
  readonly ssh?: string | undefined;
  /** More arguments for it, e.g. `-F FILE`. */
  readonly sshOptions?: readonly string[] | undefined;
  /** Milliseconds, as for {@link CommandOptions}. */
  readonly patience?: number | undefined;
  /** A file for its stderr. Default: shown until the hand-over, then dropped. */
  readonly log?: string | undefined;
  /** Leaves it in our session, so that it can ask on the terminal. Default false. */
  readonly terminal?: boolean | undefined;
}

const optionsSchema: v.GenericSchema<unknown, JumpOptions> = v.strictObject({
  url: v.optional(
    v.pipe(
      urlText('must be a jump:// URL'),
      v.description('jump://[USER@]HOST[:PORT][,…][?terminal=true]: the jump hosts as --via writes them'),
    ),
  ),
  hosts: v.optional(
    v.pipe(
      v.array(hostText, 'must be a list of jump hosts'),
      v.minLength(1, 'an empty list names no jump host'),
      v.description('the jump hosts in travel order, [USER@]HOST[:PORT], as ssh -J takes them'),
    ),
  ),
  ssh: v.optional(
    v.pipe(
      pathText,
      v.description('the ssh program; a path with a slash starts at the folder of the config (default: ssh)'),
    ),
  ),
  sshOptions: v.optional(
    v.pipe(
      v.array(v.string('must be a text'), 'must be a list of arguments'),
      v.description(
        "more arguments for ssh, which runs in the config's folder, e.g. [-F, jump_config] or [-F, ~/jump_config]",
      ),
    ),
  ),
  ...runEntries,
});

/** A jump host, taken apart and checked: nothing in it can be taken for an option. */
export interface JumpHost {
  readonly user?: string | undefined;
  readonly host: string;
  readonly port?: number | undefined;
}

/** `[USER@]HOST[:PORT]`, an IPv6 literal in brackets. @throws FdpassError `config` */
export function parseJumpHost(text: string): JumpHost {
  const [, user, bracketed, name, port] = /^(?:([^@]*)@)?(?:\[([^\]]*)\]|([^:@[\]]*))(?::(\d+))?$/.exec(text) ?? [];
  const host = bracketed ?? name;
  try {
    if (host === undefined) throw new Error('it must be [USER@]HOST[:PORT]');
    // ssh puts what it gets with -J into a command line for a shell; before 9.6 it did not look at it.
    if (user !== undefined && !/^[A-Za-z0-9_][A-Za-z0-9._+-]*$/.test(user)) throw new Error('the user is malformed');
    return {
      host: normalizeHost(host, ['host']),
      ...(user !== undefined && { user }),
      ...(port !== undefined && { port: parsePort(port) }),
    };
  } catch (error) {
    throw new FdpassError('config', `the jump host ${showHost(text)}: ${messageOf(error)}`);
  }
}

function formatJumpHost({ user, host, port }: JumpHost): string {
  const place = port === undefined ? (host.includes(':') ? `[${host}]` : host) : formatHostPort(host, port);
  return user === undefined ? place : `${user}@${place}`;
}

/** The arguments of a login behind jump hosts: the last one is logged in to, the others are passed to -J. */
function loginArguments(hosts: readonly JumpHost[], options: readonly string[], ...more: readonly string[]): string[] {
  const last = hosts.at(-1);
  if (last === undefined) throw new FdpassError('config', 'no jump host', { hint: 'name one with "hosts"' });
  const before = hosts.slice(0, -1).map(formatJumpHost).join(',');
  return [
    ...options,
    ...(before === '' ? [] : ['-J', before]),
    ...(last.user === undefined ? [] : ['-l', last.user]),
    ...(last.port === undefined ? [] : ['-p', String(last.port)]),
    ...more,
    '--',
    last.host,
  ];
}

/** The arguments of `ssh -W` for a target behind jump hosts. */
export function jumpArguments(
  hosts: readonly JumpHost[],
  target: { host: string; port: number },
  options: readonly string[],
): string[] {
  return loginArguments(hosts, options, '-W', `[${target.host}]:${target.port}`);
}

/**
 * What makes ssh get its connection from a command of ours. Options on the command line come before ssh_config's, so a
 * ProxyJump in there does not count; and a connection that ssh already shares may go another way.
 */
function forwardArguments(command: string): string[] {
  const proxyCommand = `${command.replaceAll('%', '%%')} %h %p`;
  return ['-o', `ProxyCommand=${proxyCommand}`, '-o', 'ProxyUseFdpass=yes', '-o', 'ControlPath=none'];
}

function readJump({ url, hosts, terminal }: JumpOptions): { hosts: JumpHost[]; terminal: boolean | undefined } {
  if ((url === undefined) === (hosts === undefined))
    throw new FdpassError('config', 'a jump needs either "hosts" or a "url"');
  const [words, query] = hosts === undefined ? readUrl(url ?? '') : [hosts, ''];
  return { hosts: words.map(parseJumpHost), terminal: readTerminal(query) ?? terminal };
}

function readUrl(url: string): [hosts: string[], query: string] {
  const [hosts = '', query = ''] = url.replace(/^jump:\/\//i, '').split(/\?(.*)/s, 2);
  return [hosts.replace(/\/$/, '').split(','), query];
}

/** The one thing that a URL can say about a jump besides its hosts. */
function readTerminal(query: string): boolean | undefined {
  if (query === '') return undefined;
  const [, value] = /^terminal=(true|false)$/.exec(query) ?? [];
  if (value !== undefined) return value === 'true';
  throw new FdpassError('config', 'the query of a jump:// URL can only be "terminal=true" or "terminal=false"');
}

/** What ssh says in one of its lines, and what it means. */
interface Saying {
  readonly pattern: RegExp;
  /** Of the error. One that is let in nowhere is not let in by trying again, either. */
  readonly code: 'permission' | 'unreachable';
  readonly hint: string;
  /** Not where ssh can ask. */
  readonly isForTerminal?: boolean;
}

const SAYINGS: readonly Saying[] = [
  {
    // It could not ask: the host key is new, or it needs a password or a passphrase. Or the answer was wrong.
    pattern: /Host key verification failed|Permission denied \(/,
    code: 'permission',
    hint: 'set "terminal: true" for this hop ("?terminal=true" in a URL) if ssh has to ask for a password or a new host key',
    isForTerminal: true,
  },
  {
    pattern: /^channel \d+: open failed: /,
    code: 'unreachable',
    hint: 'check the target: the jump host itself works',
  },
];

/** Runs `dial`, and if ssh fails, says what it has said, and what to do about that. */
async function explainSaying(
  context: DialContext,
  canAsk: boolean,
  dial: (context: DialContext) => Promise<Connection>,
): Promise<Connection> {
  let said: { readonly line: string; readonly saying: Saying } | undefined;
  const trace: Trace = (event) => {
    const line = event.event === 'output' ? event.text : undefined;
    const saying = line === undefined ? undefined : SAYINGS.find(({ pattern }) => pattern.test(line));
    if (line !== undefined && saying !== undefined) said = { line, saying };
    context.trace(event);
  };
  try {
    return await dial({ ...context, trace });
  } catch (error) {
    if (said === undefined || !isFdpassError(error) || error.hint !== undefined) throw error;
    // It is often not the last line: ssh adds that the forwarding failed, and several jump hosts that each connection has closed.
    const { line, saying } = said;
    const message = error.message.includes(line) ? error.message : `${error.message} (${line})`;
    const code = error.code === 'unreachable' ? saying.code : error.code;
    const hint = saying.isForTerminal === true && canAsk ? undefined : saying.hint;
    throw new FdpassError(code, message, { hint, hop: error.hop, cause: error });
  }
}

const SSH_PORT = 22;

/** What the hops before are asked for, as far as we know it: ssh_config can say otherwise. */
function entryOf([first]: readonly JumpHost[]): Target {
  return { host: first?.host ?? '', port: first?.port ?? SSH_PORT };
}

/**
 * A connection through the one that the user's ssh shares with others, if it does, and if this program can hold that. It needs no
 * process of its own; `ssh -W` would use the same.
 */
async function dialShared(
  login: readonly string[],
  target: Target,
  host: StrategyHost,
  context: DialContext,
): Promise<Connection | undefined> {
  const [program = ''] = login;
  if (host.lifetime.keepAlive === undefined || basename(program) !== 'ssh') return undefined;
  const { controlPath, dialThroughMaster } = await import('./master.js'); // only a program that stays needs it
  const path = await controlPath(login, host, context);
  if (path === undefined) return undefined;
  try {
    return await dialThroughMaster(path, target, host, context);
  } catch (error) {
    if (context.signal.aborted) throw error;
    context.trace({ event: 'note', text: `the shared connection of ssh refuses: ${messageOf(error)}; running ssh` });
    return undefined;
  }
}

const STAYS = 'ssh -W copies the bytes, and stays for as long as the connection lasts';

/** Jump hosts through `ssh -W`, so that keys, agents and ssh_config work as ever; what is handed over is a descriptor. */
export const jump: Strategy<JumpOptions> = {
  name: 'jump',
  schemes: ['jump'],
  optionsSchema,
  create(options, host) {
    const { ssh = 'ssh', sshOptions = [], patience: patienceMs, log } = options;
    const fromHome = (word: string): string => (word.startsWith('~/') ? host.path(word) : word);
    const program = fromHome(ssh);
    const ownArguments = sshOptions.map(fromHome);
    const { hosts, terminal } = readJump(options);
    const run = (argv: readonly string[], context: DialContext, forward?: SpawnForward): Promise<Connection> => {
      const dial = (inner: DialContext) =>
        host.spawn([program, ...argv], inner, { patienceMs, log, terminal, forward });
      return explainSaying(context, terminal === true, dial);
    };
    if (host.isFirst) {
      const login = [program, ...loginArguments(hosts, ownArguments)];
      return {
        dial: async (target, context) =>
          (await dialShared(login, target, host, context)) ?? run(jumpArguments(hosts, target, ownArguments), context),
        explain: () => [STAYS],
      };
    }
    // ssh can start the others by itself (-J), but not through the hops before: each is then an ssh of its own.
    const dialThrough = (reach: Chain['dial'], jumpHost: JumpHost): Chain['dial'] => {
      return (target, context) =>
        run(jumpArguments([jumpHost], target, ownArguments), context, {
          dial: (wanted, signal) => reach(wanted, { ...context, signal }),
          arguments: forwardArguments,
        });
    };
    return {
      dial: hosts.reduce(dialThrough, host.forward.dial),
      needsRelay: () => host.forward.needsRelay(entryOf(hosts)),
      explain: () => [STAYS],
    };
  },
};
