import type { LocalNetwork, Pattern } from './pattern.js';

/*
 * What a rule asks of this machine and of the network it is in, besides `localNetwork`. All of it is plain data but the
 * networks of `not`.
 */

/** A place that can be reached, or with `negated` cannot. */
export interface ReachableCondition {
  readonly negated: boolean;
  readonly host: string;
  readonly port: number;
  /** For all its addresses. */
  readonly timeoutMs: number;
}

/** A program that ends with status 0. */
export interface ExecCondition {
  /** With its arguments, tokens not yet filled in. No shell sees them. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

/** All of it must hold; what is absent does. */
export interface ConditionSet {
  readonly localNetwork?: readonly LocalNetwork[] | undefined;
  /** The profile that `fdpass use` has set. */
  readonly profile?: readonly Pattern[] | undefined;
  /** Network interfaces that are up. */
  readonly interface?: readonly Pattern[] | undefined;
  readonly reachable?: readonly ReachableCondition[] | undefined;
  readonly exec?: ExecCondition | undefined;
}

/** The keys of a {@link ConditionSet}, those that cost least to find out first. */
export const CONDITION_KEYS: readonly (keyof ConditionSet)[] = [
  'localNetwork',
  'profile',
  'interface',
  'reachable',
  'exec',
];

/** The conditions of a rule; its `localNetwork` is one of its matchers. */
export interface Conditions extends Omit<ConditionSet, 'localNetwork'> {
  /** None of this must hold. */
  readonly not?: ConditionSet | undefined;
}
