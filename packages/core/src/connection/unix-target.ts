import type { Socket } from 'node:net';
import type { DialContext } from '../dial/dialer.js';
import { FdpassError, isFdpassError, messageOf } from '../ground/errors.js';
import { fromSystemError } from '../ground/system-error.js';
import { openSocket } from './open.js';

/** Connects to a unix socket; tests put their own in place. */
export type OpenUnix = (
  address: { readonly path: string },
  options: object,
  context: { signal: AbortSignal },
) => Promise<Socket>;

/**
 * The path of a unix socket that a target's host stands for, by the names of systemd-ssh-proxy(1): `unix/run/socket` and
 * `unix%/run/socket` are `/run/socket`. Abstract sockets (unix(7)) are written with `@`. Undefined for any other host.
 */
export function unixPath(host: string): string | undefined {
  const [, separator, rest = ''] = /^unix([/%])(.+)$/s.exec(host) ?? [];
  if (separator === undefined) return undefined;
  return rest.startsWith('@') || rest.startsWith('/') ? rest : `/${rest}`;
}

/** Dials a unix socket, as strategies that open sockets do for a target that is one. */
export async function dialUnix(
  path: string,
  { clock, signal, trace }: DialContext,
  open: OpenUnix = openSocket,
): Promise<Socket> {
  const startedAt = clock.now();
  const report = (event: string, details: object = {}): void =>
    trace({ event, address: path, ms: clock.now() - startedAt, ...details });
  trace({ event: 'attempt', address: path });
  try {
    const socket = await open({ path }, {}, { signal });
    report('connected');
    return socket;
  } catch (error) {
    report('attempt-failed', { reason: messageOf(error) });
    if (signal.aborted) throw signal.reason;
    const { code, hint, message } = isFdpassError(error) ? error : fromSystemError(error);
    const attempts = [{ address: path, reason: message }];
    throw new FdpassError(code, `cannot connect to ${path}: ${message}`, { hint, attempts, cause: error });
  }
}
