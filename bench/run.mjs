// Runs every benchmark, or the named ones: `npm run bench -- relay`. Figures are medians of interleaved runs, and ratios to
// what was measured beside them: machines are noisy. `--json` prints what was measured, `--docs` writes it to docs/bench.
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { show } from './figures.mjs';
import { writePage } from './page.mjs';

/** Those that give charts. */
const CHARTS = ['relay', 'library'];
/** Those that print text of their own. */
const TEXTS = ['routes', 'start', 'black-hole', 'tls-relay', 'dials'];

const args = process.argv.slice(2);
const named = args.filter((word) => !word.startsWith('--'));
const wanted = named.length > 0 ? named : [...CHARTS, ...TEXTS];
const asJson = args.includes('--json');
const measured = { machine: { cores: cpus().length, cpu: cpus()[0]?.model, node: process.version }, charts: {} };

for (const name of wanted) {
  const file = new URL(`${name}.mjs`, import.meta.url);
  if (!asJson) console.log(`\n== ${name}`);
  if (CHARTS.includes(name)) {
    const { measure } = await import(file);
    measured.charts[name] = await measure();
    if (!asJson) show(measured.charts[name]);
  } else
    execFileSync(process.execPath, [fileURLToPath(file)], {
      stdio: ['ignore', asJson ? 'ignore' : 'inherit', 'inherit'],
    });
}
if (asJson) console.log(JSON.stringify(measured, undefined, 2));
if (args.includes('--docs')) writePage(measured);
process.exit(0);
