import type { Connection } from '@fdpass/core';
import type { RelayRequest, RouteOptions } from '@fdpass/core/host';
import { configCache } from './config-cache.js';
import { openNoInspector } from './no-inspector.js';
import { dialRelayed } from './relay-process.js';
import { type DialRequest, type FoundRoute, findRoute } from './request.js';
import { type WriteLine, writeStderr } from './stderr.js';
import { ownStdout } from './stdout.js';
import { WaitingLine } from './waiting-line.js';

/** Where a connection is made and given away: a process of its own, or the agent. */
export interface Place {
  /** The caller's stdin. */
  readonly input: number;
  /** The caller's stdout. It can have moved after a route was found, since that loads plugins. */
  readonly output: () => number;
  /** Writes to the caller's stderr. */
  readonly write: WriteLine;
  /** Tells the user about a dial that takes long. Default: nobody is told. */
  readonly waiting?: Pick<WaitingLine, 'hear' | 'end'> | undefined;
  /** Ends the dial. Default: nothing but the caller's exit does. */
  readonly signal?: AbortSignal | undefined;
  /** Called before bytes are copied over the channel; what it throws ends the connection. Default: nothing. */
  readonly beforeBytes?: (() => void) | undefined;
  findRoute(request: DialRequest, options: RouteOptions): Promise<FoundRoute>;
  /** Lets a process that stays dial and relay. */
  relayed(request: DialRequest, relay: RelayRequest, found: FoundRoute): Promise<Connection>;
}

/** The command's own process, which ends after the hand-over: another one relays. */
export function ownProcess(): Place {
  return {
    input: 0,
    output: ownStdout,
    write: writeStderr,
    waiting: new WaitingLine(),
    beforeBytes: openNoInspector,
    findRoute: (request, options) => findRoute(request, options, configCache()),
    relayed: dialRelayed,
  };
}
