import { existsSync } from 'node:fs';
import { ipFamily } from './ip.js';
import { isPort, normalizeHost } from './read-target.js';
import { splitLocalName } from './target.js';
import { didYouMean, nearest } from './text.js';

/*
 * What is shown of what a user has written, in errors, explanations, traces and the cache. A secret looks like anything, so
 * nothing here asks whether a value looks like one. A value is shown if its place says what it must be, and it is that: the
 * host of a URL, a port, a name that exists. Of anything else the type is shown, or this:
 */

/** Stands for what is not shown. */
export const MASK = '***';

/** The kind of a value in words, without the value itself. */
export function describeType(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (value === '') return 'an empty text';
  if (Array.isArray(value)) return 'a list';
  return TYPES[typeof value] ?? 'something else';
}

/** Whether `value` is a mapping of YAML or JSON. */
export function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  object: 'a mapping',
};

/**
 * A word that is not one of the `known`. It is quoted only if it is so close to one of them that it must be a typo: then it
 * reveals no more than a few wrong letters. Any other word can be a secret in the wrong place.
 *
 * @param otherwise What takes its place if it is not quoted, e.g. `this name`.
 */
export function quoteUnknown(word: string, known: Iterable<string>, otherwise: string): string {
  return nearest(word, known) === undefined ? otherwise : JSON.stringify(word);
}

/** What was probably meant by a word that is not one of the `known`, or else all that can be used. */
export function hintAtKnown(word: string, known: readonly string[]): string {
  return didYouMean(word, known) ?? `use one of: ${known.join(', ')}`;
}

/**
 * A word or several, each of which begins like one. Unicode classes are slow to compile; what is above ASCII here is letters,
 * and `oneLine` takes out the rest.
 */
const NAME = /^[\w\u00a1-\uffff][\w\u00a1-\uffff.+/-]*(?: [\w\u00a1-\uffff][\w\u00a1-\uffff.+/-]*)*$/;
const MAX_NAME_LENGTH = 60;

/** Whether a name that the user has made up can be shown: of a hop, or of a rule. A URL is not one, nor is `user:password`. */
export function isShownName(name: string): boolean {
  return name.length <= MAX_NAME_LENGTH && NAME.test(name);
}

/** A name that the user has made up. */
export function showName(name: string): string {
  return isShownName(name) ? name : MASK;
}

/** `[USER@]HOST[:PORT]` without the user, an address with or without brackets, or a name such as `unix/PATH`. */
export function showHost(text: string): string {
  if (isHost(text)) return text;
  const [, user, host = '', , port] = /^(.*@)?([^@:[\]]+|\[[^@[\]]+\])(:(\d{1,5}))?$/s.exec(text) ?? [];
  if (!isHost(host) || (port !== undefined && !isPort(Number(port)))) return MASK;
  return `${user === undefined ? '' : `${MASK}@`}${host}${port === undefined ? '' : `:${port}`}`;
}

/** Characters of a path in a name such as `unix/run/socket`. */
const PLAIN_PATH = /^[\w./~%@-]+$/;

function isHost(text: string): boolean {
  const path = splitLocalName(text)?.rest;
  if (path !== undefined && !PLAIN_PATH.test(path)) return false;
  if (/^\[.*\]$/.test(text) && ipFamily(text.slice(1, -1).replace('%25', '%')) === 6) return true;
  try {
    normalizeHost(text);
    return true;
  } catch {
    return false;
  }
}

const URL_PARTS = /^([a-z][a-z0-9+.-]*):\/\/(.*@)?([^@/?#]*)(\/[^@?#]*)?([?#][^@]*)?$/is;

/**
 * A URL: its scheme, hosts and ports, and the path of a unix socket. User-info is masked, even if it is a user name alone
 * (it can be a token), and so are a query and any other path.
 *
 * @param schemes Those that the place takes. Default: any.
 */
export function showUrl(text: string, schemes?: readonly string[]): string {
  if (schemes?.some((scheme) => text === `${scheme}:`)) return text;
  const [, scheme = '', userInfo, place = '', path = '', query] = URL_PARTS.exec(text.trim()) ?? [];
  if (scheme === '' || schemes?.includes(scheme.toLowerCase()) === false) return MASK;
  const after = query === undefined ? '' : `${query[0]}${MASK}`;
  const hosts = showPlace(place, path);
  if (hosts === undefined || /[/?#]/.test(userInfo ?? '')) return `${scheme}://${MASK}`;
  return `${scheme}://${userInfo === undefined ? '' : `${MASK}@`}${hosts}${after}`;
}

/** What follows the user-info of a URL; undefined if that cannot follow it. */
function showPlace(place: string, path: string): string | undefined {
  if (/^(unix:|localhost)$/i.test(place) && path.length > 1 && PLAIN_PATH.test(path)) return `${place}${path}`;
  const hosts = place.split(',').map(showHost);
  if (hosts.includes(MASK)) return undefined;
  return `${hosts.join(',')}${path.length > 1 ? `/${MASK}` : ''}`;
}

/** A path that says that it is one: it begins with `/`, `~/`, `./` or `../`. A word alone can be a password in the wrong place. */
export function showPath(text: string): string {
  return isShownPath(text) ? text : MASK;
}

/** Whether {@link showPath} shows it. What has other characters than most paths can be a URL, or lines that have run together. */
export function isShownPath(text: string): boolean {
  return /^(?:(?:~|\.{1,2})?\/(?!\/)[\w\u00a1-\uffff.~/-]*|\.{1,2})$/.test(text);
}

/** Whether a key that the user has made up can be shown: it is one as headers have it. */
export function isHeaderName(key: string): boolean {
  return /^[a-z][a-z0-9-]{0,39}$/i.test(key);
}

/** The name of a network interface that this machine has. */
export function showInterface(name: string): string {
  if (!/^\w[\w.@:-]*$/.test(name)) return MASK;
  const withAddresses = process.getBuiltinModule('node:os').networkInterfaces();
  return existsSync(`/sys/class/net/${name}`) || Object.hasOwn(withAddresses, name) ? name : MASK;
}

/**
 * The message of a validator without what it says it has received: valibot, zod and arktype end with the value, or with words
 * for it.
 */
export function withoutReceived(message: string): string {
  return message.replace(/,? (?:but |instead )?(?:received|got) .*$|,? \(was .*$/s, '');
}
