import type { Duplex } from 'node:stream';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import type { Connection } from '../connection/connection.js';
import { StreamConnection } from '../connection/stream.js';
import { onAbort } from '../ground/abortable.js';
import { type ErrorCode, FdpassError, isFdpassError } from '../ground/errors.js';
import { readOptionFile } from '../ground/files.js';
import { ipFamily } from '../ground/ip.js';
import { errnoName, reasonOf } from '../ground/system-error.js';
import { withoutRootDot } from '../ground/target.js';
import { messageOf } from '../ground/text.js';
import { noTrace, type Trace } from '../ground/trace.js';
import { handshakeReport } from './handshake-report.js';

/** Options for TLS that a config can have for all hops. */
export type TlsDefaults = Pick<TlsOptions, 'kernel'>;

/** How a proxy's certificate is checked, and ours shown. Files are PEM; relative paths start at the config. */
export interface TlsOptions {
  /** A PEM file of CA certificates to trust instead of Node's. */
  readonly ca?: string | undefined;
  /** A PEM file with our certificate. */
  readonly cert?: string | undefined;
  /** A PEM file with its key; refused if others can read it. */
  readonly key?: string | undefined;
  /** The name that the certificate must have and that is sent as SNI (RFC 6066, section 3). Default: the host. */
  readonly serverName?: string | undefined;
  /** The SHA-256 of the server's certificate; then its CA and name are not checked. */
  readonly fingerprint?: string | undefined;
  /**
   * Lets the kernel do TLS where a descriptor is passed, so that no relay process has to stay (Linux). Where it cannot, TLS is
   * done in a relay process. Default false.
   */
  readonly kernel?: boolean | undefined;
}

/** What {@link wrapTls} is asked: which server, and how it must prove itself. */
export interface TlsRequest {
  /** The host the certificate must be for, unless the options name another. */
  readonly host: string;
  /** The hop's `tls`. Default: Node's CAs and the host's own name. */
  readonly options?: TlsOptions | undefined;
  /** What a path in the options means. */
  readonly path: (written: string) => string;
  /** Node's own options, for programs; they go over what `options` say. */
  readonly connection?: ConnectionOptions | undefined;
  /** Aborts the handshake and closes the connection; its reason is rethrown unchanged. */
  readonly signal: AbortSignal;
  /** Default: nobody listens. */
  readonly trace?: Trace | undefined;
}

/**
 * TLS as a client over any connection; the certificate is checked. Owns `connection` from the call on and destroys it on
 * failure. The keys live in this process, so there is no descriptor to hand over.
 *
 * @throws FdpassError `permission` for a certificate that is not valid, `protocol` for what is not TLS, `config` for files.
 */
export async function wrapTls(connection: Connection, request: TlsRequest): Promise<Connection> {
  try {
    const socket = await shakeHands(() => connection.toStream(), request);
    return new StreamConnection(socket, { trace: request.trace });
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

/**
 * A client's handshake over a stream, which is destroyed on failure. What the server sends after it is in the socket.
 *
 * @param open Called when the handshake is about to begin.
 * @param hear Given the socket before its first byte is sent.
 */
export async function shakeHands(
  open: () => Duplex,
  request: TlsRequest,
  hear: (socket: TLSSocket) => void = () => {},
): Promise<TLSSocket> {
  let stream: Duplex | undefined;
  try {
    const { connect } = await import('node:tls'); // takes several milliseconds that plain connections need not pay
    const report = handshakeReport(request.trace ?? noTrace);
    report.sent(`TLS handshake with ${request.host}`);
    request.signal.throwIfAborted(); // meanwhile, too
    stream = open();
    const socket = connectWith(connect, { ...connectionOptions(request), ...request.connection, socket: stream });
    hear(socket);
    await secured(socket, request);
    socket.on('error', () => {}); // it is in the socket too, for whoever reads
    await leaveCallback();
    report.received(`${socket.getProtocol()}, ${socket.getCipher()?.name}`);
    if (!request.signal.aborted) return socket;
    socket.destroy();
    throw request.signal.reason;
  } catch (error) {
    stream?.on('error', () => {}).destroy();
    throw error;
  }
}

/**
 * A handshake's failure over TLS, explained as what it was: with TLS 1.3 the proxy looks at our certificate when our side of
 * the handshake is over, and its refusal meets the first read.
 */
export function explainTlsFailure(error: unknown, host: string): unknown {
  const cause = isFdpassError(error) ? error.cause : undefined;
  return cause instanceof Error && errnoName(cause)?.includes('ALERT') ? tlsError(cause, host) : error;
}

/** Files that hold no certificate or key, or a pair that does not fit, are found out by connect() itself. */
function connectWith(connect: typeof import('node:tls').connect, options: ConnectionOptions): TLSSocket {
  try {
    return connect(options);
  } catch (error) {
    throw new FdpassError('config', `the files for TLS cannot be used: ${messageOf(error)}`, {
      hint: 'check tls.ca, tls.cert and tls.key: PEM, the key not encrypted',
      cause: error,
    });
  }
}

function connectionOptions({ host, options = {}, path }: TlsRequest): ConnectionOptions {
  const read = (option: string, file: string, isSecret = false): string =>
    readOptionFile(option, file, path(file), { secret: isSecret });
  const [bare = host] = host.split('%'); // a zone means nothing to the proxy (RFC 6874 §1)
  const name = withoutRootDot(options.serverName ?? bare);
  return {
    host: name,
    ...(ipFamily(name) === 0 && { servername: name }), // RFC 6066 §3: an address is not a server name
    ...(options.ca !== undefined && { ca: read('tls.ca', options.ca) }),
    ...(options.cert !== undefined && { cert: read('tls.cert', options.cert) }),
    ...(options.key !== undefined && { key: read('tls.key', options.key, true) }),
    rejectUnauthorized: options.fingerprint === undefined,
  };
}

/**
 * What follows a handshake without a wait still runs inside OpenSSL. Whoever listens to the report can abort the dial, and
 * to close the connection there would crash the process.
 */
function leaveCallback(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function secured(socket: TLSSocket, { signal, options, host }: TlsRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: unknown): void => {
      release();
      socket.off('error', failed).off('close', closed).off('secureConnect', checked);
      if (error === undefined) {
        resolve();
        return;
      }
      socket.on('error', () => {}).destroy();
      reject(error);
    };
    const failed = (error: Error): void => settle(tlsError(error, host));
    const closed = (): void => settle(closedEarly(host));
    const checked = (): void => settle(pinError(socket, options?.fingerprint, host));
    const release = onAbort(signal, (reason) => settle(silent(reason, host)));
    socket.once('error', failed).once('close', closed).once('secureConnect', checked);
  });
}

