'use strict';
// A mocha reporter: failures in full as they happen, skips with their reasons, one line for each suite that passed. How
// each file ended is written as JSON to the file FDPASS_TEST_REPORT.
const { writeFileSync } = require('node:fs');
const Mocha = require('mocha');

const { EVENT_RUN_END, EVENT_TEST_FAIL, EVENT_TEST_PASS, EVENT_TEST_PENDING, EVENT_SUITE_BEGIN, EVENT_SUITE_END } =
  Mocha.Runner.constants;

module.exports = class Reporter {
  constructor(runner) {
    /** @type {Map<string, { ms: number, passed: number, failed: number, skipped: number, failures: string[] }>} */
    const files = new Map();
    const resultOf = ({ file }) => {
      if (!files.has(file)) files.set(file, { ms: 0, passed: 0, failed: 0, skipped: 0, failures: [] });
      return files.get(file);
    };
    let inSuite = 0;
    let startedMs = 0;
    runner.on(EVENT_TEST_PASS, (test) => {
      resultOf(test).passed++;
      inSuite++;
    });
    runner.on(EVENT_TEST_PENDING, (test) => {
      resultOf(test).skipped++;
      const reason = skipReason(test);
      console.log(`- skipped: ${test.fullTitle()}${reason ? ` (${reason})` : ''}`);
    });
    runner.on(EVENT_TEST_FAIL, (test, error) => {
      const result = resultOf(test);
      result.failed++;
      result.failures.push(`${test.fullTitle()}: ${firstLine(error)}`);
      console.log(`x FAILED: ${test.fullTitle()}\n${indent(describe(error))}`);
    });
    runner.on(EVENT_SUITE_BEGIN, (suite) => {
      if (suite.parent?.root) startedMs = Date.now();
    });
    runner.on(EVENT_SUITE_END, (suite) => {
      if (!suite.parent?.root) return;
      resultOf(suite).ms += Date.now() - startedMs;
      if (inSuite === 0) return;
      console.log(`. ${suite.title}: ${inSuite} passed`);
      inSuite = 0;
    });
    runner.once(EVENT_RUN_END, () => {
      const results = [...files].map(([file, result]) => ({ file, ...result }));
      if (process.env.FDPASS_TEST_REPORT) writeFileSync(process.env.FDPASS_TEST_REPORT, JSON.stringify(results));
    });
  }
};

/** `skip` of the test-lab, and `describeStrategy`, store it in the test, or in its suite if a hook was skipped. */
function skipReason(runnable) {
  return runnable === undefined ? undefined : (runnable.skipReason ?? skipReason(runnable.parent));
}

/** What the summary at the end says of a failure. */
function firstLine(error) {
  return String(error?.message ?? error)
    .split('\n', 1)[0]
    .slice(0, 300);
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
