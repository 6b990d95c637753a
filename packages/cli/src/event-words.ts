import { formatMs } from '@fdpass/core/host';

/** Whose addresses are looked up, and of which family if not of both. */
export function describeLookUp({ host, family }: { readonly host: string; readonly family?: 0 | 4 | 6 }): string {
  return family === 4 || family === 6 ? `${host} (IPv${family})` : host;
}

/** A plugin's own event: its name, and its details as `key=value`. */
export function describePluginEvent({ event, ...details }: { readonly event: string }): string {
  const words = Object.entries(details).flatMap(([key, value]) =>
    key === 'within' ? [] : `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [event, ...words].join(' ');
}

/** When a dial is made again. */
export function describeRetry({
  inMs,
  tries,
  times,
}: {
  readonly inMs: number;
  readonly tries: number;
  readonly times?: number;
}): string {
  const made =
    times === undefined ? `${tries} ${tries === 1 ? 'try' : 'tries'} made` : `${tries} of ${times} tries made`;
  return `trying again in ${formatMs(inMs)} (${made})`;
}
