import type { StrategyHost, Target, Winner } from '@fdpass/core';

/** The last winner among the same candidates for the same target. */
export function winnerOf(
  candidates: readonly { readonly label: string }[],
  { host, port }: Target,
  { winners }: StrategyHost,
): Winner {
  return winners.of(JSON.stringify([host, port, ...candidates.map(({ label }) => label)]));
}
