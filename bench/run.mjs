// Runs every benchmark, or the named ones: `npm run bench -- start`. Figures are ratios and medians of interleaved runs:
// machines are noisy, and only figures measured side by side can be compared.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ALL = ['routes', 'start', 'agent', 'black-hole', 'tls-relay', 'dials'];
const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const options = process.argv.slice(2).filter((word) => word.startsWith('--'));
for (const name of wanted.length > 0 ? wanted : ALL) {
  if (options.length === 0) console.log(`\n== ${name}`);
  const script = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  execFileSync(process.execPath, [script, ...options], { stdio: 'inherit' });
}
