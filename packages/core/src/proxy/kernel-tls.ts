import type { TLSSocket } from 'node:tls';
import type { Connection } from '../connection/connection.js';
import type { DescriptorConnection } from '../connection/descriptor.js';
import { KernelTlsConnection } from '../connection/kernel-tls.js';
import { type Clock, untilAborted } from '../ground/clock.js';
import { fromSystemError, reasonOf } from '../ground/system-error.js';
import { attachTls, type KernelCipher, type KernelSuite, setTlsKeys } from '../sys/kernel-tls.js';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import { shakeHands, type TlsRequest } from './tls.js';
import { type ConnectionKeys, keyBlock, type SuiteHash, trafficKeys } from './tls-keys.js';
import { RecordTransport } from './tls-transport.js';

/*
 * TLS by the kernel: node:tls holds the handshake and checks the certificate; then the kernel is given the keys, and the socket
 * can be passed to another process like any other. The steps:
 *
 * 1. TLS is attached to the socket, which changes nothing yet and tells whether the kernel can do it on this one.
 * 2. The handshake, over a transport that takes one record at a time. When the keys of the server's data are known, which is
 *    inside the call that reads its Finished, no further record is taken: tickets and data stay in the kernel.
 * 3. When node:tls has nothing left to send, it is done with: its close_notify must not be sent, since the kernel counts the
 *    records from now on.
 * 4. The kernel gets the keys, before anything is said to the proxy. So what the proxy says of the tunnel is read by exact
 *    reads of the kernel's, and a banner in the same record stays where it is.
 *
 * Whatever fails on the kernel's side ends the whole dial, for a relay process to dial anew: TLS that has begun on a socket
 * cannot be moved back into a library. What the proxy refuses, or its certificate, is an error as ever.
 */

/** The arguments of {@link wrapKernelTls}, besides those of every TLS handshake. */
export interface KernelTlsRequest extends TlsRequest {
  /** Aborts the dial, since it needs a relay. */
  readonly onNeedsRelay: (why: string) => void;
  /** Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** Default: the real system calls. */
  readonly sys?: Sys | undefined;
}

/**
 * TLS as a client over a TCP connection, by the kernel; the certificate is checked. Owns `connection` from the call on and
 * destroys it on failure. The connection that it gives has a descriptor.
 *
 * @throws FdpassError as `wrapTls` does.
 */
export async function wrapKernelTls(connection: Connection, request: KernelTlsRequest): Promise<Connection> {
  const { sys = loadSys(), onNeedsRelay, trace, clock } = request;
  const byKernel = <T>(doing: string, call: () => T): T => {
    try {
      return call();
    } catch (error) {
      onNeedsRelay(`${doing}: ${reasonOf(error)}`);
      throw error;
    }
  };
  try {
    const plain = byKernel('the kernel cannot do TLS on this connection', () => attach(connection, sys));
    const { suite, keys } = await handshake(plain, request, byKernel);
    byKernel('the kernel does not take the keys of TLS', () => {
      const fd = plain.descriptor ?? -1;
      setTlsKeys(fd, 'send', suite, keys.send, sys);
      setTlsKeys(fd, 'receive', suite, keys.receive, sys);
    });
    trace?.({ event: 'note', text: `the kernel does TLS with ${request.host} from here on` });
    request.signal.throwIfAborted(); // whoever listens can abort
    const onRefused = (why: string): void => onNeedsRelay(`the kernel cannot go on with TLS: ${why}`);
    return new KernelTlsConnection(plain.release(), sys, { trace, clock, onRefused });
  } catch (error) {
    connection.destroy();
    throw error;
  }
}

type ByKernel = <T>(doing: string, call: () => T) => T;

/** A connection that gives its descriptor away. The command's bundles have copies of its class, so that does not tell. */
type Releasable = Connection & Pick<DescriptorConnection, 'release'>;

function attach(connection: Connection, sys: Sys): Releasable {
  if (!('release' in connection)) throw new Error('it is a stream of this process');
  attachTls(connection.descriptor ?? -1, sys);
  return connection as Releasable;
}

interface Agreed {
  readonly suite: KernelSuite;
  readonly keys: ConnectionKeys;
}

async function handshake(connection: Connection, request: TlsRequest, byKernel: ByKernel): Promise<Agreed> {
  const transport = new RecordTransport(connection);
  const secrets = new SecretLog(transport);
  const hear = (socket: TLSSocket): void => void socket.on('keylog', (line: Buffer) => secrets.take(String(line)));
  const socket = await shakeHands(() => transport, request, hear);
  try {
    const lastRecord = await untilAborted(request.signal, finish(socket, transport));
    return byKernel('the kernel cannot go on with this TLS', () => agreed(socket, secrets, lastRecord));
  } finally {
    transport.close();
    socket.destroy();
  }
}

