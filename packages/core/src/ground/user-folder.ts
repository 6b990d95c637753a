import { isAbsolute, join } from 'node:path';

/**
 * Our folder among those of the XDG Base Directory Specification 0.8, which ignores a relative path in a variable. Undefined
 * where the user has no place for it.
 *
 * @param variable Names the folder that ours is in.
 * @param underHome Its default.
 */
export function userFolder(
  variable: string,
  underHome: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const base = environment[variable] || (environment['HOME'] && join(environment['HOME'], underHome));
  return base && isAbsolute(base) ? join(base, 'fdpass') : undefined;
}

/** What is to outlive a cache that is deleted. Undefined where the user has no place for it. */
export function stateFolder(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  return userFolder('XDG_STATE_HOME', '.local/state', environment);
}
