// Runs every test on this Node, and with `--node 22,24,26` on others too. The last line is the total. Other arguments go to
// mocha (`--grep …`).
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeers, PEERS } from './install-peers.mjs';
import { nodeFolder, withNode } from './node-versions.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
/** Most tests wait for other processes more than they work. */
const PROCESSES = 2;
/** Folders of compiled specs in a package, and where their sources are. */
const SOURCES = new Map([
  ['dist', 'src'],
  ['dist-test', 'test'],
]);
const RUN_TIMEOUT_MS = 20 * 60_000; // mocha's own limits work only while the event loop runs

const args = process.argv.slice(2);
const versions = takeVersions(args);
reportMissing(installPeers());

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
for (const version of [undefined, ...versions]) {
  try {
    await runTests(version);
  } catch (error) {
    fail(error.message);
  }
}
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

function takeVersions(words) {
  const at = words.findIndex((word) => /^--node(=|$)/.test(word));
  if (at === -1) return [];
  const [, inline] = words[at].split('=');
  const [value] = words.splice(at, inline === undefined ? 2 : 1).slice(-1);
  const list = inline ?? (value === '--node' ? '' : value);
  if (/^\d+(,\d+)*$/.test(list)) return list.split(',');
  console.error('usage: npm test -- [--node 22,24,26] [mocha options]');
  process.exit(64);
}

function reportMissing(programs) {
  if (programs.length === 0) return;
  const fate = process.env.FDPASS_REQUIRE_PEERS === '1' ? 'fail' : 'are skipped';
  const names = programs.map((name) => `${name} (${PEERS[name]})`).join(', ');
  console.log(`test: not installed, so the tests that need them ${fate}: ${names}`);
}

function fail(message) {
  console.log(`test: ${message}`);
  failures.push(message);
  total.failed += 1;
}

/** Runs them on one version of Node (default: this one) and adds to the total. */
async function runTests(version) {
  const folder = version && nodeFolder(version);
  if (version && !folder) return console.log(`test: Node ${version} skipped: its binaries are for Linux on x64`);
  const name = `Node ${version ?? process.versions.node}`;
  const results = mkdtempSync(join(tmpdir(), 'fdpass-test-'));
  try {
    await Promise.all(
      shares(specs()).map((files, index) => runShare(name, folder, files, join(results, `${index}.json`))),
    );
  } finally {
    rmSync(results, { recursive: true, force: true });
  }
}

/** Runs some of the specs in a mocha of their own and adds to the total. */
async function runShare(name, folder, files, report) {
  const ending = await runMocha(folder, files, report);
  if (!existsSync(report)) return fail(`${name}: mocha ended with ${ending} and no report`);
  const counts = JSON.parse(readFileSync(report, 'utf8'));
  for (const key of Object.keys(total)) total[key] += counts[key];
  failures.push(...counts.failures.map((title) => `${name}: ${title}`));
  if (ending !== 0 && counts.failed === 0) fail(`${name}: mocha ended with ${ending}`);
}

/** Resolves to the exit status or the signal. */
function runMocha(folder, files, report) {
  const only = process.env.CI === 'true' ? ['--forbid-only'] : [];
  const words = ['node_modules/mocha/bin/mocha.js', '--reporter', './scripts/test-reporter.cjs', ...only, ...args];
  const child = spawn(folder ? join(folder, 'node') : process.execPath, [...words, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...withNode(folder), FDPASS_TEST_REPORT: report },
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve(code ?? signal));
  });
}

/** Files for each of the processes that run at once. Neighbours in the list take about as long, so they are dealt out in turn. */
function shares(files) {
  return Array.from({ length: PROCESSES }, (_, share) => files.filter((_file, index) => index % PROCESSES === share));
}

/** The compiled specs whose source still exists. */
function specs() {
  return readdirSync('packages')
    .flatMap((name) => [...SOURCES.keys()].map((compiled) => join('packages', name, compiled)))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true }).map((file) => join(folder, file)))
    .filter((file) => file.endsWith('.spec.js') && existsSync(sourceOf(file)))
    .sort();
}

function sourceOf(file) {
  const [packages, name, compiled, ...path] = file.split(sep);
  return join(packages, name, SOURCES.get(compiled), ...path).replace(/\.js$/, '.ts');
}