function pinError(socket: TLSSocket, pinned: string | undefined, host: string): FdpassError | undefined {
  if (pinned === undefined) return undefined;
  const shown = socket.getPeerCertificate().fingerprint256;
  const digits = (text: string): string => text.replaceAll(':', '').toLowerCase();
  if (digits(shown) === digits(pinned)) return undefined;
  return new FdpassError('permission', `${host} shows a certificate with another fingerprint: ${shown}`, {
    hint: 'change "fingerprint" if that certificate is the right one',
  });
}

/** What went wrong on a TLS connection, by OpenSSL's and Node's names for it. */
function tlsError(error: Error, host: string): FdpassError {
  if (isFdpassError(error)) return error;
  const name = errnoName(error) ?? '';
  const fail = (code: ErrorCode, message: string, hint?: string): FdpassError =>
    new FdpassError(code, message, { hint, cause: error });
  if (name.includes('ALERT')) {
    const asks = 'set tls.cert and tls.key if it wants a certificate of ours';
    return fail('permission', `${host} refused the TLS handshake: ${alertOf(error)}`, asks);
  }
  if (name === 'ERR_SSL_WRONG_VERSION_NUMBER' || name === 'ERR_SSL_PACKET_LENGTH_TOO_LONG' || name === 'EPROTO')
    return fail('protocol', `${host} does not speak TLS on this port`, 'try the scheme without TLS');
  // Node reports an orderly end before the handshake's as a reset, without a system call.
  if (name === 'ECONNRESET' && !('syscall' in error)) return closedEarly(host);
  if (['ECONNRESET', 'EPIPE', 'ETIMEDOUT'].includes(name))
    return fail('unreachable', `${host}: ${reasonOf(error)} during the TLS handshake`);
  const isCertificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|HOSTNAME/.test(name);
  const trust = 'name its CA with tls.ca, or pin it with tls.fingerprint';
  const message = `TLS with ${host} failed: ${opensslReason(error)}`;
  return isCertificate ? fail('permission', message, trust) : fail('protocol', message);
}

/** What the end of a handshake's time says; any other reason to abort goes back unchanged. */
function silent(reason: unknown, host: string): unknown {
  if (!isFdpassError(reason) || reason.code !== 'timeout') return reason;
  return new FdpassError(
    'timeout',
    `${reason.message}: connected to ${host}, but it did not answer the TLS handshake`,
    {
      hint: 'check that it speaks TLS on this port',
      cause: reason,
    },
  );
}

function closedEarly(host: string): FdpassError {
  return new FdpassError('protocol', `${host} closed the connection during the TLS handshake`, {
    hint: 'check that it speaks TLS on this port',
  });
}

/** The alert without what OpenSSL's versions say in front of it, such as `tlsv13 alert`. */
function alertOf(error: Error): string {
  return opensslReason(error).replace(/^\S+ alert /, '');
}

/** OpenSSL's own words, without the addresses and file names that its messages begin and end with. */
function opensslReason(error: Error & { readonly reason?: unknown }): string {
  return typeof error.reason === 'string' ? error.reason : messageOf(error);
}
