/** One challenge of a Proxy-Authenticate header (RFC 9110 §11.3). */
export interface Challenge {
  /** Lower case, e.g. `digest`. */
  readonly scheme: string;
  /** By lower-case name, quotes undone. */
  readonly params: ReadonlyMap<string, string>;
  /** What comes in place of parameters, for schemes such as Negotiate. */
  readonly token68?: string | undefined;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const PARAM = new RegExp(`^(${TOKEN})[ \\t]*=[ \\t]*(${QUOTED}|${TOKEN})$`, 's');
const SCHEME = new RegExp(`^(${TOKEN})(?:[ \\t]+(.*))?$`, 's');
// A quote that never ends goes to the end: looking for another reading of it would take quadratic time.
const ITEM = /(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^,"])+/gs;

/**
 * Takes Proxy-Authenticate values apart: one header can hold several challenges, separated by the same commas as
 * their parameters. An item that is not a parameter begins a new challenge.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const challenges: (Challenge & { params: Map<string, string>; token68?: string })[] = [];
  for (const item of values.flatMap((value) => value.match(ITEM) ?? []).map((text) => text.trim())) {
    const current = challenges.at(-1);
    if (addParam(current?.params, item)) continue;
    const [, scheme, rest = ''] = SCHEME.exec(item) ?? [];
    if (scheme === undefined) continue;
    const params = new Map<string, string>();
    const isParam = addParam(params, rest.trim());
    challenges.push({ scheme: scheme.toLowerCase(), params, ...(!isParam && rest !== '' && { token68: rest.trim() }) });
  }
  return challenges;
}

function addParam(params: Map<string, string> | undefined, item: string): boolean {
  const [, name, value] = PARAM.exec(item) ?? [];
  if (params === undefined || name === undefined || value === undefined) return false;
  params.set(name.toLowerCase(), value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value);
  return true;
}