const BROKEN = 'the connection broke at the end of the TLS handshake';

/** Our Finished can still be on its way. What is written after it comes last, and is not sent: it is returned instead. */
async function finish(socket: TLSSocket, transport: RecordTransport): Promise<Buffer> {
  transport.holdLast();
  await new Promise<void>((resolve, reject) => {
    const failed = (error?: Error | null): void => reject(fromSystemError(socket.errored ?? error, BROKEN));
    socket.once('close', failed).write('.', (error) => (error ? failed(error) : resolve()));
  });
  const record = transport.close();
  if (record === undefined) throw new Error('the TLS library has written nothing');
  return record;
}

/** AEAD ciphers by the end of a suite's name in the RFCs, and the suite's hash. */
const SUITE = /_(AES_128_GCM|AES_256_GCM|CHACHA20_POLY1305)_SHA(256|384)$/;
const RECORD_HEADER = 5;
const EXPLICIT_NONCE_LENGTH = 8;

/** @throws Error for what the kernel does not have. */
function agreed(socket: TLSSocket, secrets: SecretLog, unsent: Buffer): Agreed {
  const version = socket.getProtocol();
  const name = socket.getCipher().standardName;
  const [, cipher, bits] = SUITE.exec(name) ?? [];
  if ((version !== 'TLSv1.3' && version !== 'TLSv1.2') || cipher === undefined) throw new Error(`${version}, ${name}`);
  const suite: KernelSuite = { version, cipher: cipher as KernelCipher };
  const hash: SuiteHash = bits === '384' ? 'sha384' : 'sha256';
  return { suite, keys: version === 'TLSv1.3' ? keys13(secrets, suite, hash) : keys12(secrets, suite, hash, unsent) };
}

/** Neither side has sent a record with these keys. */
function keys13(secrets: SecretLog, { cipher }: KernelSuite, hash: SuiteHash): ConnectionKeys {
  const of = (label: string) => ({ ...trafficKeys(secrets.get(label), cipher, hash), sequence: 0n });
  return { send: of('CLIENT_TRAFFIC_SECRET_0'), receive: of('SERVER_TRAFFIC_SECRET_0') };
}

/** Each side has sent one record with these keys: its Finished. */
function keys12(secrets: SecretLog, { cipher }: KernelSuite, hash: SuiteHash, unsent: Buffer): ConnectionKeys {
  const { masterSecret, clientRandom, serverRandom } = secrets;
  const [send, receive] = keyBlock({ masterSecret, clientRandom, serverRandom }, cipher, hash);
  const explicitNonce = unsent.subarray(RECORD_HEADER, RECORD_HEADER + EXPLICIT_NONCE_LENGTH);
  return { send: { ...send, explicitNonce, sequence: 1n }, receive: { ...receive, sequence: 1n } };
}

/** What a TLS library logs of one handshake: lines of a label, the client's random, and a secret. */
class SecretLog {
  readonly #transport: RecordTransport;
  readonly #secrets = new Map<string, Buffer>();
  #clientRandom = Buffer.alloc(0);

  constructor(transport: RecordTransport) {
    this.#transport = transport;
  }

  /** The line comes while the library handles the record before the first one that the kernel is to read. */
  take(line: string): void {
    const [label = '', random = '', secret = ''] = line.trim().split(' ');
    this.#secrets.set(label, Buffer.from(secret, 'hex'));
    this.#clientRandom = Buffer.from(random, 'hex');
    if (label === 'SERVER_TRAFFIC_SECRET_0') this.#transport.stopReading();
    if (label === 'CLIENT_RANDOM') this.#transport.stopAtFinished(); // TLS 1.2: the secret is known before the server is done
  }

  get(label: string): Buffer {
    const secret = this.#secrets.get(label);
    if (secret === undefined) throw new Error(`the TLS library has not logged ${label}`);
    return secret;
  }

  get masterSecret(): Buffer {
    return this.get('CLIENT_RANDOM');
  }

  get clientRandom(): Buffer {
    return this.#clientRandom;
  }

  get serverRandom(): Buffer {
    if (this.#transport.serverRandom !== undefined) return this.#transport.serverRandom;
    throw new Error("the server's random is missing");
  }
}
