import type { ConfigSearch } from '@fdpass/core/host';

/** What happens to a host that no rule matches, in plain words. */
export const REACHED_DIRECTLY = 'are reached directly, by happy-eyeballs';

/** Where a configuration was looked for, and what is there in place of one; a line each. */
export function searchLines({ folders, names, unread }: ConfigSearch): string[] {
  return [
    ...(folders.length > 0 ? [`looked for ${listed(names, 'or')} in ${listed(folders, 'and')}`] : []),
    ...unreadLines(unread),
  ];
}

/** Files that look like a configuration but are not read, a line each. */
export function unreadLines(unread: readonly string[]): string[] {
  return unread.map((file) => `found ${file}, which is not read`);
}

function listed(words: readonly string[], last: 'and' | 'or'): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}
