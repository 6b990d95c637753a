/** One challenge of a Proxy-Authenticate header (RFC 9110 §11.3). */
export interface Challenge {
  /** Lower case, e.g. `digest`. */
  readonly scheme: string;
  /** By lower-case name, quotes undone. A character is one octet, as the proxy sent it. */
  readonly params: ReadonlyMap<string, string>;
  /** What comes in place of parameters, for schemes such as Negotiate. */
  readonly token68?: string | undefined;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const NAME = new RegExp(`(${TOKEN})[ \\t]*=[ \\t]*`, 'y');
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t,]|$)`, 'y');
const TOKEN68 = /[ \t]+([A-Za-z0-9._~+/-]+=*)(?=[ \t]*(?:,|$))/y; // RFC 9110 §11.2
// A quote that never ends goes to the end: looking for another reading of it would take quadratic time.
const QUOTED = /"((?:[^"\\]|\\.)*)(?:"|\\?$)/sy;
/**
 * A value without quotes goes to the comma, blanks and all, or to the next parameter where commas are left out. The RFC
 * allows neither; proxies send both, and curl reads the first.
 */
const UNQUOTED = new RegExp(`(?:[^ \\t,]+|[ \\t]+(?![ \\t]|${TOKEN}[ \\t]*=))*`, 'y');
const JUNK = /[ \t,]+|[^ \t,]+/y;

/**
 * Takes Proxy-Authenticate values apart: one header can hold several challenges, separated by the same commas as
 * their parameters. A word that is not a parameter begins a new challenge.
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const challenges: OpenChallenge[] = [];
  for (const value of values) new HeaderReader(value).readInto(challenges);
  return challenges;
}

type OpenChallenge = Challenge & { readonly params: Map<string, string>; token68?: string | undefined };

/** Reads one header value from left to right. */
class HeaderReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readInto(challenges: OpenChallenge[]): void {
    while (this.#at < this.#text.length) {
      const params = challenges.at(-1)?.params;
      if (params !== undefined && this.#readParam(params)) continue;
      const challenge = this.#readScheme();
      if (challenge !== undefined) challenges.push(challenge);
      else this.#take(JUNK);
    }
  }

  #readScheme(): OpenChallenge | undefined {
    const [, scheme] = this.#take(SCHEME) ?? [];
    if (scheme === undefined) return undefined;
    const [, token68] = this.#take(TOKEN68) ?? [];
    return { scheme: scheme.toLowerCase(), params: new Map(), ...(token68 !== undefined && { token68 }) };
  }

  #readParam(params: Map<string, string>): boolean {
    const [, name] = this.#take(NAME) ?? [];
    if (name === undefined) return false;
    const [, quoted] = this.#take(QUOTED) ?? [];
    const value = quoted?.replace(/\\(.)/gs, '$1') ?? this.#take(UNQUOTED)?.[0].trim() ?? '';
    params.set(name.toLowerCase(), value);
    return true;
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text) ?? undefined;
    if (match !== undefined) this.#at = pattern.lastIndex;
    return match;
  }
}
