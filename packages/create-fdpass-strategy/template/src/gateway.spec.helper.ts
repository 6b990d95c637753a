import { connect, createServer, type Server, type Socket } from 'node:net';

/** A gateway that speaks the protocol, for the tests. */
export interface Gateway {
  readonly port: number;
  close(): Promise<void>;
}

/** Starts one on a free port of 127.0.0.1; the caller closes it. It refuses the host `forbidden.example`. */
export async function startGateway(): Promise<Gateway> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    client.on('error', () => client.destroy());
    serve(client).catch(() => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    close: () => closeAll(server, clients),
  };
}

async function serve(client: Socket): Promise<void> {
  const line = await readLine(client);
  const [, host = '', port] = /^CONNECT (\S+) (\d+)$/.exec(line) ?? [];
  if (host === '') return void client.end('ERR what?\n');
  if (host === 'forbidden.example') return void client.end('ERR not for you\n');
  const far = connect({ host, port: Number(port), allowHalfOpen: true });
  far.once('error', (error) => client.end(`ERR ${error.message}\n`));
  far.once('connect', () => {
    client.write('OK\n');
    client.pipe(far).pipe(client);
  });
  client.once('close', () => far.destroy());
}

function readLine(client: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (): void => {
      for (let byte = client.read(1); byte !== null; byte = client.read(1)) {
        if (String(byte) === '\n') {
          client.off('readable', take);
          resolve(text);
          return;
        }
        text += String(byte);
      }
    };
    client.on('readable', take).once('end', () => reject(new Error('the client closed before it sent a request')));
  });
}

function closeAll(server: Server, clients: ReadonlySet<Socket>): Promise<void> {
  for (const client of clients) client.destroy();
  return new Promise((resolve) => server.close(() => resolve()));
}
