/** A route as it is written: a hop's name, a strategy's name, a URL, a mapping with `strategy`, or a list of them in travel order. */
export type UseInput = string | Readonly<Record<string, unknown>> | readonly UseInput[];

/** A hop with options: the one mapping that can replace a whole config in {@link createDialer}. */
export interface HopInput {
  /** The strategy's name. */
  readonly strategy: string;
  readonly [option: string]: unknown;
}

/** One value, or a list. */
type OneOrMore<T> = T | readonly T[];

/** What a rule asks of this machine and its network. Entries of lists can begin with `!`. */
export interface ConditionsInput {
  /** Only while one of this machine's addresses is in one of these networks. */
  readonly localNetwork?: OneOrMore<string>;
  /** Only while `fdpass use` has set one of these profiles. */
  readonly profile?: OneOrMore<string>;
  /** Only while one of these network interfaces is up. */
  readonly interface?: OneOrMore<string>;
  /** Only while one of these places, `HOST:PORT`, accepts connections. */
  readonly reachable?: OneOrMore<string | { readonly address: string; readonly timeout?: string | number }>;
  /** Only if this program, with its arguments, ends with status 0. */
  readonly exec?: readonly string[] | { readonly command: readonly string[]; readonly timeout?: string | number };
}

/** A rule given in code: what it asks of a target, and the route of one that matches all of it. */
export interface RuleInput extends ConditionsInput {
  /** Shown where the rule is, e.g. in errors. */
  readonly name?: string;
  /** Patterns of ssh_config, `.example.com` (the apex and all below), addresses, CIDR; `!` excludes. A file has one in each line. */
  readonly host?: OneOrMore<string | { readonly file: string }>;
  /** Ports and ranges: `22`, `"2200-2299"`. */
  readonly port?: OneOrMore<number | string>;
  /** Patterns for the remote user name. */
  readonly user?: OneOrMore<string>;
  /** Patterns for the name the user typed. */
  readonly alias?: OneOrMore<string>;
  /** Only while none of this holds. */
  readonly not?: ConditionsInput;
  /** The route of a target that matches. */
  readonly use: UseInput;
  /** For the whole dial, e.g. `30s`. As everywhere in a config, a plain number means seconds. */
  readonly timeout?: string | number;
  /** Name servers to ask in place of the system's, e.g. `10.0.0.53`. */
  readonly dns?: OneOrMore<string>;
  /** Where the name of the target is looked up. Default: as the hops do it. */
  readonly resolve?: 'here' | 'there';
  /** What the server has to say first, e.g. `SSH-`, or `false`: nobody looks. */
  readonly expect?: OneOrMore<string> | false;
  /** How long it has for that, e.g. `5s`. */
  readonly expectTimeout?: string | number;
  /** A program with its arguments that runs before each dial, or how it runs. */
  readonly before?: readonly string[] | BeforeInput;
  /** How often a dial is made again after a failure that can pass, or how. */
  readonly retry?: number | RetryInput;
}

/** What runs before each dial of a rule, once for all of its tries. */
export interface BeforeInput {
  /** The program and its arguments; `%h`, `%p`, `%r`, `%n` and `%%` are filled in, and no shell sees them. */
  readonly command: readonly string[];
  /** Its limit, e.g. `2m`; 0 for none. Default `1m`. */
  readonly timeout?: string | number;
  /** Lets it ask on the terminal. Default false. */
  readonly terminal?: boolean;
}

/** How a dial is made again after a failure that can pass. */
export interface RetryInput {
  /** How often, after the first. Default 3. */
  readonly times?: number;
  /** Before the second try, longer before each further one, e.g. `500ms`. Default `1s`. */
  readonly backoff?: string | number;
  /** Default: all but `unknown-host`. */
  readonly on?: readonly ('refused' | 'unreachable' | 'timeout' | 'closed' | 'unknown-host')[];
  /** For each try, e.g. `10s`. */
  readonly timeout?: string | number;
  /** For all tries, if the dial has less, e.g. `2m`. */
  readonly within?: string | number;
}

/** A config given in code; the same as in a file. */
export interface RulesInput {
  /** `timeout`, and socket options such as `keepAlive`. */
  readonly defaults?: Readonly<Record<string, unknown>>;
  /** Domains that make short names whole, as ssh's CanonicalDomains. */
  readonly canonical?:
    | OneOrMore<string>
    | { readonly domains: OneOrMore<string>; readonly dns?: OneOrMore<string>; readonly maxDots?: number };
  /** Named, reusable hops. */
  readonly hops?: Readonly<Record<string, UseInput>>;
  /** The first that matches wins. */
  readonly rules?: readonly RuleInput[];
  /** Packages and files of strategies, resolved from `baseDir`. */
  readonly plugins?: OneOrMore<string>;
  /** Packages and files of shared rules. */
  readonly extends?: OneOrMore<string>;
}
