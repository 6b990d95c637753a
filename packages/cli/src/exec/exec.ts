import { type Connection, FdpassError } from '@fdpass/core';
import { dialPassable, type RelayRequest } from '@fdpass/core/host';
import { loadSys, rememberModes } from '@fdpass/core/sockets';
import { type Arguments, usage } from '../arguments.js';
import { configCache } from '../config-cache.js';
import { reportDial } from '../dial-report.js';
import { dialRelayed } from '../relay-process.js';
import { type DialRequest, findRoute, readRequest } from '../request.js';
import { writeStderr } from '../stderr.js';
import { restoreStdout } from '../stdout.js';
import { FDPASS } from '../syntax.js';
import { WaitingLine } from '../waiting-line.js';
import { becomeCommand } from './become-command.js';

const STANDARD = [0, 1, 2];

/** `fdpass exec HOST PORT -- COMMAND ...`: connects, and becomes the command. Returns only by throwing. */
export async function exec(args: Arguments): Promise<never> {
  const [host, port, command, ...words] = args.operands;
  const request = readRequest({ ...args, operands: [host, port].filter((word) => word !== undefined) });
  if (command === undefined) throw usage(FDPASS, 'the command is missing');
  const restoreModes = rememberModes(STANDARD, loadSys()); // before a question or a plugin changes them
  const { descriptor } = await dial(request, args);
  if (descriptor === undefined) throw new FdpassError('internal', 'the connection has no descriptor');
  restoreStdout(); // plugins have had another
  restoreModes();
  return becomeCommand([command, ...words], descriptor, args.flag('stdio'));
}

/** A connection with a descriptor: its own, or that of a socketpair to a process that relays. */
function dial(request: DialRequest, args: Arguments): Promise<Connection> {
  return reportDial({ write: writeStderr, waiting: new WaitingLine() }, args, async ({ trace, route, pause }) => {
    const { signal } = new AbortController(); // what ends it ends the process
    const found = await findRoute(request, { signal, trace }, configCache());
    route(found.route);
    const relayed = (relay: RelayRequest): Promise<Connection> => {
      pause();
      return dialRelayed(request, relay, found);
    };
    const { timeoutMs } = request;
    const connection = await dialPassable({ ...found, trace, options: { timeoutMs, relayed }, signal });
    trace({ event: 'handed-over', as: 'descriptor' });
    return connection;
  });
}
