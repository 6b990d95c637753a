import { fdpassVersion } from '@fdpass/core';
import { errorJson } from '../error-json.js';
import type { Row, TraceReport } from './timeline.js';
import type { Traced } from './traced-dial.js';

/** The report as one JSON document. Times are milliseconds since the process started. */
export function renderJson({ target, rows, nowMs }: TraceReport, { found, greeting, error, result }: Traced): string {
  const document = {
    fdpass: fdpassVersion(),
    node: process.versions.node,
    target,
    rule: found?.route.reason ?? null,
    route: found?.route.chain.label ?? null,
    exitStatus: result.exitStatus,
    error: error === undefined ? null : errorJson(error),
    greeting: greeting ?? null,
    totalMs: round(nowMs),
    rows: rows.map(rowJson),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function rowJson({ kind, depth, text, outcome, details, state, startMs, endMs }: Row): Record<string, unknown> {
  return {
    kind,
    depth,
    text,
    ...(outcome !== '' && { outcome }),
    ...(details.length > 0 && { details }),
    state,
    startMs: round(startMs),
    endMs: round(endMs),
  };
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}
