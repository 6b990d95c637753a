import { formatMs } from '@fdpass/core/host';

/** Whose addresses are looked up, of which family if not of both, and by which name servers if not those of the system. */
export function describeLookUp({ host, family, servers }: Question): string {
  const by = servers === undefined ? '' : ` by ${servers.join(', ')}`;
  return family === 4 || family === 6 ? `${host} (IPv${family})${by}` : `${host}${by}`;
}

/** A look-up. */
interface Question {
  readonly host: string;
  readonly family?: 0 | 4 | 6;
  readonly servers?: readonly string[];
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
