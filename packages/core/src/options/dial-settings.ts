import * as v from 'valibot';
import type { DialSettings } from '../dial/settings.js';
import { duration } from './values.js';

/*
 * What core itself does around a dial, as rules and hops write it.
 */

const EXPECT = 'must be the text that the server begins with, such as "SSH-", a list of such texts, or false';
const MAX_PREFIX = 200;

/** Shown if it is the beginning of a protocol. */
const greetingText: v.GenericSchema<string> = v.pipe(
  v.string(EXPECT),
  v.nonEmpty(EXPECT),
  v.maxLength(MAX_PREFIX, `must be at most ${MAX_PREFIX} characters`),
  v.metadata({ jsonSchema: { type: 'string', format: 'greeting', minLength: 1, maxLength: MAX_PREFIX } }),
);

const expectation: v.GenericSchema<unknown, readonly string[] | false> = v.pipe(
  v.union(
    [
      v.literal(false),
      v.pipe(
        greetingText,
        v.transform((text) => [text]),
      ),
      v.pipe(v.array(greetingText), v.minLength(1, EXPECT)),
    ],
    EXPECT,
  ),
);

/** The entries of an object schema with {@link DialSettings}. */
export const dialSettingEntries: Readonly<{
  [Key in keyof DialSettings]-?: v.OptionalSchema<v.GenericSchema<unknown, NonNullable<DialSettings[Key]>>, undefined>;
}> = {
  expect: v.optional(
    v.pipe(
      expectation,
      v.description(
        'what the server has to say first, e.g. "SSH-", or a list; false: nobody looks (default: several routes to port 22 expect "SSH-")',
      ),
    ),
  ),
  expectTimeout: v.optional(
    v.pipe(
      duration,
      v.minValue(1, 'must be longer than 0'),
      v.description('how long the server has to say it (default 5s)'),
    ) as never,
  ),
};

/** The settings of one hop, apart from the options of its strategy. */
export const dialSettings: v.GenericSchema<unknown, DialSettings> = v.strictObject(dialSettingEntries);
