import type { SrvRecord } from 'node:dns';

/**
 * SRV records in the order in which they are tried (RFC 2782, "Usage rules"): the lowest priority number first; within
 * one priority, drawn one after the other, each with a chance in proportion to its weight. A weight of 0 has
 * "a very small probability of being selected" while there are others.
 *
 * @param random Gives a number from 0 up to but not including 1.
 */
export function orderRecords(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  const priorities = [...new Set(records.map(({ priority }) => priority))].sort((a, b) => a - b);
  return priorities.flatMap((each) =>
    draw(
      records.filter(({ priority }) => priority === each),
      random,
    ),
  );
}

function draw(records: readonly SrvRecord[], random: () => number): SrvRecord[] {
  // "Arrange all SRV RRs … in any order, except that all those with weight 0 are placed at the beginning of the list."
  const left = records.toSorted((a, b) => Number(a.weight > 0) - Number(b.weight > 0));
  const drawn: SrvRecord[] = [];
  while (left.length > 0) drawn.push(...left.splice(pick(left, random), 1));
  return drawn;
}

/** The first record whose running sum of weights reaches a number drawn from 0 to the sum of all, both included. */
function pick(records: readonly SrvRecord[], random: () => number): number {
  const total = records.reduce((sum, { weight }) => sum + weight, 0);
  const drawn = Math.floor(random() * (total + 1));
  let sum = 0;
  return records.findIndex(({ weight }) => {
    sum += weight;
    return sum >= drawn;
  });
}
