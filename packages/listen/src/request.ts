import { FdpassError, makeTarget, type Target, targetKind } from '@fdpass/core';

/** How a client speaks to the server. */
export type Protocol = 'SOCKS 4' | 'SOCKS 5' | 'CONNECT' | 'HTTP';

/** What a client wants to be connected to, and how it is answered. */
export interface TunnelRequest {
  readonly protocol: Protocol;
  /** As the client has written it. */
  readonly host: string;
  readonly port: number;
  /** What tells it that it is connected. */
  readonly granted: Uint8Array;
  /** What tells it why not. */
  refused(error: unknown): Uint8Array;
}

/**
 * The target that a client names: a host. Names such as `unix/PATH` reach sockets that can be the user's alone, whereas
 * clients can be anybody's.
 *
 * @throws FdpassError `usage` for what cannot be a host, `permission` for another kind of target.
 */
export function targetOf({ host, port }: Pick<TunnelRequest, 'host' | 'port'>): Target {
  const target = makeTarget({ host, port });
  if (targetKind(target.host) === 'host') return target;
  throw new FdpassError('permission', 'clients of this proxy can reach hosts only', { target });
}
