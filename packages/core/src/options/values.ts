import * as v from 'valibot';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `250ms`, `30s`, `2m`, `1h`, or a plain number of seconds (as ssh_config and curl take it), in milliseconds; undefined if it is none. */
export function parseDuration(input: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(input).trim());
  if (match === null) return undefined;
  const ms = Number(match[1]) * (UNITS[match[2] ?? 's'] ?? Number.NaN);
  return ms <= 0x7fffffff ? ms : undefined; // what a timer can hold, a little under 25 days
}

/** A schema that takes a duration as written in the config and gives milliseconds. */
export const duration: v.GenericSchema<string | number, number> = v.pipe(
  v.union([v.string(), v.number()]),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const ms = parseDuration(dataset.value);
    if (ms !== undefined) return ms;
    addIssue({ message: `${JSON.stringify(dataset.value)} is no duration; write 250ms, 30s or 2m` });
    return NEVER;
  }),
  v.metadata({ jsonSchema: { $ref: '#/definitions/duration' } }),
);
