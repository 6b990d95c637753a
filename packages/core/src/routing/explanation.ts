import type { Target } from '../ground/target.js';
import type { HopSummary } from './chain.js';
import type { Route, Router } from './router.js';

/** What would be dialled for a target, and why; plain data, and no secret in it. */
export interface Explanation {
  /** Normalised. */
  readonly target: Target;
  /** The config file, `(config)` for one given in code, or null if there is none. */
  readonly config: string | null;
  /** Why this route, e.g. `rule 2 (/home/me/.config/fdpass/config.yaml:7:5)`. */
  readonly reason: string;
  /** The hops in travel order, secrets masked. */
  readonly route: readonly HopSummary[];
  /** Whether a relay will be needed for a descriptor: the stream is no kernel socket. */
  readonly relay: boolean;
  /** For the whole dial; 0 means no limit. */
  readonly timeoutMs: number;
  /** The rules before the winner, counted from 1, and what did not match. */
  readonly skipped: readonly { readonly rule: number; readonly why: string }[];
}

/** Explains a route that `router` gave; `isByRules` is false for one that was named by hand. Opens nothing. */
export function explainRoute(
  router: Router,
  route: Route,
  { configFile, isByRules }: { readonly configFile: string | undefined; readonly isByRules: boolean },
): Explanation {
  const trials = isByRules ? router.trials(route.target) : [];
  return {
    target: route.target,
    config: configFile ?? null,
    reason: route.reason,
    route: route.chain.hops,
    relay: route.chain.dialer.needsRelay === true,
    timeoutMs: route.timeoutMs,
    skipped: trials.flatMap(({ matched, index, why }) => (matched ? [] : [{ rule: index + 1, why: why ?? '' }])),
  };
}
