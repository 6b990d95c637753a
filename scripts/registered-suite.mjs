// Runs each test file of another project twice, as it is and with fdpass/register, and shows those whose results differ:
//   node scripts/registered-suite.mjs FOLDER FILE ... -- COMMAND ...
// COMMAND gets a file as its last argument and writes TAP (`node --test-reporter=tap`, `ava --tap`); for another one its status
// counts. NODE_OPTIONS is passed on. FDPASS_SUITE_LIMIT is how many seconds a file may take (120).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REGISTER = fileURLToPath(new URL('../packages/cli/dist/register.js', import.meta.url));
const LIMIT_MS = Number(process.env.FDPASS_SUITE_LIMIT ?? 120) * 1000;

const words = process.argv.slice(2);
const end = words.indexOf('--');
const [folder, ...files] = words.slice(0, end);
const [program, ...args] = words.slice(end + 1);
if (end < 2 || program === undefined) {
  console.error('usage: node scripts/registered-suite.mjs FOLDER FILE ... -- COMMAND ...');
  process.exit(64);
}

const home = mkdtempSync(join(tmpdir(), 'registered-suite-')); // without a configuration: every connection is direct
const totals = { plain: [0, 0], registered: [0, 0] };
let differing = 0;
for (const file of files) {
  const plain = await run(file, '');
  const registered = await run(file, `--require="${REGISTER.replace(/["\\]/g, '\\$&')}"`);
  add(totals.plain, plain);
  add(totals.registered, registered);
  if (describe(plain) === describe(registered)) console.log(`same    ${file}: ${describe(plain)}`);
  else {
    differing += 1;
    console.log(`DIFFERS ${file}: ${describe(plain)}; registered: ${describe(registered)}`);
  }
}
rmSync(home, { recursive: true });
const sum = ([passed, failed]) => `${passed} passed, ${failed} failed`;
console.log(
  `total: ${sum(totals.plain)}; registered: ${sum(totals.registered)}; ${differing} of ${files.length} differ`,
);
process.exitCode = differing > 0 ? 1 : 0;

function run(file, option) {
  const options = [process.env.NODE_OPTIONS, option].filter(Boolean).join(' ');
  const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: join(home, '.config'), NODE_OPTIONS: options };
  const child = spawn(program, [...args, file], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  let output = '';
  child.stdout.on('data', (text) => {
    output += text;
  });
  const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), LIMIT_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (status) => {
      clearTimeout(timer);
      resolve({ passed: count(output, 'pass'), failed: count(output, 'fail'), status });
    });
  });
}

/** As TAP's last lines have it. */
function count(output, what) {
  return Number(new RegExp(`^# ${what}(?:ed)? +(\\d+)`, 'm').exec(output)?.[1] ?? 0);
}

function describe({ passed, failed, status }) {
  return `${passed} passed, ${failed} failed, ${status === null ? 'did not end' : `status ${status}`}`;
}

function add(total, { passed, failed }) {
  total[0] += passed;
  total[1] += failed;
}
