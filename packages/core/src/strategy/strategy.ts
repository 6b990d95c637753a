import type { Connection } from '../connection/connection.js';
import type { SocketAddress } from '../connection/open.js';
import type { SocketOptions } from '../connection/socket-options.js';
import type { SpawnForward } from '../connection/spawn.js';
import type { Candidate } from '../dial/attempt.js';
import type { Chain, DialContext, Dialer } from '../dial/dialer.js';
import type { Lifetime } from '../dial/lifetime.js';
import type { Candidates, RaceOptions } from '../dial/race.js';
import type { ResolvePlace } from '../dial/settings.js';
import type { Winners } from '../dial/winners.js';
import type { Clock } from '../ground/clock.js';
import type { ErrorCode, ErrorDetails, FdpassError } from '../ground/errors.js';
import type { TargetKind } from '../ground/target.js';
import type { Family, HostAddress } from '../lookup/resolver.js';
import type { CredentialRequest, Credentials } from '../proxy/credentials.js';
import type { Standby } from '../proxy/standby.js';
import type { TlsDefaults, TlsOptions } from '../proxy/tls.js';

/** The version of this interface. It grows when a strategy made for the one before would no longer work. */
export const STRATEGY_API_VERSION = 2;

/** How {@link StrategyHost.spawn} runs a program. */
export interface SpawnOptions {
  /** Leaves it in our session, so that it can ask on the terminal. Default: a session of its own. */
  readonly terminal?: boolean | undefined;
  /** A file that its stderr is appended to, as the config writes it. Default: reported as `output` until the dial is over, then dropped. */
  readonly log?: string | undefined;
  /**
   * How many milliseconds to wait for the first byte, without taking it, so that a program that fails early can say why.
   * One that is slow is taken for connected. Default 1000, and 10,000 to port 22, where servers greet; 0 does not wait.
   */
  readonly patienceMs?: number | undefined;
  /** The program passes a descriptor over its stdout and exits, as `nc -F` does; that is the connection. Default false. */
  readonly passesDescriptor?: boolean | undefined;
  /** Lets the program connect through other hops. Default: it connects by itself. */
  readonly forward?: SpawnForward | undefined;
}

/** How {@link StrategyHost.run} runs a program. */
export interface RunOptions {
  /** Leaves it in our session, so that it can ask on the terminal. Default: a session of its own. */
  readonly terminal?: boolean | undefined;
  /** Milliseconds that it can take; 0 means no limit. Default: what the dial has left. */
  readonly timeoutMs?: number | undefined;
}

/** What a strategy can ask of the program it runs in. A plugin of one file needs no import besides this. */
export interface StrategyHost {
  /**
   * The hops before this one: what a gateway reaches its proxy through. For a first hop this is the program's default
   * strategy. For a strategy that is `firstOnly` it always rejects.
   */
  readonly forward: Chain;
  /** Whether no hop comes before this one. */
  readonly isFirst: boolean;
  /** Compiles a route nested in the options, as `use` takes it. Its first hop dials through `forward`. @throws FdpassError `config` */
  route(use: unknown): Promise<Chain>;
  /** A path as the config writes it: `~/` is the home folder, and relative paths start at the config's folder. */
  path(written: string): string;
  /** The config's folder: every child process of a strategy runs there. */
  readonly baseDir: string;
  /** Socket options of the config's `defaults`; options of the hop override them. */
  readonly socketDefaults: SocketOptions;
  /** TLS options of the config's `defaults`; options of the hop override them. */
  readonly tlsDefaults: TlsDefaults;
  /** The addresses of a host name, at least one, in the order to try them; `0` is either family. Reports a `resolve`. */
  lookUp(host: string, family: Family | 0, context: DialContext): Promise<readonly HostAddress[]>;
  /** The name servers that {@link lookUp} asks, as `dns.setServers` takes them; undefined for those of the system. */
  readonly nameServers: readonly string[] | undefined;
  /**
   * Where the user wants the target's name looked up; undefined if the user does not say. Core does what `here` asks for, so
   * only a strategy that would look names up itself has to look at it: with `there` it must not.
   */
  readonly namesAt: ResolvePlace | undefined;
  /**
   * Which of two addresses the system would try first, as sort() takes it (RFC 6724). {@link lookUp} has sorted its answer by
   * it already; this is for the addresses of several answers. It blocks for some microseconds.
   */
  compareAddresses(one: HostAddress, other: HostAddress): number;
  /** One connect() to one address. @throws FdpassError with the bare reason, e.g. `connection refused` */
  open(address: SocketAddress, options: SocketOptions, context: DialContext): Promise<Connection>;
  /**
   * TLS as a client over a connection, which it owns from the call on. The certificate must be valid for `name`, unless the
   * options say otherwise; paths in them are as the config writes them. What it gives has no descriptor, so the dialer has
   * `needsRelay`.
   *
   * @throws FdpassError `permission` for a certificate that is not valid, `protocol` for what is not TLS, `config` for files.
   */
  startTls(
    connection: Connection,
    name: string,
    context: DialContext,
    options?: Omit<TlsOptions, 'kernel'>,
  ): Promise<Connection>;
  /** Tries candidates, one after the other or with head starts, reports each, and resolves to the winner. */
  race<T extends { destroy(reason?: unknown): void }>(
    candidates: Candidates<T> | readonly Candidate<T>[],
    options: RaceOptions,
    context: DialContext,
  ): Promise<T>;
  /** The user name and password that the hop's options and URL lead to; undefined if they name none. */
  credentials(
    request: Omit<CredentialRequest, 'baseDir' | 'signal' | 'trace' | 'environment' | 'beforeAsking'>,
    context: DialContext,
  ): Promise<Credentials | undefined>;
  /**
   * Runs a program whose stdin and stdout become the connection. It runs in the config's folder and goes on by itself
   * after the hand-over, until either side closes. Aborting the dial kills it with everything that it started. A program
   * that runs fdpass, which then runs the same program again, is refused.
   *
   * @param argv The program and its arguments; no shell sees them. A program with a slash starts at the config's folder.
   */
  spawn(argv: readonly string[], context: DialContext, options?: SpawnOptions): Promise<Connection>;
  /**
   * Runs a program until it exits with status 0, e.g. to start a machine. It runs in the config's folder, without stdin; what it
   * says is reported as `output`. Aborting the dial, and failing, kills it with everything that it has started; what it leaves in
   * the background otherwise goes on. A program that runs fdpass, which then runs the same program again, is refused.
   *
   * @param argv The program and its arguments; no shell sees them. A program with a slash starts at the config's folder.
   * @throws FdpassError `config` if it cannot be run, `timeout` if it takes too long, `unreachable` if it fails.
   */
  run(argv: readonly string[], context: DialContext, options?: RunOptions): Promise<void>;
  /** Makes the one kind of error that fdpass shows to people: `code` decides the exit code. */
  error(code: ErrorCode, message: string, details?: ErrorDetails): FdpassError;
  /** What delays run on; tests move one by hand. */
  readonly clock: Clock;
  /** A number from 0 up to but not including 1. */
  random(): number;
  /** Connections that are made in advance, where the program stays. */
  readonly standby: Standby;
  /** Which candidates have won before, where the program remembers that. */
  readonly winners: Winners;
  /** How long the program lives: some connections need it as long as they last. */
  readonly lifetime: Lifetime;
  /** The environment variables of the program; in the agent those of its client, which cannot be changed. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The part of Standard Schema v1 (https://standardschema.dev) that fdpass uses: any library that implements it will do. */
export interface StandardSchema<Output = unknown> {
  /** What the specification says an object must have, version 1. */
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
    readonly types?: { readonly input: unknown; readonly output: Output } | undefined;
  };
}

