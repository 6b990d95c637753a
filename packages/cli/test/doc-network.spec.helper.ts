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

const AF_INET = 2;

/** The same for connect(2), which fdpass calls itself: the `sockaddr_in` with the port that leads to a server of the test. */
function redirectSockaddr(sockaddr: Buffer): Buffer {
  if (sockaddr.readUInt16LE(0) !== AF_INET) return sockaddr;
  const host = [...sockaddr.subarray(4, 8)].join('.');
  const place = redirect(host, sockaddr.readUInt16BE(2));
  if (place === undefined) throw new Error(`an example may not reach ${host}:${sockaddr.readUInt16BE(2)}`);
  const copy = Buffer.from(sockaddr);
  copy.writeUInt16BE(place.port, 2);
  return copy;
}

type CFunction = (fd: number, sockaddr: Buffer, length: number) => number;
type Library = { func(prototype: string): CFunction };
type NativeModule = { exports: { load?: (name: string | null) => Library } };

const realDlopen = process.dlopen;
process.dlopen = (module: object, ...rest: [string, number?]): void => {
  realDlopen.call(process, module, ...(rest as [string]));
  const native = module as NativeModule;
  const { load } = native.exports;
  if (load === undefined) return;
  const redirected = (name: string | null): Library => {
    const library = load(name);
    const func = (prototype: string): CFunction => {
      const real = library.func(prototype);
      if (!prototype.includes(' connect(')) return real;
      return (fd, sockaddr, length) => real(fd, redirectSockaddr(sockaddr), length);
    };
    return Object.create(library, { func: { value: func } }) as Library;
  };
  native.exports = Object.create(native.exports, { load: { value: redirected } }) as NativeModule['exports'];
};
