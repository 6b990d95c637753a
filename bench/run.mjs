// Runs every benchmark, or the named ones: `npm run bench -- start`. Figures are ratios and medians of interleaved runs:
// machines are noisy, and only figures measured side by side can be compared.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ALL = ['routes', 'start', 'black-hole', 'tls-relay', 'dials'];
const wanted = process.argv.slice(2).length > 0 ? process.argv.slice(2) : ALL;
for (const name of wanted) {
  console.log(`\n== ${name}`);
  execFileSync(process.execPath, [fileURLToPath(new URL(`${name}.mjs`, import.meta.url))], { stdio: 'inherit' });
}
