/** What stands where a secret was. */
const MASK = '***';

/**
 * A URL as it may be shown: the password and everything after the authority's path (query, fragment) are masked. A URL
 * that is not well formed (a password with a slash in it, slashes left out) is masked up to its last `@`.
 */
export function redactUrl(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:[/\\]*)(.*)@/is, (_, scheme: string, userInfo: string) => {
      const user = userInfo.split(':', 1)[0];
      return `${scheme}${user}${userInfo.includes(':') ? `:${MASK}` : ''}@`;
    })
    .replace(/[?#].*$/s, (rest) => `${rest[0]}${MASK}`);
}

// Where a secret comes from may be shown (passwordFile, passwordEnv, passwordCommand); the secret itself may not.
const SECRET_KEY = /(password|passphrase|secret|token|authorization|cookie|pin|apikey|api-key)$/i;
const URL_LIKE = /^[a-z][a-z0-9+.-]*:(?:\/\/|.*@)/is; // with or without the slashes that some parsers forgive

/** Options as they may be shown: values under secret-sounding keys masked, URLs by {@link redactUrl}. */
export function redactOptions(value: unknown, key = ''): unknown {
  if (SECRET_KEY.test(key)) return MASK;
  if (typeof value === 'string') return URL_LIKE.test(value) ? redactUrl(value) : value;
  if (Array.isArray(value)) return value.map((item) => redactOptions(item));
  if (typeof value !== 'object' || value === null) return value;
  // `headers: { Authorization: … }` and the like: the name is the key, so the same test holds one level down.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactOptions(item, name)]));
}
