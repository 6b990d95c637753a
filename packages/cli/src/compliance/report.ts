import { oneLine } from '@fdpass/core';
import type { CheckResult } from '@fdpass/testkit';
import { type Colour, glyphsOf, type Look, paint } from '../trace/look.js';
import type { RowState } from '../trace/timeline.js';

/** How one strategy did, with one set of options. */
export interface StrategyReport {
  readonly strategy: string;
  readonly title?: string | undefined;
  readonly checks: readonly CheckResult[];
}

const SHOWN: Readonly<Record<CheckResult['outcome'], readonly [mark: RowState, colour: Colour]>> = {
  passed: ['done', 'green'],
  failed: ['failed', 'red'],
  skipped: ['cancelled', 'dim'],
};

/** What comes before the checks of a strategy. */
export function titleLine(strategy: string, title: string | undefined, file: string): string {
  return [strategy, title, `(${file})`].filter(Boolean).join(' ');
}

/** The lines of one check. */
export function checkLines({ name, outcome, reason }: CheckResult, look: Look): string[] {
  const [state, colour] = SHOWN[outcome];
  const mark = paint(glyphsOf(look).mark[state], colour, look);
  if (reason === undefined) return [`  ${mark}  ${name}`];
  if (outcome === 'skipped') return [`  ${mark}  ${paint(`${name} (skipped: ${oneLine(reason)})`, colour, look)}`];
  return [`  ${mark}  ${paint(name, colour, look)}`, `       ${oneLine(reason)}`];
}

/** How many checks of all strategies passed, failed and were skipped. */
export function summaryLine(reports: readonly StrategyReport[], look: Look): string {
  const counts = countsOf(reports.flatMap(({ checks }) => checks));
  const words = Object.entries(counts).filter(([outcome, count]) => count > 0 || outcome === 'passed');
  return paint(
    words.map(([outcome, count]) => `${count} ${outcome}`).join(', '),
    counts.failed > 0 ? 'red' : 'green',
    look,
  );
}

/** All of it, for programs. */
export function renderJson(file: string, reports: readonly StrategyReport[], exitStatus: number): string {
  const strategies = reports.map((report) => ({ ...report, ...countsOf(report.checks) }));
  return `${JSON.stringify({ file, strategies, exitStatus }, null, 2)}\n`;
}

function countsOf(checks: readonly CheckResult[]): Record<CheckResult['outcome'], number> {
  const count = (outcome: CheckResult['outcome']): number => checks.filter((check) => check.outcome === outcome).length;
  return { passed: count('passed'), failed: count('failed'), skipped: count('skipped') };
}