/** A converted value, or what is wrong (Standard Schema version 1). */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong with a value (Standard Schema version 1). */
export interface SchemaIssue {
  /** What is wrong, in words. */
  readonly message: string;
  /** Where: the keys from the outermost value inwards. Default: the value itself. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a config and a chain have to know of a strategy before its code is loaded. */
export interface StrategyTraits {
  /** Also its word in the config. Lower case, digits and dashes. */
  readonly name: string;
  /** URL schemes it answers to, without the colon: a hop can then be written as a URL, which becomes the option `url`. */
  readonly schemes?: readonly string[];
  /** True if it does not connect through other hops: it can then only be the first hop of a chain. */
  readonly firstOnly?: boolean;
  /**
   * The option that a value means which is not a mapping: with `routes`, `{ firstOf: [a, b] }` is
   * `{ strategy: first-of, routes: [a, b] }`. Default: such a value is an error.
   */
  readonly shorthand?: string;
  /** The kinds of names it accepts as targets. It is never given others. Default: host names and addresses only. */
  readonly targets?: readonly TargetKind[];
}

/**
 * A named, pluggable way to produce a connection to a target.
 *
 * Built-in strategies are written against this interface and use nothing that a third party's cannot.
 */
export interface Strategy<Options = unknown> extends StrategyTraits {
  /** The {@link STRATEGY_API_VERSION} it was made for. Default: this one. */
  readonly apiVersion?: number;
  /**
   * Checks and converts the hop's options (zod, valibot, arktype, …). Without it they arrive as they were written. A
   * function loads the schema when a hop has options to check; such a strategy must work with no options at all.
   */
  readonly optionsSchema?: StandardSchema<Options> | (() => Promise<StandardSchema<Options>>);
  /**
   * Makes a dialer and opens nothing. The options are frozen. It can be asynchronous: nested routes and code are loaded
   * here. @throws FdpassError `config` for options that cannot work.
   */
  create(options: Options, host: StrategyHost): Dialer | Promise<Dialer>;
}

/** A strategy whose code is loaded when a route first needs it. Its traits must be those of the strategy. */
export interface LazyStrategy extends StrategyTraits {
  /** Imports the code. It can be called again, and so should leave caching to the module system. */
  load(): Promise<Strategy>;
}

/** What the registry takes: a strategy, or its traits and how to load it. */
export type StrategyEntry = Strategy | LazyStrategy;

/** A schema, or a function that loads it: some libraries make schemas that are functions themselves. */
export function isLazySchema<Options>(
  schema: Strategy<Options>['optionsSchema'],
): schema is () => Promise<StandardSchema<Options>> {
  return typeof schema === 'function' && !('~standard' in schema);
}

/** The schema of a strategy's options, loaded; undefined if it has none. */
export async function loadSchema<Options>({
  optionsSchema,
}: Pick<Strategy<Options>, 'optionsSchema'>): Promise<StandardSchema<Options> | undefined> {
  return isLazySchema(optionsSchema) ? optionsSchema() : optionsSchema;
}
