import { isFdpassError, messageOf, oneLine } from '@fdpass/core';
import { exitCodeOf } from '@fdpass/core/host';

/** An error for programs: the line for people, taken apart. */
export function errorJson(error: unknown): Record<string, unknown> {
  const exitStatus = exitCodeOf(error);
  if (!isFdpassError(error)) return { code: 'internal', message: oneLine(messageOf(error)), exitStatus };
  const { code, summary, where, hint, target, rule, hop, attempts, routes } = error;
  return {
    code,
    message: summary,
    where,
    hint,
    target: target && { host: target.host, port: target.port },
    rule,
    hop,
    attempts: attempts.length > 0 ? attempts : undefined,
    routes: routes !== undefined && routes.length > 0 ? routes : undefined,
    exitStatus,
  };
}
