import dns, { type LookupAddress } from 'node:dns';
import net, { type Socket } from 'node:net';

/*
 * Loaded into each example's process before its code (`--import`): the network it sees. Every name under `.example` has
 * the address 127.0.0.1; well-known ports there lead to the servers of the test (FDPASS_EXAMPLE_PORTS, as JSON). What
 * an example opens on other ports of this machine is its own; nothing else can be reached over TCP.
 */

const ports: Readonly<Record<string, number>> = JSON.parse(process.env['FDPASS_EXAMPLE_PORTS'] ?? '{}');
const LOOPBACK = ['127.0.0.1', '::1', 'localhost'];

type LookUpDone = (error: Error | null, found?: string | LookupAddress[], family?: number) => void;
interface LookUpOptions {
  readonly all?: boolean;
  readonly family?: number | string;
}

/** dns.lookup() with names of our own; only IPv4. */
function lookup(host: string, options: LookUpOptions, done: LookUpDone): void {
  const isKnown = /\.example$|^localhost$/.test(host) && options.family !== 6;
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
    code: 'ENOTFOUND',
    syscall: 'getaddrinfo',
  });
  setImmediate(() => {
    if (!isKnown) done(error);
    else if (options.all === true) done(null, [{ address: '127.0.0.1', family: 4 }]);
    else done(null, '127.0.0.1', 4);
  });
}

const realLookup = dns.lookup;
Object.assign(dns, {
  lookup: (host: string, options: unknown, done?: unknown): void => {
    const callback = (done ?? options) as LookUpDone;
    const given = (done === undefined || typeof options !== 'object' ? {} : (options ?? {})) as LookUpOptions;
    if (net.isIP(host) > 0) realLookup(host, given as object, callback as never);
    else lookup(host, given, callback);
  },
});

/** Where a TCP connection leads instead; undefined if it may not be made. */
function redirect(host: string, port: number): { host: string; port: number } | undefined {
  const isOurs = LOOPBACK.includes(host) || host.endsWith('.example');
  return isOurs ? { host: '127.0.0.1', port: ports[port] ?? port } : undefined;
}

const realConnect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  // net.connect() calls this with its arguments already taken apart: [options, callback].
  const [first, second] = (Array.isArray(args[0]) ? args[0] : args) as [unknown, unknown];
  const given = typeof first === 'object' && first !== null ? first : { port: first, host: second };
  const { host = 'localhost', port, path } = given as { host?: unknown; port?: unknown; path?: string };
  if (path !== undefined || typeof host !== 'string') return realConnect.apply(this, args as never);
  const place = redirect(host, Number(port));
  if (place === undefined) throw new Error(`an example may not reach ${host}:${port}`);
  const done = (Array.isArray(args[0]) ? args[0] : args).find((arg) => typeof arg === 'function');
  return realConnect.apply(this, [{ ...given, ...place }, done] as never);
} as never;
