import type { StrategyEntry, Target } from '@fdpass/core';

/** A place on loopback. */
export interface Place {
  /** An address. */
  readonly host: string;
  /** 1 to 65535. */
  readonly port: number;
}

/** What a strategy is tested against: its server, and the options to reach it. */
export interface StartedServer {
  /** What is in the config beside `strategy`; with a URL in it, if that is how the strategy is told. */
  readonly options: unknown;
  /** What is dialled, if it is not the origin itself (a socket's path, a service's name). Default: the origin. */
  readonly target?: Target | undefined;
  /** Ends the server and all its connections. */
  close?(): Promise<void> | void;
}

/** A strategy to be tried by {@link describeStrategy} or {@link testStrategy}, and how. */
export interface StrategySubject {
  /** The strategy, or how to load it. */
  readonly strategy: StrategyEntry;
  /** What is special about these options, for the report, e.g. `with a password`. Default: nothing. */
  readonly title?: string | undefined;
  /**
   * Starts what the strategy talks to before the tunnel is open: for a proxy protocol a proxy on loopback that connects to
   * whatever it is asked for. `origin` is where a tunnel will lead, for servers that lead to one place only. Default:
   * nothing is started, and there are no options.
   */
  start?(origin: Place): Promise<StartedServer> | StartedServer;
  /** The folder that relative paths in the options start from, and where programs run; absolute. Default: `/`. */
  readonly baseDir?: string | undefined;
  /** Texts in the options that must never be shown: passwords, tokens. Default: none. */
  readonly secrets?: readonly string[] | undefined;
  /** What it gives is not a kernel socket (TLS, a library's own stream), so that it will be relayed. Default: as `needsRelay` of its dialer says. */
  readonly relayed?: boolean | undefined;
  /** The end of one direction cannot be told without ending the other. Default: false. */
  readonly noHalfClose?: boolean | undefined;
  /** Checks that are left out, by name, each with the reason; the report shows both. Default: none. */
  readonly skip?: Readonly<Record<string, string>> | undefined;
}
