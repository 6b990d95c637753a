import { FdpassError } from '../ground/errors.js';
import { formatHostPort, type Target } from '../ground/target.js';

/*
 * A program that we run can run fdpass again: ssh does, for its own connection to a jump host. If the rules then lead to
 * the same program with the same arguments, it goes on without end. So children are told by their environment which
 * programs they run inside of.
 */

/** Names the programs that a process runs inside of, as digests, the innermost last. */
const VARIABLE = 'FDPASS_INSIDE';
/** Names the route of one connection. Connections that a program in that route makes take the routes of their own rules. */
const ROUTE_VARIABLE = 'FDPASS_VIA';
/** More than any chain of programs that means to end. */
const MAX_DEPTH = 16;

/**
 * The environment for a program with these arguments.
 *
 * @throws FdpassError `config` if we run inside of the same program already.
 */
export function nestedEnvironment(
  argv: readonly string[],
  baseDir: string,
  environment: Readonly<Record<string, string | undefined>>,
  target: Target | undefined,
): Record<string, string | undefined> {
  const outer = (environment[VARIABLE] ?? process.env[VARIABLE] ?? '').split(',').filter(Boolean);
  const { createHash } = process.getBuiltinModule('node:crypto');
  const digest = createHash('sha256')
    .update([baseDir, ...argv].join('\0'))
    .digest('hex')
    .slice(0, 16);
  if (outer.includes(digest) || outer.length >= MAX_DEPTH) throw endless(messageFor(argv[0] ?? '', target));
  const { [ROUTE_VARIABLE]: _, ...inherited } = environment;
  return { ...inherited, [VARIABLE]: [...outer, digest].join(',') };
}

function messageFor(program: string, target: Target | undefined): string {
  const host = target === undefined ? 'the same host' : formatHostPort(target.host, target.port);
  return `to reach ${host} it runs ${JSON.stringify(program)}, which asks fdpass for ${host} again, without end`;
}

const MESSAGE = /to reach (?:\S+|the same host) it runs "[^"]*", which asks fdpass for .{1,300}? again, without end/;

function endless(message: string): FdpassError {
  return new FdpassError('config', message, {
    hint: 'add a rule for that host above this one, e.g. with "use: direct"',
  });
}

/** The same error, if an fdpass inside of a program has reported it through the program's stderr. */
export function endlessInside(output: string): FdpassError | undefined {
  const message = MESSAGE.exec(output)?.[0];
  return message === undefined ? undefined : endless(message);
}
