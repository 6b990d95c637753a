import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { alternativeNames, makeCertificate } from '@fdpass/test-lab';

/** Certificates of a test's own authority, as PEM files in `folder`: NAME.pem and NAME.key. */
export class Certificates {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    makeCertificate(folder, 'ca', ['-addext', 'keyUsage=keyCertSign']);
    makeCertificate(folder, 'stranger');
    this.issue('proxy', 'DNS:proxy.example,IP:127.0.0.1');
    this.issue('elsewhere', 'DNS:elsewhere.example');
    this.issue('client', 'DNS:client.example');
  }

  issue(name: string, names: string): void {
    const authority = ['-CA', this.file('ca.pem'), '-CAkey', this.file('ca.key')];
    makeCertificate(this.folder, name, [...alternativeNames(names), ...authority]);
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  fingerprint(name: string): string {
    return new X509Certificate(readFileSync(this.file(`${name}.pem`))).fingerprint256;
  }
}

export interface TlsProxyOptions {
  /** Whose certificate it shows. Default `proxy`. */
  readonly certificate?: string;
  /** It wants a certificate of ours. */
  readonly asks?: boolean;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** What it sends instead of the tunnel. */
  readonly reply?: string;
  /** The tunnel's far end on loopback. */
  readonly targetPort?: number;
}

export interface TlsProxy {
  readonly port: number;
  readonly requests: readonly string[];
  /** Common names of the certificates that clients have shown. */
  readonly clients: readonly string[];
  readonly serverNames: readonly string[];
  close(): Promise<void>;
}

/** An HTTP CONNECT proxy that is reached by TLS. */
export async function startTlsProxy(certificates: Certificates, options: TlsProxyOptions = {}): Promise<TlsProxy> {
  const { certificate = 'proxy', asks = false, maxVersion = 'TLSv1.3' } = options;
  const requests: string[] = [];
  const clients: string[] = [];
  const serverNames: string[] = [];
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  };
  const read = (name: string): Buffer => readFileSync(certificates.file(name));
  const server = createServer({
    cert: read(`${certificate}.pem`),
    key: read(`${certificate}.key`),
    ca: read('ca.pem'),
    requestCert: asks,
    rejectUnauthorized: asks,
    maxVersion,
    allowHalfOpen: true,
  });
  server.on('connection', keep).on('tlsClientError', () => {});
  server.on('secureConnection', (socket: TLSSocket) => {
    keep(socket);
    clients.push(String(socket.getPeerCertificate().subject?.CN ?? ''));
    serverNames.push(String((socket as { servername?: unknown }).servername || ''));
    void serve(socket, options, requests, keep).catch(() => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    clients,
    serverNames,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function serve(
  socket: TLSSocket,
  { reply, targetPort }: TlsProxyOptions,
  requests: string[],
  keep: (socket: Socket) => void,
): Promise<void> {
  let head = '';
  while (!head.includes('\r\n\r\n')) head += String((await once(socket, 'data'))[0]);
  socket.pause();
  requests.push(head);
  if (targetPort === undefined) {
    socket.end(reply ?? 'HTTP/1.1 200 OK\r\n\r\nSSH-2.0-test\r\n');
    return;
  }
  const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true });
  keep(far);
  await once(far, 'connect');
  socket.write('HTTP/1.1 200 OK\r\n\r\n');
  socket.pipe(far).pipe(socket);
  socket.once('close', () => far.destroy());
  far.once('close', () => socket.destroySoon());
}
