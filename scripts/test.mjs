// Runs every test on this Node, and with `--node 22,24,26` on others too, except what is the same on every Node. The last
// line is the total. Other arguments go to mocha (`--grep …`). In CI a file with a failure runs once more, by itself: a test
// that passes then has lost a race on a busy machine, which is no reason to refuse a change but is named, so that it is mended.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installPeers, PEERS } from './install-peers.mjs';
import { nodeFolder, withNode } from './node-versions.mjs';
import { batches, FIRST_NODE_ONLY } from './test-files.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
/** Most tests wait for other processes more than they work. */
const PROCESSES = availableParallelism() + 1;
const SECOND_TRIES = 5; // of files for each Node: when more fail, the code is at fault
const BATCH_TIMEOUT_MS = 20 * 60_000; // mocha's own limits work only while the event loop runs

/** Failures of tests are not kept for the user; and a check of the compliance suite, five seconds for authors, has time on a busy machine. */
const ENVIRONMENT = { XDG_STATE_HOME: '/dev/null', FDPASS_PATIENCE_MS: '20000' };

const args = process.argv.slice(2);
const versions = takeVersions(args);
reportMissing(installPeers());
if (versions.length > 0)
  console.log(
    `test: only on Node ${process.versions.node}, since they do not depend on it: ${FIRST_NODE_ONLY.map(shortName).join(', ')}`,
  );

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const lateSuccesses = [];
for (const version of [undefined, ...versions]) {
  try {
    await runTests(version);
  } catch (error) {
    fail(error.message);
  }
}
for (const success of lateSuccesses) console.log(`passed only at the second try: ${success}`);
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
  const queue = batches(version === undefined);
  const reports = mkdtempSync(join(tmpdir(), 'fdpass-test-'));
  const startedMs = Date.now();
  const results = [];
  const work = async () => {
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift())
      results.push(...(await runBatch(name, folder, batch, join(reports, `${queue.length}.json`))));
  };
  try {
    await Promise.all(Array.from({ length: PROCESSES }, work));
    const failed = results.filter((result) => result.failed > 0);
    if (process.env.CI === 'true' && failed.length <= SECOND_TRIES)
      for (const first of failed) {
        console.log(`test: once more, by itself: ${first.file}`);
        const [second = first] = await runBatch(name, folder, [first.file], join(reports, 'second.json'));
        results[results.indexOf(first)] = second;
        if (second.failed === 0) lateSuccesses.push(...first.failures.map((failure) => `${name}: ${failure}`));
      }
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
  for (const result of results) {
    for (const key of Object.keys(total)) total[key] += result[key];
    failures.push(...result.failures.map((failure) => `${name}: ${failure}`));
  }
  console.log(`${name}: ${inSeconds(Date.now() - startedMs)}; the slowest: ${slowest(results)}`);
}

/** Runs some of the specs in a mocha of their own. Resolves to how each file ended. */
async function runBatch(name, folder, files, report) {
  rmSync(report, { force: true });
  const ending = await runMocha(folder, files, report);
  if (!existsSync(report)) {
    fail(`${name}: mocha ended with ${ending} and no report of ${files.join(', ')}`);
    return [];
  }
  const results = JSON.parse(readFileSync(report, 'utf8'));
  if (ending !== 0 && results.every(({ failed }) => failed === 0))
    fail(`${name}: mocha ended with ${ending} after ${files.join(', ')}`);
  return results;
}

function slowest(results) {
  const first = results.sort((a, b) => b.ms - a.ms).slice(0, 5);
  return first.map(({ file, ms }) => `${shortName(file)} ${inSeconds(ms)}`).join(', ');
}

/** `cli/guide.integration` for `packages/cli/dist-test/guide.integration.spec.js`. */
function shortName(file) {
  const [, name, path] = /packages\/([^/]+)\/dist(?:-test)?\/(.*)\.spec\.js$/.exec(file);
  return `${name}/${path}`;
}

function inSeconds(ms) {
  return `${Math.round(ms / 1000)} s`;
}

/** Resolves to the exit status or the signal. */
function runMocha(folder, files, report) {
  const only = process.env.CI === 'true' ? ['--forbid-only'] : [];
  const words = ['node_modules/mocha/bin/mocha.js', '--reporter', './scripts/test-reporter.cjs', ...only, ...args];
  const child = spawn(folder ? join(folder, 'node') : process.execPath, [...words, ...files], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...withNode(folder), ...ENVIRONMENT, FDPASS_TEST_REPORT: report },
    timeout: BATCH_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', (code, signal) => resolve(code ?? signal));
  });
}
