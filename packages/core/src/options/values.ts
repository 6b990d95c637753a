import * as v from 'valibot';
import { parseDuration } from '../ground/clock.js';
import { isFdpassError } from '../ground/errors.js';
import { normalizeHost } from '../ground/read-target.js';
import { isMapping } from '../ground/shown.js';
import type { TargetKind } from '../ground/target.js';
import { hasKnownTokens } from '../ground/tokens.js';

/*
 * Values that several strategies have in their options. Each schema takes what the config writes and gives what code
 * wants; its messages are for the person who wrote it.
 */

const DURATION = 'must be a duration: write 250ms, 30s or 2m';

/** A duration as the config writes it; gives milliseconds. */
export const duration: v.GenericSchema<string | number, number> = v.pipe(
  v.union([v.string(), v.number()], DURATION),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const ms = parseDuration(dataset.value);
    if (ms !== undefined) return ms;
    addIssue({ message: DURATION });
    return NEVER;
  }),
  v.metadata({ jsonSchema: { $ref: '#/definitions/duration' } }),
);

/**
 * A short duration, such as the head start of an attempt; gives milliseconds. A plain number would mean seconds as in any
 * duration, and whoever writes one here means milliseconds: so there has to be a unit.
 */
export const delay: v.GenericSchema<string | number, number> = v.pipe(
  v.union([v.string(), v.number()], DURATION),
  v.rawCheck(({ dataset, addIssue }) => {
    const text = String(dataset.value).trim();
    if (!PLAIN_NUMBER.test(text) || Number(text) === 0) return;
    addIssue({ message: `needs a unit; write ${text}ms or ${text}s` });
  }),
  duration,
  v.metadata({ jsonSchema: { $ref: '#/definitions/delay' } }),
);

const PLAIN_NUMBER = /^\d{1,6}(\.\d{1,6})?$/;

/** The name of a target of one of these kinds, normalised as targets are. */
export function targetName(...kinds: readonly TargetKind[]): v.GenericSchema<string, string> {
  return v.pipe(
    v.string('must be a host name or an address'),
    v.rawTransform<string, string>(({ dataset, addIssue, NEVER }) => {
      try {
        return normalizeHost(dataset.value, kinds);
      } catch (error) {
        if (!isFdpassError(error)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
    v.metadata({ jsonSchema: textOf('host') }),
  );
}

/*
 * Texts that `explain` and errors can show, since their form says what they are. Any other text of an option is masked. The
 * form is the `format` of the JSON Schema, so schemas of other libraries can say it too.
 */

function textOf(format: string): { readonly type: 'string'; readonly format: string } {
  return { type: 'string', format };
}

/** `[USER@]HOST[:PORT]`; shown without the user. */
export const hostText: v.GenericSchema<string> = v.pipe(
  v.string('must be a host name or an address'),
  v.metadata({ jsonSchema: textOf('host') }),
);

/** A path; shown if it begins with `/`, `~/`, `./` or `../`. */
export const pathText: v.GenericSchema<string> = v.pipe(
  v.string('must be a path'),
  v.metadata({ jsonSchema: textOf('path') }),
);

/** The same for a file that holds a secret: `fdpass check` looks whether it can be used. */
export const secretPathText: v.GenericSchema<string> = v.pipe(
  v.string('must be a path'),
  v.metadata({ jsonSchema: textOf('secret-path') }),
);

/** A program and its arguments, which no shell sees. */
export const commandLine: v.GenericSchema<string[]> = v.pipe(
  v.array(v.string('must be a text'), 'must be a list: the program and its arguments'),
  v.minLength(1, 'an empty list is not a command'),
  v.metadata({ jsonSchema: { type: 'array', items: { type: 'string' }, minItems: 1, format: 'command' } }),
);

/** A {@link commandLine} whose words have tokens of ssh_config in them, which `fillTokens` fills. */
export const commandTemplate: v.GenericSchema<string[]> = v.pipe(
  commandLine,
  v.check(
    (words) => words.every(hasKnownTokens),
    'has an unknown token: use %h, %p, %r and %n, and %% for a percent sign',
  ),
);

/** A URL; shown without user-info, path and query. `message` says what to write. */
export function urlText(message: string): v.GenericSchema<string> {
  return v.pipe(v.string(message), v.metadata({ jsonSchema: textOf('url') }));
}

/** Valibot's `record` passes these names over, since assigning to them is dangerous: what has such a name would be missing without a word. */
const PASSED_OVER = ['__proto__', 'prototype', 'constructor'];

/** A mapping whose keys the user chooses: names of `what`, e.g. `a header`. `message` is for what is not a mapping. */
export function named<In, Out>(
  what: string,
  item: v.GenericSchema<In, Out>,
  message: v.ErrorMessage<v.CustomIssue>,
): v.GenericSchema<Record<string, In>, Record<string, Out>> {
  const record = v.record(v.string(), item);
  return v.pipe(
    v.custom<Record<string, In>>(isMapping, message),
    v.check(
      (value) => !PASSED_OVER.some((name) => Object.hasOwn(value, name)),
      `${what} cannot be called __proto__, prototype or constructor`,
    ),
    record,
    v.metadata({ mapping: record }),
  );
}

const PORT = 'must be a port from 1 to 65535';

/** A port. */
export const port: v.GenericSchema<number, number> = v.pipe(
  v.number(PORT),
  v.integer(PORT),
  v.minValue(1, PORT),
  v.maxValue(65535, PORT),
);

/** An address family, or `any`. */
export const family: v.GenericSchema<'any' | 4 | 6, 'any' | 4 | 6> = v.pipe(
  v.picklist(['any', 4, 6], 'must be any, 4 or 6'),
  v.description("use only this address family, as ssh's AddressFamily (default any)"),
);

/** A nested `use` value; `StrategyHost.route` compiles it, and says what is wrong with it. */
export const routeSchema: v.GenericSchema<unknown> = v.pipe(
  v.unknown(),
  v.metadata({ jsonSchema: { $ref: '#/definitions/route' } }),
);

/** Routes in a list that is not empty. */
export const routeList: v.GenericSchema<readonly unknown[], readonly unknown[]> = v.pipe(
  v.array(routeSchema, 'must be a list of routes'),
  v.minLength(1, 'must name at least one route'),
);
