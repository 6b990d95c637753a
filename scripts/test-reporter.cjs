'use strict';
// A mocha reporter: failures in full as they happen, skips with their reasons, one line for each suite that passed, and
// the counts as JSON in the file FDPASS_TEST_REPORT.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING, EVENT_SUITE_END } = Mocha.Runner.constants;

module.exports = class Reporter {
  constructor(runner) {
    const counts = { passed: 0, failed: 0, skipped: 0, failures: [] };
    let inSuite = 0;
    runner.on(EVENT_TEST_PASS, () => {
      counts.passed++;
      inSuite++;
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      counts.skipped++;
      const reason = skipReason(test);
      console.log(`- skipped: ${test.fullTitle()}${reason ? ` (${reason})` : ''}`);
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      counts.failed++;
      counts.failures.push(test.fullTitle());
      console.log(`x FAILED: ${test.fullTitle()}\n${indent(describe(error))}`);
    });
    runner.on(EVENT_SUITE_END, (suite) => {
      if (!suite.parent?.root || inSuite === 0) return;
      console.log(`. ${suite.title}: ${inSuite} passed`);
      inSuite = 0;
    });
    runner.once(EVENT_RUN_END, () => {
      const { passed, failed, skipped } = counts;
      const seconds = Math.round(runner.stats.duration / 1000);
      console.log(`Node ${process.version}: ${passed} passed, ${failed} failed, ${skipped} skipped (${seconds} s)`);
      if (process.env.FDPASS_TEST_REPORT) writeFileSync(process.env.FDPASS_TEST_REPORT, JSON.stringify(counts));
    });
  }
};

/** `skip` of the test-lab, and `describeStrategy`, store it in the test, or in its suite if a hook was skipped. */
function skipReason(runnable) {
  return runnable === undefined ? undefined : (runnable.skipReason ?? skipReason(runnable.parent));
}

function describe(error) {
  const text = String(error?.stack ?? error?.message ?? error);
  const causes = error?.cause ? `\ncaused by: ${describe(error.cause)}` : '';
  if (error?.showDiff === false || error?.expected === undefined) return `${text}${causes}`;
  return `${text}\n${Mocha.reporters.Base.generateDiff(asText(error.actual), asText(error.expected))}${causes}`;
}

function asText(value) {
  return typeof value === 'string' ? value : Mocha.utils.stringify(value);
}

function indent(text) {
  return text.replace(/^/gm, '    ');
}
