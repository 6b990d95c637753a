/** What the user wants to reach. */
export interface Target {
  /** A lower-case host name, or an IPv4 or IPv6 literal without brackets (a zone such as `%eth0` is allowed). */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
  /** The remote user name (`%r`), for matching only. */
  readonly user?: string;
  /** The name that the user typed (`%n`), for matching only. */
  readonly alias?: string;
}

/**
 * What kind of thing a target's host names: a host name or address, a unix socket, a port of a virtual machine, or a
 * machine that this one runs. All but the first are names of systemd-ssh-proxy(1), such as `unix/run/socket`.
 */
export type TargetKind = 'host' | 'unix' | 'vsock' | 'machine';

/** The kind of a target's host. */
export function targetKind(host: string): TargetKind {
  if (host === '.host') return 'machine';
  if (!host.includes('/') && !host.includes('%')) return 'host';
  const prefix = /^(unix|vsock|vsock-mux|machine)[/%]/.exec(host)?.[1];
  return prefix === undefined ? 'host' : prefix === 'vsock-mux' ? 'vsock' : (prefix as TargetKind);
}

/**
 * The path of a unix socket that a target's host stands for, by the names of systemd-ssh-proxy(1): `unix/run/socket` and
 * `unix%/run/socket` are `/run/socket`. Abstract sockets (unix(7)) begin with `@`. Undefined for any other host.
 */
export function unixPath(host: string): string | undefined {
  if (!host.startsWith('unix')) return undefined;
  const [, separator, rest = ''] = /^unix([/%])(.+)$/s.exec(host) ?? [];
  if (separator === undefined) return undefined;
  return rest.startsWith('@') || rest.startsWith('/') ? rest : `/${rest}`;
}

/** `host:port`, with brackets around an IPv6 literal: how addresses are shown everywhere. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') && targetKind(host) === 'host' ? `[${host}]:${port}` : `${host}:${port}`;
}
