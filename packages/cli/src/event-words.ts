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
