import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { describeStrategy, type StartedServer } from '@fdpass/testkit';
import { local } from './local.js';

/** A unix socket that leads to a port; as a virtual machine monitor's it asks for the port first. */
async function startSocket(port: number, isMux: boolean): Promise<StartedServer> {
  const folder = temporaryFolder();
  const path = join(folder.path, 'socket');
  const clients = new Set<Socket>();
  const track = (socket: Socket): Socket => {
    clients.add(socket);
    return socket.on('error', () => socket.destroy()).once('close', () => clients.delete(socket));
  };
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const far = track(connect({ host: '127.0.0.1', port, allowHalfOpen: true }));
    const join = (): void => void track(client).pipe(far).pipe(client);
    client.once('close', () => far.destroy());
    far.once('close', () => client.destroySoon());
    if (!isMux) return join();
    const listen = (): void => {
      for (let byte = client.read(1); byte !== null; byte = client.read(1)) {
        if (String(byte) !== '\n') continue; // CONNECT PORT
        client.off('readable', listen).off('end', gone).write('OK 1073741824\n');
        join();
        return;
      }
    };
    const gone = (): void => void client.destroy(); // before it has asked
    track(client).on('readable', listen).once('end', gone);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    options: { path, ...(isMux && { mux: true }) },
    target: { host: 'machine.example', port: 22 },
    async close() {
      for (const client of clients) client.destroy();
      await new Promise((resolve) => server.close(resolve));
      folder.remove();
    },
  };
}

describeStrategy({ strategy: local, title: 'to a unix socket', start: ({ port }) => startSocket(port, false) });
describeStrategy({ strategy: local, title: 'to a multiplexed socket', start: ({ port }) => startSocket(port, true) });
