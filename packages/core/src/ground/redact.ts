/** What replaces a secret. */
const MASK = '***';

/**
 * A URL as it can be shown: the password and everything after the authority's path (query, fragment) are masked. A URL
 * that is not well formed (a password with a slash in it, a quote before it, slashes or the scheme left out) is masked up
 * to its last `@`.
 */
export function redactUrl(text: string): string {
  return text
    .replace(/^([\s"'<]*(?:[a-z][a-z0-9+.-]*:)?[/\\]*)(.*)@/is, (_, start: string, userInfo: string) => {
      if (userInfo.includes(':')) return `${start}${userInfo.split(':', 1)[0]}:${MASK}@`;
      // Without slashes that can be NAME:PASSWORD as well as SCHEME:NAME.
      return `${start}${start.endsWith(':') ? MASK : userInfo}@`;
    })
    .replace(/[?#].*$/s, (rest) => `${rest[0]}${MASK}`);
}

// Where a secret comes from may be shown (passwordFile, passwordEnv, passwordCommand); the secret itself may not.
const SECRET_KEY = /(password|passphrase|secret|token|authorization|cookie|pin|apikey|api-key)$/i;
/** With or without what some parsers forgive: slashes left out, a scheme left out, something before the URL. */
const URL_LIKE = /^[\s"'<]*(?:[a-z][a-z0-9+.-]*:(?:\/\/|.*@)|\/\/.*@)/is;

/** Options as they can be shown: values under secret-sounding keys masked, URLs by {@link redactUrl}. */
export function redactOptions(value: unknown, key = ''): unknown {
  if (SECRET_KEY.test(key)) return MASK;
  if (typeof value === 'string') return URL_LIKE.test(value) ? redactUrl(value) : value;
  if (Array.isArray(value)) return value.map((item) => redactOptions(item));
  if (typeof value !== 'object' || value === null) return value;
  // `headers: { Authorization: … }` and the like: the name is the key, so the same test holds one level down.
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, redactOptions(item, name)]));
}
