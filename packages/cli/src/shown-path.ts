import { homeFolder } from '@fdpass/core/host';

/** A path as the user writes it. */
export function shownPath(path: string): string {
  const home = homeFolder();
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}
