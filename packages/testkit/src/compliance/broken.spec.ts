import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { run } from '@fdpass/test-lab';
import { expect } from 'chai';
import { CHECK_NAMES } from './all-checks.js';

const FIXTURE = fileURLToPath(new URL('broken.spec.helper.js', import.meta.url));
const MOCHA = createRequire(import.meta.url).resolve('mocha/bin/mocha.js');

interface Report {
  readonly failures: readonly {
    readonly title: string;
    readonly fullTitle: string;
    readonly err: { message: string };
  }[];
  readonly passes: readonly { readonly title: string; readonly fullTitle: string }[];
}

/** The suite must fail who deserves it: strategies broken on purpose, one for each check, in a mocha of their own. */
describe('the compliance suite', function () {
  this.timeout(240_000);
  let report: Report;
  before(async () => {
    const args = ['--no-config', '--reporter', 'json', '--timeout', '60000', '--exit', FIXTURE];
    const { stdout, stderr } = await run(process.execPath, [MOCHA, ...args], {
      timeoutMs: 230_000,
      env: { FDPASS_PATIENCE_MS: '1000' },
    });
    try {
      report = JSON.parse(stdout.slice(stdout.indexOf('{\n  "stats"')));
    } catch {
      throw new Error(`mocha said ${stdout}${stderr}`);
    }
  });
  const failuresOf = (title: string) =>
    report.failures.filter(({ fullTitle }) => fullTitle.startsWith(`${title} strategy`));

  it('has the checks that the README lists, in its words', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const [, table = ''] = /it checks that the strategy.*\n\|.*\n([\s\S]*?)\n\n/.exec(readme) ?? [];
    const listed = table.split('\n').map((row) => row.split('|')[1]?.trim());
    expect(listed.sort()).to.deep.equal([...CHECK_NAMES].sort());
  });

  it('passes a sound strategy in every check', () => {
    expect(failuresOf('nothing, it is sound')).to.deep.equal([]);
    const passed = report.passes.filter(({ fullTitle }) => fullTitle.startsWith('nothing, it is sound'));
    expect(passed.map(({ title }) => title)).to.deep.equal([...CHECK_NAMES]);
  });

  for (const name of CHECK_NAMES) {
    it(`fails who is broken in this: ${name}`, () => {
      const failures = failuresOf(name);
      expect(failures.map(({ title }) => title)).to.include(name);
      const message = failures.find(({ title }) => title === name)?.err.message ?? '';
      expect(message).to.match(/; /); // what was wrong; what to do about it
    });
  }
});
