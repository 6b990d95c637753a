import { FDPASS } from './syntax.js';
import { ERROR_STATUS } from './usage.js';

/** The topic that lists all codes. */
export const ALL_ERRORS = 'errors';

/** What `fdpass help` can be asked for. */
export const HELP_TOPICS: readonly string[] = [
  ...FDPASS.commands.map(({ name }) => name).filter(Boolean),
  ALL_ERRORS,
  ...ERROR_STATUS.map(({ code }) => code),
];
