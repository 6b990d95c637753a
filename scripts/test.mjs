// Runs every test, on this Node and with `--node 22,24,26` on others too. The last line is the total.
// Other arguments go to mocha (`--grep …`).
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeers, PEERS } from './install-peers.mjs';
import { nodeFolder } from './node-versions.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const args = process.argv.slice(2);
const versions = takeVersions(args);

const missing = installPeers();
if (missing.length > 0)
  console.log(
    `test: not installed, tests that need them are ${process.env.FDPASS_REQUIRE_PEERS === '1' ? 'failed' : 'skipped'}: ${missing.map((name) => `${name} (${PEERS[name]})`).join(', ')}`,
  );

const total = { passed: 0, failed: 0, skipped: 0 };
for (const version of [undefined, ...versions]) {
  const folder = version && nodeFolder(version);
  if (version && !folder) {
    console.log(`test: Node ${version} skipped: its binaries are for Linux on x64`);
    continue;
  }
  await runMocha(folder);
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

function takeVersions(words) {
  const at = words.indexOf('--node');
  return at === -1 ? [] : words.splice(at, 2)[1].split(',');
}

function specs() {
  const inFolder = (folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : inFolder(path);
      return entry.name.endsWith('.spec.js') ? [path] : [];
    });
  return readdirSync('packages')
    .map((name) => join('packages', name, 'dist'))
    .filter((folder) => existsSync(folder))
    .flatMap(inFolder);
}

async function runMocha(nodeBin) {
  const results = mkdtempSync(join(tmpdir(), 'fdpass-test-'));
  const report = join(results, 'report.json');
  const path = nodeBin ? `${nodeBin}${delimiter}${process.env.PATH}` : process.env.PATH;
  const node = nodeBin ? join(nodeBin, 'node') : process.execPath;
  const status = await new Promise((resolve) => {
    const child = spawn(
      node,
      ['node_modules/mocha/bin/mocha.js', '--reporter', './scripts/test-reporter.cjs', ...args, ...specs()],
      {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: { ...process.env, PATH: path, FDPASS_TEST_REPORT: report },
      },
    );
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8'));
    for (const key of Object.keys(total)) total[key] += counts[key];
  } catch {
    console.log(`test: mocha ended with ${status} and no report`);
    total.failed += 1;
  }
  rmSync(results, { recursive: true, force: true });
}
