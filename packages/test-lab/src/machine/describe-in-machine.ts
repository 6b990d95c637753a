import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Context } from 'mocha';
import { temporaryFolder } from '../background.js';
import { skip, skipOrFail } from '../peers.js';
import { bundleSpecs } from './bundle-specs.js';
import { findKernel, machineUnavailable } from './kernel.js';
import { type Machine, runInMachine } from './run-in-machine.js';

/** A test as mocha's reporter "json" tells of it. */
interface ReportedTest {
  readonly fullTitle: string;
  readonly err: { readonly message?: string; readonly stack?: string };
}

interface Report {
  readonly tests: readonly ReportedTest[];
  readonly pending: readonly ReportedTest[];
  /** Hooks that failed, too. */
  readonly failures: readonly ReportedTest[];
}

/** Machines that specs of this process want: those with the same options share one boot. */
const wanted = new Map<string, { readonly files: Set<string>; report?: Promise<Report> }>();

/** In a machine: the options that it was started with. */
const VARIABLE = 'FDPASS_TEST_MACHINE';
/** For all tests of one boot, in an emulated processor: a failure alone waits so long. */
const TIMEOUT_MS = (process.env['FDPASS_TEST_LONG'] === '1' ? 180 : 15) * 60_000;
/** For one of them. */
const TEST_TIMEOUT_MS = 120_000;

/**
 * A suite whose tests run as root in a virtual machine with a kernel of its own. All specs of one mocha process that want the
 * same machine share one boot; there they run in a mocha of their own, and here each test ends as it did there. Skipped with the
 * reason where no machine can run, which fails with FDPASS_REQUIRE_PEERS=1.
 *
 * @param title The name of the suite; the kernel's release is added.
 * @param url `import.meta.url` of the spec.
 * @param body Declares tests and hooks. Here they are only declared, so it must not depend on the kernel.
 */
export function describeInMachine(title: string, url: string, machine: Machine, body: () => void): void {
  const key = JSON.stringify(machine);
  const inside = process.env[VARIABLE];
  if (inside !== undefined) {
    if (inside === key) describe(title, body);
    return;
  }
  const shared = wanted.get(key) ?? { files: new Set<string>() };
  wanted.set(key, shared);
  shared.files.add(fileURLToPath(url));
  describe(title, () => {
    before(function () {
      const reason = machineUnavailable();
      if (reason !== undefined) skipOrFail(this, reason);
    });
    declareOnly(body, function (this: Context, fullTitle) {
      this.timeout(TIMEOUT_MS);
      shared.report ??= runSpecs(machine, key, [...shared.files]);
      return shared.report.then((report) => endAs(this, fullTitle, report));
    });
  });
}

/** Runs `body` with mocha's functions replaced by some that declare tests without their hooks. */
function declareOnly(body: () => void, run: (this: Context, fullTitle: string) => Promise<void>): void {
  const { it: realIt, before: b, after: a, beforeEach: be, afterEach: ae } = globalThis;
  const declare = (title: string): Mocha.Test =>
    realIt(title, function () {
      return run.call(this, this.test?.fullTitle() ?? title);
    });
  const ignore = (): void => {};
  try {
    Object.assign(globalThis, { it: declare, before: ignore, after: ignore, beforeEach: ignore, afterEach: ignore });
    body();
  } finally {
    Object.assign(globalThis, { it: realIt, before: b, after: a, beforeEach: be, afterEach: ae });
  }
}

async function runSpecs(machine: Machine, key: string, files: readonly string[]): Promise<Report> {
  const shared = temporaryFolder();
  const report = join(shared.path, 'report.json');
  try {
    const specs = await bundleSpecs(files, shared.path, { report, timeoutMs: TEST_TIMEOUT_MS });
    const { status, stderr, stdout } = await runInMachine(machine, [process.execPath, specs], {
      env: insideEnvironment(key),
      shared: shared.path,
      timeoutMs: TIMEOUT_MS,
    });
    if (existsSync(report)) return JSON.parse(readFileSync(report, 'utf8')) as Report;
    throw new Error(`mocha ended with ${status} in the machine (${findKernel()?.release})\n${stderr}\n${stdout}`);
  } finally {
    shared.remove();
  }
}

function insideEnvironment(key: string): Record<string, string> {
  const own = Object.entries(process.env).filter(
    ([name]) => name.startsWith('FDPASS_TEST') || name === 'FDPASS_REQUIRE_PEERS',
  );
  return { ...Object.fromEntries(own.map(([name, value]) => [name, value ?? ''])), [VARIABLE]: key };
}

function endAs(test: Context, fullTitle: string, { tests, pending, failures }: Report): void {
  const failed = failures.find((each) => each.fullTitle === fullTitle);
  if (failed !== undefined) throw errorOf(failed);
  if (pending.some((each) => each.fullTitle === fullTitle)) skip(test, 'skipped in the machine');
  if (tests.some((each) => each.fullTitle === fullTitle)) return;
  const hook = failures.find((each) => each.fullTitle.includes(' hook '));
  throw hook === undefined ? new Error('it did not run in the machine') : errorOf(hook);
}

function errorOf({ fullTitle, err }: ReportedTest): Error {
  const error = new Error(err.message ?? `failed in the machine: ${fullTitle}`);
  if (err.stack !== undefined) error.stack = err.stack;
  return error;
}
