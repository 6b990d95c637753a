/** Whether fdpass needs a newer version of Node. */
export function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major < 20 || (major === 20 && minor < 19);
}

/** The newest version that the tests run with. */
const NEWEST_TRIED = 26;

/** Whether fdpass has been tried with such a version. */
export function isTried(version: string): boolean {
  return !isTooOld(version) && Number.parseInt(version, 10) <= NEWEST_TRIED;
}
