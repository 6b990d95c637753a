import { type Chain, duration, type StrategyHost, type Target, type Winner } from '@fdpass/core';
import * as v from 'valibot';

/** The option for how long a winner is remembered, in milliseconds. Default: as long as the program likes. */
export const remember: v.OptionalSchema<v.GenericSchema<string | number, number>, undefined> = v.optional(
  v.pipe(
    duration,
    v.description(
      'how long the one that worked last is tried first, in the same network, e.g. 1h; 0 for never (default: 10m in the agent, else never)',
    ),
  ),
);

/** The last winner among the same candidates for the same target. */
export function winnerOf(
  candidates: readonly { readonly label: string }[],
  { host, port }: Target,
  { winners }: StrategyHost,
  keepMs: number | undefined,
): Winner {
  return winners.of(JSON.stringify([host, port, ...candidates.map(({ label }) => label)]), keepMs);
}

/** What `explain` says about the last winner. */
export function explainWinner(candidates: readonly { readonly label: string }[], { last }: Winner): string[] {
  const isSecond = candidates.slice(1).some(({ label }) => label === last);
  return isSecond ? [`${last} goes first: it worked last time`] : [];
}

/** What `explain` says about routes of which one is chosen: the last winner, and what the routes themselves decide. */
export function explainRoutes(
  chains: readonly Chain[],
  target: Target,
  host: StrategyHost,
  keepMs: number | undefined,
): string[] {
  return [
    ...explainWinner(chains, winnerOf(chains, target, host, keepMs)),
    ...chains.flatMap((chain) => chain.explain?.(target) ?? []),
  ];
}
