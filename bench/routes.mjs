/*
 * What a routing decision costs among 10,000 mixed rules: the indexed look-up, and beside it trying every rule in order.
 * Run it after the build: node bench/routes.mjs
 */
import { performance } from 'node:perf_hooks';
import { parseMatchers } from '../packages/core/dist/rules/rule.js';
import { compileRules } from '../packages/core/dist/rules/rule-table.js';

const RULES = 10_000;
const LOOK_UPS = 100_000;
const BATCH = 1000;
const NAIVE_LOOK_UPS = 500;

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
function makeTarget(n) {
  const i = (n * 7919) % RULES;
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

/** Microseconds a look-up, one figure for each batch. */
function batches(targets, size, find) {
  const figures = [];
  for (let at = 0; at < targets.length; at += size) {
    const batch = targets.slice(at, at + size);
    figures.push((timed(() => batch.forEach(find)).ms * 1000) / batch.length);
  }
  return figures;
}

const environment = { localAddresses: () => ['192.168.1.7'] };
const parsed = timed(() => Array.from({ length: RULES }, (_, i) => makeRule(i)));
const rules = parsed.result;
const targets = Array.from({ length: LOOK_UPS }, (_, n) => makeTarget(n));

const table = compileRules(rules, environment);
const miss = { ...MISS(0), port: 22 };
const first = timed(() => table.find(miss)); // tries every rule: a command routes once and needs no index
const second = timed(() => table.find(miss)); // files every rule
const indexed = batches(targets, BATCH, (target) => table.find(target));
// A table that is asked once tries every rule in order, so a fresh one for each look-up is the naive scan.
const naive = batches(targets.slice(0, NAIVE_LOOK_UPS), NAIVE_LOOK_UPS / 10, (target) =>
  compileRules(rules, environment).find(target),
);

for (const target of targets.slice(0, NAIVE_LOOK_UPS)) {
  if (table.find(target)?.index !== compileRules(rules, environment).find(target)?.index)
    throw new Error(`they differ for ${target.host}`);
}

const line = (what, value, unit) => console.log(`${what.padEnd(44)} ${value.toFixed(2).padStart(10)} ${unit}`);
console.log(`${RULES} rules, ${LOOK_UPS} look-ups, Node ${process.versions.node}`);
line('parse all patterns', parsed.ms, 'ms');
line('first look-up (no index yet)', first.ms, 'ms');
line('second look-up (compiles the index)', second.ms, 'ms');
line('a look-up, indexed, median of batches', median(indexed), 'µs');
line('a look-up, every rule tried, median', median(naive), 'µs');
line('ratio', median(naive) / median(indexed), 'times');
