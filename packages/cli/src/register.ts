import { AsyncLocalStorage } from 'node:async_hooks';
import { type LookupFunction, Socket } from 'node:net';
import type { Connection } from '@fdpass/core';
import { connectLate, isLate, keepDialsApart, type LateOptions, prepareToLoad } from '@fdpass/core/late-socket';

/*
 * `node --import fdpass/register app.js`: every TCP connection of the program goes by the rules of the user's config, or of the
 * one that FDPASS_CONFIG names. The one thing that changes in Node is `connect` of `net.Socket`, which `net.connect`,
 * `tls.connect`, `http`, `http2` and `fetch` all end in.
 */

type Connect = (this: Socket, ...given: unknown[]) => Socket;

/** The options of a connection, and who hears of it. */
type Call = readonly [options: Readonly<Record<string, unknown>>, whenConnected: (() => void) | undefined];

const connectDirectly = Socket.prototype.connect as unknown as Connect;

/** A dial that is under way. Sockets that it has left behind still run their listeners in its context. */
interface Dial {
  isOver: boolean;
}

const dials = new AsyncLocalStorage<Dial>();

const connectByRules: Connect = function connect(this: Socket, ...given) {
  const [options, whenConnected] = readCall(given);
  if (isInDial() || !isForRules(this, options)) return connectDirectly.apply(this, given);
  connectLate(this, options as unknown as LateOptions, (signal) => dial(options, signal), whenConnected);
  return this;
};

/** Rules and strategies are loaded when the program first connects. */
async function dial({ host, port, lookup }: Call[0], signal: AbortSignal): Promise<Connection> {
  const ownLookup = typeof lookup === 'function' ? (lookup as LookupFunction) : undefined;
  return apart(async () => {
    prepareToLoad();
    const { dialByRules } = await import('./register-dial.js');
    return dialByRules({ host: String(host || 'localhost'), port: Number(port), lookup: ownLookup }, signal);
  });
}

/** Runs a dial, whose own connections are made as they are. */
async function apart<T>(work: () => Promise<T>): Promise<T> {
  const own: Dial = { isOver: false };
  try {
    return await dials.run(own, work);
  } finally {
    own.isOver = true;
  }
}

function isInDial(): boolean {
  return dials.getStore()?.isOver === false;
}

/** As `net.connect` takes it; Node itself gives a list of both. */
function readCall(given: readonly unknown[]): Call {
  const [first, ...others] = Array.isArray(given[0]) ? given[0] : given;
  const whenConnected = others.findLast((each) => typeof each === 'function');
  if (typeof first === 'object' && first !== null) return [first, whenConnected];
  if (typeof first === 'string' && !(Number(first) >= 0)) return [{ path: first }, whenConnected];
  return [{ port: first, host: typeof others[0] === 'string' ? others[0] : undefined }, whenConnected];
}

/** Not for a unix socket, a socket that is one already, the proxy of `fdpass run`, or what Node refuses. */
function isForRules(socket: Socket, options: Call[0]): boolean {
  const { path, port, host } = options;
  if (path || isLate(options) || isOpen(socket)) return false;
  if (`${host}:${port}` === process.env['FDPASS_LISTENER']) return false; // it goes by the rules itself
  return isPort(port) && (host === undefined || host === null || typeof host === 'string');
}

function isPort(port: unknown): boolean {
  if (typeof port === 'string' && port.trim() === '') return false;
  return (
    (typeof port === 'number' || typeof port === 'string') && Number.isInteger(+port) && +port > 0 && +port < 65_536
  );
}

function isOpen(socket: Socket): boolean {
  const { _handle: handle } = socket as unknown as { _handle: { fd?: number } | null };
  return handle !== null && handle?.fd !== undefined && handle.fd >= 0;
}

// Another copy of this package can be registered already: one of them is enough.
const REGISTERED = Symbol.for('fdpass.registered.v1');
if (!(REGISTERED in Socket.prototype.connect)) {
  keepDialsApart(apart);
  Object.defineProperty(connectByRules, REGISTERED, { value: true });
  Object.defineProperty(Socket.prototype, 'connect', {
    ...Object.getOwnPropertyDescriptor(Socket.prototype, 'connect'),
    value: connectByRules,
  });
}
