// Runs every benchmark, or the named ones: `npm run bench -- relay`. Figures are medians of interleaved runs, and ratios to
// what was measured beside them: machines are noisy. `--json` prints what was measured, `--docs` writes it to docs/bench.
import { execFileSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { show } from './figures.mjs';
import { writePage } from './page.mjs';

/** Those that give charts. */
const CHARTS = {
  session: () => measure('session'),
  relay: () => measure('relay'),
  library: () => measure('library'),
  listen: () => measure('listen'),
  agent() {
    const figures = measure('agent');
    for (const [title, values] of Object.entries(figures)) {
      const isCount = Object.values(values).every((value) => typeof value !== 'object');
      if (isCount) texts[`agent, ${title}`] = Object.entries(values).map(([name, value]) => `${name}: ${value}`);
    }
    return toCharts(figures);
  },
};
/** Those that print text of their own. */
const TEXTS = ['routes', 'start', 'black-hole', 'tls-relay', 'kernel-tls', 'dials', 'kill-agent'];

const args = process.argv.slice(2);
const named = args.filter((word) => !word.startsWith('--'));
const asJson = args.includes('--json');
const machine = { cores: cpus().length, cpu: cpus()[0]?.model, node: process.version, load: loadavg()[0] };
const charts = {};
/** What the others print, in lines. */
const texts = {};

for (const name of named.length > 0 ? named : [...Object.keys(CHARTS), ...TEXTS]) {
  if (!asJson) console.log(`\n== ${name}`);
  if (!(name in CHARTS)) {
    const text = runScript(name, [], asJson ? 'pipe' : 'inherit');
    if (asJson) texts[name] = text.trimEnd().split('\n');
    continue;
  }
  charts[name] = CHARTS[name]();
  if (!asJson) show(charts[name]);
}
if (asJson) console.log(JSON.stringify({ machine, charts, texts }, undefined, 2));
if (args.includes('--docs')) writePage({ machine, charts, texts });

/** What a script measures, in a process of its own: what others have done before it would change its figures. */
function measure(name) {
  return JSON.parse(runScript(name, ['--json'], 'pipe'));
}

function runScript(name, options, stdout) {
  const script = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  return execFileSync(process.execPath, [script, ...options], {
    stdio: ['ignore', stdout, 'inherit'],
    encoding: 'utf8',
  });
}

/** Times to a descriptor, in groups of commands with their ratio to one of them; what is not times has no chart. */
function toCharts(groups) {
  return Object.entries(groups).flatMap(([title, times]) => {
    const commands = Object.entries(times).filter(([, figure]) => figure?.ms !== undefined);
    const base = commands.find(([, { ratio }]) => ratio === 1)?.[0];
    if (base === undefined) return [];
    const bars = Object.fromEntries(commands.map(([name, { ms }]) => [name, ms]));
    return [{ title: `${title}: ms to the descriptor`, more: 'worse', base, bars }];
  });
}
