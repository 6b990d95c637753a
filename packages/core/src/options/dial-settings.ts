import * as v from 'valibot';
import type { DialSettings, RetryCause, RetrySettings } from '../dial/settings.js';
import { parseNameServer } from '../lookup/name-servers.js';
import { delay, duration } from './values.js';

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

const SERVER = 'must be the address of a name server, such as 10.0.0.53 or "[2001:db8::53]:5353"';

const nameServer: v.GenericSchema<string> = v.pipe(
  v.string(SERVER),
  v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
    const server = parseNameServer(dataset.value);
    if (server !== undefined) return server;
    addIssue({ message: SERVER });
    return NEVER;
  }),
  v.metadata({ jsonSchema: { type: 'string', format: 'host' } }),
);
const nameServerList = v.pipe(v.array(nameServer), v.minLength(1, 'must name at least one name server'));

/** Name servers: one, or a list. */
export const nameServers: v.GenericSchema<unknown, readonly string[]> = v.pipe(
  v.unknown(),
  v.transform((value) => [value].flat()),
  nameServerList,
  v.metadata({ byType: [nameServer, nameServerList] }),
);

const TIMES = 'must be a whole number from 1 to 1000';
const RETRY = 'must be how many times to try again, or a mapping with times, backoff, on, timeout and within';
const CAUSES = ['refused', 'unreachable', 'timeout', 'closed', 'unknown-host'] as const satisfies readonly RetryCause[];
/** A name that nobody knows seldom becomes one by waiting. */
const DEFAULT_CAUSES: readonly RetryCause[] = ['refused', 'unreachable', 'timeout', 'closed'];
const DEFAULT_TIMES = 3;
const DEFAULT_BACKOFF_MS = 1000;

const times = v.pipe(v.number(TIMES), v.integer(TIMES), v.minValue(1, TIMES), v.maxValue(1000, TIMES));
const longerThanNone = v.pipe(duration, v.minValue(1, 'must be longer than 0'));

const cause = v.picklist(CAUSES, `must be one of ${CAUSES.join(', ')}`);
const causes = v.pipe(v.array(cause), v.minLength(1, 'an empty list retries nothing; leave it out'));

const retryEntries = {
  times: v.optional(v.pipe(times, v.description('how many times to try again (default 3)'))),
  backoff: v.optional(
    v.pipe(
      delay,
      v.description('the wait before the first new try; it doubles each time, up to ten times as long (default 1s)'),
    ),
  ),
  on: v.optional(
    v.pipe(
      v.unknown(),
      v.transform((value) => [value].flat()),
      causes,
      v.metadata({ byType: [cause, causes] }),
      v.description('the failures to try again after (default: refused, unreachable, timeout and closed)'),
    ),
  ),
  timeout: v.optional(v.pipe(longerThanNone, v.description('the time limit for each try'))),
  within: v.optional(
    v.pipe(longerThanNone, v.description('the limit for all tries together, if it is longer than that of the dial')),
  ),
};
const retryMapping = v.strictObject(
  retryEntries,
  `"retry" has an unknown key; use one of: ${Object.keys(retryEntries).join(', ')}`,
);

type WrittenRetry = number | v.InferOutput<typeof retryMapping>;

const retry: v.GenericSchema<unknown, RetrySettings> = v.pipe(
  v.custom<unknown>(
    (value) => typeof value === 'number' || (typeof value === 'object' && !Array.isArray(value)),
    RETRY,
  ),
  v.lazy((input): v.GenericSchema<unknown, WrittenRetry> => (typeof input === 'number' ? times : retryMapping)),
  v.transform((written): RetrySettings => {
    const {
      times: again = DEFAULT_TIMES,
      backoff: backoffMs = DEFAULT_BACKOFF_MS,
      on = DEFAULT_CAUSES,
      timeout,
      within,
    } = typeof written === 'number' ? { times: written } : written;
    return { times: again, backoffMs, on, timeoutMs: timeout, withinMs: within };
  }),
  v.metadata({ byType: [times, retryMapping] }),
);

/** The entries of an object schema with {@link DialSettings}. */
export const dialSettingEntries: Readonly<{
  [Key in keyof DialSettings]-?: v.OptionalSchema<v.GenericSchema<unknown, NonNullable<DialSettings[Key]>>, undefined>;
}> = {
  dns: v.optional(
    v.pipe(
      nameServers,
      v.description('the name servers to ask, e.g. 10.0.0.53, or a list (default: as the system looks names up)'),
    ),
  ),
  resolve: v.optional(
    v.pipe(
      v.picklist(['here', 'there'], 'must be here or there'),
      v.description(
        "where the target's name is looked up: here, so that each of its addresses is tried; or there, at the far end of the hop (default: depends on the hop)",
      ),
    ),
  ),
  expect: v.optional(
    v.pipe(
      expectation,
      v.description(
        'what the server has to say first, e.g. "SSH-", or a list of alternatives; false: do not look (default: several routes to port 22 expect "SSH-")',
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
  retry: v.optional(
    v.pipe(
      retry,
      v.description(
        'try again after a failure that can pass: how many times, or a mapping with times, backoff, on, timeout, within',
      ),
    ),
  ),
};

/** The settings of one hop, apart from the options of its strategy. */
export const dialSettings: v.GenericSchema<unknown, DialSettings> = v.strictObject(dialSettingEntries);
