import * as v from 'valibot';
import { isMapping } from '../ground/shown.js';
import { commandTemplate, duration } from '../options/values.js';
import type { ConditionSet, ExecCondition, ReachableCondition } from '../rules/condition.js';
import type { LocalNetwork, Pattern } from '../rules/pattern.js';
import { parseReachable } from '../rules/read-condition.js';
import { parseLocalNetwork, parseUserPattern } from '../rules/read-pattern.js';
import { atLeastOne, converted, entry, listOf, mapping, text } from './expect.js';

/*
 * What a rule asks of this machine and its network, as the config writes it.
 */

/** How long a program can take: every dial that comes to the rule waits for it. */
const EXEC_TIMEOUT_MS = 5000;

const limit = entry('how long it can take', duration);

const place: v.GenericSchema<unknown, ReachableCondition> = v.pipe(
  v.lazy((input) => (isMapping(input) ? limitedPlace : plainPlace)),
  v.metadata({
    jsonSchema: {
      anyOf: [
        { type: 'string', minLength: 1 },
        {
          type: 'object',
          properties: { address: { type: 'string', minLength: 1 }, timeout: { $ref: '#/definitions/duration' } },
          required: ['address'],
          additionalProperties: false,
        },
      ],
    },
  }),
);

const plainPlace: v.GenericSchema<unknown, ReachableCondition> = converted(text, (written) => parseReachable(written));

const limitedPlace: v.GenericSchema<unknown, ReachableCondition> = v.pipe(
  mapping('a place', { address: plainPlace, timeout: limit }),
  v.transform(({ address, timeout }) => ({ ...address, timeoutMs: timeout ?? address.timeoutMs })),
);

const program: v.GenericSchema<unknown, ExecCondition> = v.pipe(
  v.lazy((input) => (isMapping(input) ? limitedProgram : plainProgram)),
  v.metadata({
    jsonSchema: {
      anyOf: [
        { type: 'array', items: { type: 'string' }, minItems: 1, format: 'command' },
        {
          type: 'object',
          properties: {
            command: { type: 'array', items: { type: 'string' }, minItems: 1, format: 'command' },
            timeout: { $ref: '#/definitions/duration' },
          },
          required: ['command'],
          additionalProperties: false,
        },
      ],
    },
  }),
);

const plainProgram: v.GenericSchema<unknown, ExecCondition> = v.pipe(
  commandTemplate as v.GenericSchema<unknown, string[]>,
  v.transform((command) => ({ command, timeoutMs: EXEC_TIMEOUT_MS })),
);

const limitedProgram: v.GenericSchema<unknown, ExecCondition> = v.pipe(
  mapping('a program', { command: commandTemplate as v.GenericSchema<unknown, string[]>, timeout: limit }),
  v.transform(({ command, timeout }) => ({ command, timeoutMs: timeout ?? EXEC_TIMEOUT_MS })),
);

const names: v.GenericSchema<unknown, Pattern[]> = atLeastOne(listOf(converted(text, parseUserPattern)));

const networks: v.GenericSchema<unknown, LocalNetwork[]> = atLeastOne(listOf(converted(text, parseLocalNetwork)));

/** The entries of a rule for its conditions, `not` apart. */
export const conditionEntries: Readonly<{
  [Key in keyof ConditionSet]-?: v.OptionalSchema<v.GenericSchema<unknown, NonNullable<ConditionSet[Key]>>, undefined>;
}> = {
  localNetwork: entry('only while an address of this machine is in one of these networks', networks),
  profile: entry('only while "fdpass use" has set one of these profiles', names),
  interface: entry('only while one of these network interfaces is up, e.g. wg0', names),
  reachable: entry(
    'only while one of these places (HOST:PORT) accepts connections; { address: HOST:PORT, timeout: 1s } sets how long it can take (default 1s)',
    atLeastOne(listOf(place)),
  ),
  exec: entry(
    'only if this program, a list with its arguments, exits with status 0; { command: [...], timeout: 5s } sets how long it can take (default 5s)',
    program,
  ),
};

/** The entry for what must not hold. */
export const notEntry: v.OptionalSchema<v.GenericSchema<unknown, ConditionSet>, undefined> = entry(
  'only while none of these conditions holds',
  v.pipe(
    mapping('"not"', conditionEntries),
    v.check(
      (set) => Object.values(set).some((value) => value !== undefined),
      'expected a condition, such as interface: wg0',
    ),
  ) as v.GenericSchema<unknown, ConditionSet>,
);
