/** What the user wants to reach. */
export interface Target {
  /**
   * A lower-case host name, or an IPv4 or IPv6 literal without brackets (a zone such as `%eth0` is allowed). A name that
   * ends with a dot is absolute. For the other kinds of targets: a name such as `unix/PATH`.
   */
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

/** How a kind is named to people. */
const KIND_NAMES: Readonly<Record<TargetKind, string>> = {
  host: 'a host name',
  unix: 'a unix socket',
  vsock: 'a virtual machine',
  machine: 'a local machine',
};

/** A kind in words, e.g. `a unix socket`. */
export function describeKind(kind: TargetKind): string {
  return KIND_NAMES[kind];
}

/** The kind of a target's host. */
export function targetKind(host: string): TargetKind {
  if (host === '.host') return 'machine';
  const prefix = splitLocalName(host)?.prefix ?? 'host';
  return prefix === 'vsock-mux' ? 'vsock' : prefix;
}

/** A name that does not name a host, taken apart at its slash or percent sign. */
export interface LocalName {
  readonly prefix: Exclude<TargetKind, 'host'> | 'vsock-mux';
  /** A path, a number or a name. */
  readonly rest: string;
}

/** Takes `unix/PATH`, `vsock%CID` and their like apart; undefined for any other host. */
export function splitLocalName(host: string): LocalName | undefined {
  if (!host.includes('/') && !host.includes('%')) return undefined;
  const [, prefix, rest = ''] = /^(unix|vsock|vsock-mux|machine)[/%](.*)$/s.exec(host) ?? [];
  return prefix === undefined ? undefined : { prefix: prefix as LocalName['prefix'], rest };
}

/**
 * The path of the unix socket that a target's host means, by the names of systemd-ssh-proxy(1): `unix/run/socket` and
 * `unix%/run/socket` are `/run/socket`. Abstract sockets (unix(7)) begin with `@`. Undefined for any other host.
 */
export function unixPath(host: string): string | undefined {
  if (!host.startsWith('unix')) return undefined;
  const { prefix, rest = '' } = splitLocalName(host) ?? {};
  if (prefix !== 'unix' || rest === '') return undefined;
  return rest.startsWith('@') || rest.startsWith('/') ? rest : `/${rest}`;
}

/** The name without the dot that makes it absolute: rules, NO_PROXY, netrc and certificates know hosts without it. */
export function withoutRootDot(host: string): string {
  return host.length > 1 && host.endsWith('.') && targetKind(host) === 'host' ? host.slice(0, -1) : host;
}

/** `host:port`, with brackets around an IPv6 literal: how addresses are shown everywhere. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') && targetKind(host) === 'host' ? `[${host}]:${port}` : `${host}:${port}`;
}
