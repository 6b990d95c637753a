import { expect } from 'chai';
import { orderRecords } from './records.js';

/** `priority/weight name`, as in the tables below. */
function order(records: readonly string[], ...draws: number[]): string[] {
  const parsed = records.map((text) => {
    const [priority, weight, name = ''] = text.split(/[/ ]/);
    return { priority: Number(priority), weight: Number(weight), name, port: 22 };
  });
  return orderRecords(parsed, () => draws.shift() ?? 0).map(({ name }) => name);
}

const LAST = 0.999;

const CASES: readonly (readonly [records: readonly string[], draws: readonly number[], order: string])[] = [
  [[], [], ''],
  [['5/0 a'], [], 'a'],
  [['20/0 b', '10/0 a', '30/0 c'], [], 'a b c'],
  [['20/9 b', '10/1 a', '9/0 z'], [LAST, LAST, LAST], 'z a b'],
  [['1/10 a', '1/20 b', '1/70 c'], [0, 0, 0], 'a b c'],
  [['1/10 a', '1/20 b', '1/70 c'], [0.5, 0.5, 0], 'c b a'],
  [['1/10 a', '1/20 b', '1/70 c'], [0.2, LAST, 0], 'b c a'],
  [['1/10 a', '1/20 b', '1/70 c'], [LAST, LAST, LAST], 'c b a'],
  [['1/5 a', '1/0 z'], [0], 'z a'], // the very small probability of a weight of 0
  [['1/5 a', '1/0 z'], [0.2], 'a z'],
  [['1/0 y', '1/0 z'], [LAST, LAST], 'y z'],
  [['2/1 c', '1/1 a', '2/1 d', '1/1 b'], [LAST, 0, LAST, 0], 'b a d c'],
];

describe('srv: the order of records (RFC 2782)', () => {
  for (const [records, draws, expected] of CASES) {
    it(`${records.join(', ')} with ${draws.join(', ')} drawn: ${expected}`, () => {
      expect(order(records, ...draws).join(' ')).to.equal(expected);
    });
  }

  it('gives each server of one priority its share of first places', () => {
    const firsts = { a: 0, b: 0 };
    const runs = 1001; // RFC 2782 draws from 0 to the sum of the weights, both included
    for (let run = 0; run < runs; run++) {
      const [first] = order(['1/250 a', '1/750 b'], run / runs);
      firsts[first as 'a' | 'b']++;
    }
    expect(firsts).to.deep.equal({ a: 251, b: 750 });
  });

  it('leaves the list it is given alone', () => {
    const records = Object.freeze([
      { priority: 2, weight: 1, name: 'b', port: 1 },
      { priority: 1, weight: 1, name: 'a', port: 1 },
    ]);
    expect(orderRecords(records, () => 0)).to.have.length(2);
  });
});
