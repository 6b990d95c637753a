import * as v from 'valibot';
import type { BeforeSettings } from '../dial/settings.js';
import { commandTemplate, duration } from './values.js';

/** Enough to bring up a VPN; few machines boot as fast. */
const DEFAULT_TIMEOUT_MS = 60_000;

const BEFORE = 'must be a list: the program and its arguments; or a mapping with command, timeout and terminal';

const mappingEntries = {
  command: v.pipe(
    commandTemplate,
    v.description('the program and its arguments; %h %p %r %n %% are filled in; no shell'),
  ),
  timeout: v.optional(v.pipe(duration, v.description('the limit for the command; 0 for none (default 1m)'))),
  terminal: v.optional(
    v.pipe(v.boolean('must be true or false'), v.description('let the command ask on the terminal (default false)')),
  ),
};
const mapping = v.strictObject(
  mappingEntries,
  `"before" needs "command", and has no keys but ${Object.keys(mappingEntries).join(', ')}`,
);

type WrittenBefore = string[] | v.InferOutput<typeof mapping>;

/** What a rule runs before its dials: a command, or a mapping with it. */
export const beforeSchema: v.GenericSchema<unknown, BeforeSettings> = v.pipe(
  v.custom<unknown>((value) => typeof value === 'object' && value !== null, BEFORE),
  v.lazy((input): v.GenericSchema<unknown, WrittenBefore> => (Array.isArray(input) ? commandTemplate : mapping)),
  v.transform((written): BeforeSettings => {
    const {
      command,
      timeout: timeoutMs = DEFAULT_TIMEOUT_MS,
      terminal = false,
    } = Array.isArray(written) ? { command: written } : written;
    return { command, timeoutMs, terminal };
  }),
  v.metadata({ byType: [commandTemplate, mapping] }),
);
