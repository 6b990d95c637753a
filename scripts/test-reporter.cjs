'use strict';
// A mocha reporter: failures in full as they happen, skips with their reasons, one line a file's worth of passes, and
// the counts as JSON in FDPASS_TEST_REPORT.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING, EVENT_SUITE_END } = Mocha.Runner.constants;

module.exports = class Reporter {
  constructor(runner) {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    let inSuite = 0;
    runner.on(EVENT_TEST_PASS, () => {
      counts.passed++;
      inSuite++;
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      counts.skipped++;
      console.log(`- skipped: ${test.fullTitle()}${test.skipReason ? ` (${test.skipReason})` : ''}`);
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      counts.failed++;
      console.log(
        `x FAILED: ${test.fullTitle()}\n${indent(Mocha.reporters.Base.generateDiff && error.showDiff !== false && error.expected !== undefined ? `${error.message}\n${Mocha.reporters.Base.generateDiff(error.actual, error.expected)}\n${error.stack ?? ''}` : (error.stack ?? String(error)))}`,
      );
    });
    runner.on(EVENT_SUITE_END, (suite) => {
      if (suite.parent?.root && inSuite > 0) {
        console.log(`. ${suite.title}: ${inSuite} passed`);
        inSuite = 0;
      }
    });
    runner.once(EVENT_RUN_END, () => {
      console.log(
        `Node ${process.version}: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped (${Math.round(runner.stats.duration / 1000)} s)`,
      );
      if (process.env.FDPASS_TEST_REPORT) writeFileSync(process.env.FDPASS_TEST_REPORT, JSON.stringify(counts));
    });
  }
};

function indent(text) {
  return text.replace(/^/gm, '    ');
}
