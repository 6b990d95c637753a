/*
 * What a routing decision costs among 10 to 10,000 mixed rules: every rule is tried in order.
 * Run it after the build: node bench/routes.mjs
 */
import { performance } from 'node:perf_hooks';
import { parseMatchers } from '../packages/core/dist/rules/rule.js';
import { compileRules } from '../packages/core/dist/rules/rule-table.js';

const SIZES = [10, 100, 1000, 10_000];
/** Rules tried in all for each size. */
const TRIALS = Number(process.env.TRIALS ?? 2_000_000);
const BATCHES = 20;

/** The shapes of the rules, each as often as the others. */
const SHAPES = [
  (i) => ({ host: [`host-${i}.corp.example`] }),
  (i) => ({ host: [`*.team-${i}.example`, `!public.team-${i}.example`] }),
  (i) => ({ host: [`.zone-${i}.example`] }),
  (i) => ({ host: [`web-${i}-*`], port: [22, '2200-2299'] }),
  (i) => ({ host: [`10.${(i >> 8) & 255}.${i & 255}.0/24`] }),
  (i) => ({ host: [`2001:db8:${i.toString(16)}::/48`] }),
  (i) => ({ host: [`db-${i}-??.*.example`] }),
  (i) => ({ host: [`*-rack${i}-*`] }),
  (i) => ({ alias: [`nick${i}`] }),
  (i) => ({ host: [`git-${i}.example`], user: ['git'] }),
];

/** A target that rule number `i` matches, and one that no rule does. */
const HITS = [
  (i) => ({ host: `host-${i}.corp.example` }),
  (i) => ({ host: `a.team-${i}.example` }),
  (i) => ({ host: `a.b.zone-${i}.example` }),
  (i) => ({ host: `web-${i}-7.example` }),
  (i) => ({ host: `10.${(i >> 8) & 255}.${i & 255}.9` }),
  (i) => ({ host: `2001:db8:${i.toString(16)}::9` }),
  (i) => ({ host: `db-${i}-01.eu.example` }),
  (i) => ({ host: `a-rack${i}-b.example` }),
  (i) => ({ host: 'somewhere.example', alias: `nick${i}` }),
  (i) => ({ host: `git-${i}.example` }),
];
const MISS = (i) => ({ host: `nothing-${i}.elsewhere.example` });

function makeRule(i) {
  return {
    ...parseMatchers(SHAPES[i % SHAPES.length](i)),
    use: 'direct',
    baseDir: '/',
    where: () => ({ file: '-', line: 1, column: 1 }),
  };
}

/** Spread over all rules, one in ten without a rule; the order is fixed. */
function makeTarget(n, size) {
  const i = (n * 7919) % size;
  return { ...(n % 10 === 9 ? MISS(i) : HITS[i % HITS.length](i)), port: 22, user: 'git' };
}

function timed(work) {
  const start = performance.now();
  const result = work();
  return { ms: performance.now() - start, result };
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** None of the rules has any. */
function noConditions() {
  throw new Error('a rule has conditions');
}

/** Microseconds a look-up: the median of the batches. */
function lookUpTime(table, size) {
  const count = Math.max(10, TRIALS / size / BATCHES);
  const batches = Array.from({ length: BATCHES }, (_, batch) => {
    const targets = Array.from({ length: count }, (_, n) => makeTarget(batch * count + n, size));
    return (timed(() => targets.forEach((target) => void table.decide(target, noConditions))).ms * 1000) / count;
  });
  return median(batches);
}

const environment = { localAddresses: () => ['192.168.1.7'] };
console.log(`Node ${process.versions.node}`);
for (const size of SIZES) {
  const parsed = timed(() => Array.from({ length: size }, (_, i) => makeRule(i)));
  const us = lookUpTime(compileRules(parsed.result, environment), size);
  console.log(
    `${String(size).padStart(6)} rules: ${us.toFixed(2).padStart(9)} µs a look-up, read in ${parsed.ms.toFixed(1)} ms`,
  );
}
