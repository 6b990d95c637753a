import { connect, type Socket } from 'node:net';
import type { Connection, Target } from '@fdpass/core';
import { openConnection } from '@fdpass/core/sockets';
import { readAll, type Script, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import type { TcpAddress } from './address.js';
import { type ClientDial, ProxyServer, type ProxyServerOptions } from './proxy-server.js';

/** A proxy server and what is behind it. Every host name leads to the server behind it. */
export interface Lab {
  readonly proxy: ProxyServer;
  /** Of the proxy. */
  readonly port: number;
  readonly behind: ScriptedServer;
  /** What was dialled. */
  readonly dialled: (Target & { readonly protocol: string })[];
  /** Says something to the proxy. */
  connect(bytes?: string | Uint8Array): Socket;
  /** Says something, ends, and gives all that comes back. */
  ask(bytes: string | Uint8Array): Promise<string>;
  close(): Promise<void>;
}

/** Says `hello` and echoes until the other side ends. */
const echo: Script = (line) => {
  line.socket.write('hello ');
  line.socket.pipe(line.socket);
};

export async function startLab(options: Partial<ProxyServerOptions> = {}, script: Script = echo): Promise<Lab> {
  const behind = await startScriptedServer(script);
  const dialled: Lab['dialled'] = [];
  const dial = ({ host, port }: Target, { protocol, signal }: ClientDial): Promise<Connection> => {
    dialled.push({ host, port, protocol });
    return openConnection({ family: 4, host: '127.0.0.1', port: behind.port }, {}, { signal });
  };
  const proxy = new ProxyServer({ dial, ...options });
  const { port } = (await proxy.listen({ host: '127.0.0.1', port: 0 })) as TcpAddress;
  const clients: Socket[] = [];
  const say = (bytes: string | Uint8Array = ''): Socket => {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    clients.push(client.on('error', () => {}).on('end', () => client.end()));
    if (bytes.length > 0) client.write(bytes);
    return client;
  };
  return {
    proxy,
    port,
    behind,
    dialled,
    connect: say,
    async ask(bytes) {
      const client = say(bytes);
      const all = await readAll(client);
      client.destroy();
      return all.toString('latin1');
    },
    async close() {
      for (const client of clients) client.destroy();
      await proxy.close();
      await behind.close();
    },
  };
}

/** Until `isSo`, which the events of sockets make true. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 20_000 && !isSo(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
  if (!isSo()) throw new Error('it did not become so');
}

/** Until a client's connection is closed. */
export async function untilClosed(client: Socket): Promise<void> {
  if (!client.closed) await new Promise((resolve) => client.resume().once('close', resolve));
}
