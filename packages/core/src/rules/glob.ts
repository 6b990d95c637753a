const STAR = 42; // *
const QUESTION = 63; // ?

/** Whether `text` has a wildcard of ssh_config's patterns in it. */
export function hasWildcard(text: string): boolean {
  return text.includes('*') || text.includes('?');
}

/**
 * Whether the whole of `text` matches `glob`: `*` is any number of characters, `?` is one (ssh_config(5), PATTERNS).
 *
 * Only the last `*` is ever tried again, so the time is at most the product of both lengths, however hostile the glob.
 */
export function matchGlob(glob: string, text: string): boolean {
  let at = 0;
  let starAt = -1; // the last star seen, and how much of the text it has taken so far
  let taken = 0;
  for (let i = 0; i < text.length; ) {
    const wanted = at < glob.length ? glob.charCodeAt(at) : -1;
    if (wanted === STAR) {
      starAt = at++;
      taken = i;
    } else if (wanted === QUESTION || wanted === text.charCodeAt(i)) {
      at++;
      i++;
    } else if (starAt !== -1) {
      at = starAt + 1;
      i = ++taken;
    } else {
      return false;
    }
  }
  while (glob.charCodeAt(at) === STAR) at++;
  return at === glob.length;
}
