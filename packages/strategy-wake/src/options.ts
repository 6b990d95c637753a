import { commandTemplate, duration, hostText, ipFamily, port, routeSchema } from '@fdpass/core';
import * as v from 'valibot';
import { MAC } from './magic-packet.js';

/** The options of a `wake` hop, as its schema gives them. */
export interface WakeOptions {
  /** The addresses of the host's network cards: each gets a magic packet. */
  readonly mac?: readonly string[] | undefined;
  /** Where magic packets go. Default: the broadcast address of each network that this machine is in. */
  readonly broadcast?: readonly string[] | undefined;
  /** The UDP port of magic packets. Default 9. */
  readonly port?: number | undefined;
  /** A program that wakes the host, and its arguments; `%h`, `%p`, `%r`, `%n` and `%%` are filled in, and no shell sees them. */
  readonly command?: readonly string[] | undefined;
  /** Leaves that program in our session, so that it can ask on the terminal. Default false. */
  readonly terminal?: boolean | undefined;
  /** The route to the host. Default: the hops before this one. */
  readonly use?: unknown;
  /** Milliseconds for each try. Default 5000. */
  readonly timeout?: number | undefined;
  /** Milliseconds between two tries. Default 1000. */
  readonly interval?: number | undefined;
  /** Milliseconds that the host has to wake up. Default 120,000. */
  readonly within?: number | undefined;
}

const MAC_MESSAGE = 'must be the address of a network card, such as 00:11:22:33:44:55, or a list of them';
const ADDRESS = 'must be an address, such as 192.168.1.255, or a list of them';

const macText: v.GenericSchema<string> = v.pipe(
  v.string(MAC_MESSAGE),
  v.regex(MAC, MAC_MESSAGE),
  v.metadata({ jsonSchema: { type: 'string', format: 'mac', pattern: MAC.source.replace(/a-f/g, 'a-fA-F') } }),
);

const addressText: v.GenericSchema<string> = v.pipe(
  hostText,
  v.check((text) => ipFamily(text) !== 0, ADDRESS),
);

/** One, or a list of at least one. */
function oneOrMore(one: v.GenericSchema<string>, message: string): v.GenericSchema<unknown, readonly string[]> {
  return v.union(
    [
      v.pipe(
        one,
        v.transform((text) => [text]),
      ),
      v.pipe(v.array(one), v.minLength(1, message)),
    ],
    message,
  );
}

const longerThanNone = v.pipe(duration, v.minValue(1, 'must be longer than 0'));

/** What a `wake` hop takes. */
export const optionsSchema: v.GenericSchema<unknown, WakeOptions> = v.pipe(
  v.strictObject({
    mac: v.optional(
      v.pipe(
        oneOrMore(macText, MAC_MESSAGE),
        v.description("the address of the host's network card, or a list: each gets a magic packet"),
      ),
    ),
    broadcast: v.optional(
      v.pipe(
        oneOrMore(addressText, ADDRESS),
        v.description('where magic packets go (default: the broadcast address of each network of this machine)'),
      ),
    ),
    port: v.optional(v.pipe(port, v.description('the UDP port of magic packets (default 9)'))),
    command: v.optional(
      v.pipe(
        commandTemplate,
        v.description('a program that wakes the host, and its arguments; %h %p %r %n %% are filled in'),
      ),
    ),
    terminal: v.optional(v.pipe(v.boolean(), v.description('let that program ask on the terminal (default false)'))),
    use: v.optional(v.pipe(routeSchema, v.description('the route to the host (default: the hops before this one)'))),
    timeout: v.optional(v.pipe(longerThanNone, v.description('the time limit for each try (default 5s)'))),
    interval: v.optional(v.pipe(duration, v.description('how long to wait between two tries (default 1s)'))),
    within: v.optional(v.pipe(longerThanNone, v.description('how long the host has to wake up (default 2m)'))),
  }),
  v.check(({ mac, command }) => (mac ?? command) !== undefined, 'needs "mac" or "command": what wakes the host'),
);
