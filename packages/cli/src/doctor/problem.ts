import { type Config, type ConfigProblem, formatWhere } from '@fdpass/core/host';
import { shownPath } from '../shown-path.js';
import type { Finding } from './finding.js';

/** A problem of "fdpass check". */
export function problemFinding({ severity, error: { where, hop, summary, hint } }: ConfigProblem): Finding {
  const place = where === undefined ? undefined : shownPath(formatWhere(where));
  const [message = '', ...advice] = hint === undefined ? summary.split('; ') : [summary]; // some messages have it in them
  const what = [place, hop, message].filter((part) => part !== undefined).join(': ');
  return { severity, what, fix: hint ?? (advice.join('; ') || 'correct it with "fdpass config edit"') };
}

/** Whether it is at the place where a plugin is named. */
export function isAboutPlugin({ error: { where } }: ConfigProblem, config: Config | undefined): boolean {
  const places = (config?.plugins ?? []).map((plugin) => formatWhere(plugin.where()));
  return where !== undefined && places.includes(formatWhere(where));
}
