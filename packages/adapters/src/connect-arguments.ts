/** Where `connect` of a socket connects to, as `net.connect` takes it. Other options of that, such as `family`, are the rules' affair. */
export interface ConnectTarget {
  /** 1 to 65535; needed. */
  readonly port?: number | string | null | undefined;
  /** A name or an address. Default: `localhost`. */
  readonly host?: string | null | undefined;
  /** Milliseconds without any traffic until `timeout` is emitted. Default: none. */
  readonly timeout?: number | undefined;
  /** Default: false. */
  readonly noDelay?: boolean | undefined;
  /** Default: false. */
  readonly keepAlive?: boolean | undefined;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number | undefined;
  /** Destroys the socket, before and after it is connected. */
  readonly signal?: AbortSignal | undefined;
}

/** Any function will do: clients such as `http` pass one of their own, as they would to `net.connect`. */
type Listener = (...given: never[]) => void;

/** The forms in which `net.connect` is called, except for a path. A function hears of `connect`, once. */
export type ConnectArguments =
  | [target: ConnectTarget, whenConnected?: Listener | undefined]
  | [port: number | string, whenConnected?: Listener | undefined]
  | [port: number | string, host?: string | undefined, whenConnected?: Listener | undefined];

/**
 * Takes apart what `net.connect` is called with.
 *
 * @throws TypeError if there is no port.
 */
export function readConnectArguments(given: ConnectArguments): {
  readonly target: ConnectTarget;
  readonly whenConnected: (() => void) | undefined;
} {
  const [first, second] = given;
  const target =
    typeof first === 'object' ? first : { port: first, host: typeof second === 'string' ? second : undefined };
  // `path` means a unix socket to net.connect; to go to the port instead would be to go to another place.
  if (!target?.port || ('path' in target && target.path)) {
    throw Object.assign(
      new TypeError('there is no port to connect to: give connect(port, host) or connect({ port, host })'),
      {
        code: 'ERR_MISSING_ARGS',
      },
    );
  }
  return { target, whenConnected: given.find((value) => typeof value === 'function') as (() => void) | undefined };
}
