import type { Locate, Where } from '../ground/errors.js';
import type { Conditions } from './condition.js';
import type { LocalNetwork, PatternList, PortRange } from './pattern.js';
import {
  parseAliasPattern,
  parseHostPattern,
  parseLocalNetwork,
  parsePortRange,
  parseUserPattern,
  patternList,
} from './read-pattern.js';

/** What a rule asks of a target. A matcher that is absent matches everything. */
export interface Matchers {
  readonly host?: PatternList | undefined;
  readonly port?: readonly PortRange[] | undefined;
  readonly user?: PatternList | undefined;
  readonly alias?: PatternList | undefined;
  readonly localNetwork?: readonly LocalNetwork[] | undefined;
}

/** Matchers, and the route of a target that all of them match. */
export interface Rule extends Matchers {
  readonly name?: string | undefined;
  /** What must hold besides, and takes more than a look at the target. Default: nothing. */
  readonly conditions?: Conditions | undefined;
  /** The route as it was written; routing resolves it. */
  readonly use: unknown;
  /** The folder that relative paths in `use` start from. */
  readonly baseDir: string;
  /** For the whole dial; 0 means no limit. Default: the config's. */
  readonly timeoutMs?: number | undefined;
  /** What core does around the dial, as it was written and checked; routing converts it. Default: nothing. */
  readonly settings?: Readonly<Record<string, unknown>> | undefined;
  /** Where the rule is written; found when it is asked for. */
  readonly where: () => Where;
  /** Where a part of it is written. */
  readonly locate?: Locate | undefined;
}

/** Matchers as they are written, always as lists. */
export interface WrittenMatchers {
  readonly host?: readonly string[];
  readonly port?: readonly (string | number)[];
  readonly user?: readonly string[];
  readonly alias?: readonly string[];
  readonly localNetwork?: readonly string[];
}

/** Matchers ready to match, for rules that come from a program and not from a file. @throws FdpassError `config` */
export function parseMatchers(written: WrittenMatchers): Matchers {
  const { host, port, user, alias, localNetwork } = written;
  return {
    host: host && patternList(host.map(parseHostPattern)),
    port: port?.map(parsePortRange),
    user: user && patternList(user.map(parseUserPattern)),
    alias: alias && patternList(alias.map(parseAliasPattern)),
    localNetwork: localNetwork?.map(parseLocalNetwork),
  };
}
