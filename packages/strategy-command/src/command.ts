import { commandTemplate, duration, fillTokens, pathText, type Strategy } from '@fdpass/core';
import * as v from 'valibot';

/** The options of a `command` hop, as its schema gives them. */
export interface CommandOptions {
  /** The program and its arguments; `%h`, `%p`, `%r`, `%n` and `%%` are filled in, and no shell sees them. */
  readonly command: readonly string[];
  /** The program passes a descriptor over its stdout, as `nc -F` does. Default false. */
  readonly fdpass?: boolean | undefined;
  /** Milliseconds to wait for the first byte before the hand-over, so that an early failure can be told. Default 1000; 0 does not wait. */
  readonly patience?: number | undefined;
  /** A file for its stderr. Default: shown until the hand-over, then dropped. */
  readonly log?: string | undefined;
  /** Leaves it in our session, so that it can ask on the terminal. Default false. */
  readonly terminal?: boolean | undefined;
}

/** Options that `jump` has too. */
export const runEntries = {
  patience: v.optional(
    v.pipe(
      duration,
      v.description(
        'wait this long for the first byte, so that a command that fails early says why; 0s: hand over at once (default 1s, and 10s to port 22)',
      ),
    ),
  ) as v.OptionalSchema<v.GenericSchema<string | number, number>, undefined>,
  log: v.optional(
    v.pipe(
      pathText,
      v.description('a file for the stderr of the program (default: shown until the hand-over, then dropped)'),
    ),
  ) as v.OptionalSchema<v.GenericSchema<string, string>, undefined>,
  terminal: v.optional(
    v.pipe(
      v.boolean(),
      v.description(
        'let the program ask on the terminal: it then stays in the session of fdpass (default false: a session of its own)',
      ),
    ),
  ) as v.OptionalSchema<v.GenericSchema<boolean, boolean>, undefined>,
};

const optionsSchema: v.GenericSchema<unknown, CommandOptions> = v.strictObject({
  command: v.pipe(
    commandTemplate,
    v.description('the program and its arguments; %h %p %r %n %% are filled in; no shell'),
  ),
  fdpass: v.optional(
    v.pipe(
      v.boolean(),
      v.description('the command passes a descriptor over its stdout, as nc -F does (default false)'),
    ),
  ),
  ...runEntries,
});

const STAYS = 'the program copies the bytes, and stays for as long as the connection lasts';

/** Any legacy ProxyCommand as a hop: it relays, detached, and a descriptor is handed over all the same. */
export const command: Strategy<CommandOptions> = {
  name: 'command',
  firstOnly: true,
  optionsSchema,
  create({ command: words, fdpass: passesDescriptor, patience: patienceMs, log, terminal }, host) {
    const options = { passesDescriptor, patienceMs, log, terminal };
    return {
      dial: async (target, context) => {
        const argv = words.map((word) => fillTokens(word, target, 'command'));
        return host.spawn(argv, context, options);
      },
      explain: () => (passesDescriptor === true ? [] : [STAYS]),
    };
  },
};
