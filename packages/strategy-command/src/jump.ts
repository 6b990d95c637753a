import { FdpassError, formatHostPort, normalizeHost, parsePort, type Strategy } from '@fdpass/core';
import * as v from 'valibot';
import { runEntries } from './command.js';

/** The options of a `jump` hop, as its schema gives them; either `url` or `hosts` is needed. */
export interface JumpOptions {
  /** `jump://[USER@]HOST[:PORT][,…]`. */
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
    v.pipe(v.string(), v.description('jump://[USER@]HOST[:PORT][,…]: the jump hosts as --via writes them')),
  ),
  hosts: v.optional(
    v.pipe(
      v.array(v.string()),
      v.minLength(1, 'an empty list names no jump host'),
      v.description('the jump hosts in travel order, [USER@]HOST[:PORT], as ssh -J takes them'),
    ),
  ),
  ssh: v.optional(
    v.pipe(v.string(), v.description('the ssh program; one with a slash starts at the config (default: ssh)')),
  ),
  sshOptions: v.optional(
    v.pipe(
      v.array(v.string()),
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
    throw new FdpassError('config', `the jump host ${JSON.stringify(text)}: ${(error as Error).message}`);
  }
}

function formatJumpHost({ user, host, port }: JumpHost): string {
  const place = port === undefined ? (host.includes(':') ? `[${host}]` : host) : formatHostPort(host, port);
  return user === undefined ? place : `${user}@${place}`;
}

/** The arguments of `ssh -W` for a target behind jump hosts: the last one is logged in to, the others are passed to -J. */
export function jumpArguments(
  hosts: readonly JumpHost[],
  target: { host: string; port: number },
  options: readonly string[],
): string[] {
  const last = hosts.at(-1);
  if (last === undefined) throw new FdpassError('config', 'no jump host', { hint: 'name one with "hosts"' });
  const before = hosts.slice(0, -1).map(formatJumpHost).join(',');
  return [
    ...options,
    ...(before === '' ? [] : ['-J', before]),
    ...(last.user === undefined ? [] : ['-l', last.user]),
    ...(last.port === undefined ? [] : ['-p', String(last.port)]),
    '-W',
    `[${target.host}]:${target.port}`,
    '--',
    last.host,
  ];
}

function hostsOf({ url, hosts }: JumpOptions): JumpHost[] {
  if ((url === undefined) === (hosts === undefined))
    throw new FdpassError('config', 'a jump needs either "hosts" or a "url"');
  const words =
    hosts ??
    (url ?? '')
      .replace(/^jump:\/\//, '')
      .replace(/\/$/, '')
      .split(',');
  return words.map(parseJumpHost);
}

/** Jump hosts through `ssh -W`, so that keys, agents and ssh_config work as ever; what is handed over is a descriptor. */
export const jump: Strategy<JumpOptions> = {
  name: 'jump',
  schemes: ['jump'],
  firstOnly: true,
  optionsSchema,
  create(options, host) {
    const { ssh = 'ssh', sshOptions = [], patience: patienceMs, log, terminal } = options;
    const fromHome = (word: string): string => (word.startsWith('~/') ? host.path(word) : word);
    const program = fromHome(ssh);
    const hosts = hostsOf(options);
    return {
      dial: async (target, context) =>
        host.spawn([program, ...jumpArguments(hosts, target, sshOptions.map(fromHome))], context, {
          patienceMs,
          log,
          terminal,
        }),
    };
  },
};
