// For fdpass test-strategy: a host whose port opens for whoever knocks at three others in the right order, one after another.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

/** Listens on a free port of 127.0.0.1. */
async function listen(onConnection) {
  const server = createServer({ allowHalfOpen: true }, onConnection).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/**
 * Starts one in front of `place`. As knockd does it keeps the port open for a while, here until the next connection has come.
 * `knocks` are the numbers of the ports that were knocked at.
 */
export async function startGate(place) {
  const sockets = new Set();
  const knocks = [];
  const keep = (socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    socket.once('close', () => sockets.delete(socket));
    return socket;
  };
  let opened = 0;
  const doors = [];
  for (const number of [1, 2, 3]) {
    const door = await listen((socket) => {
      knocks.push(number);
      if (String(knocks.slice(-3)) === '1,2,3') opened++;
      keep(socket).resetAndDestroy(); // closed, as far as a client can tell
    });
    doors.push(door);
  }
  const gate = await listen((client) => {
    if (opened === 0) return keep(client).resetAndDestroy();
    opened--;
    const far = keep(connect({ ...place, allowHalfOpen: true }));
    keep(client).once('close', () => far.destroy());
    far.once('close', () => client.destroy());
    client.pipe(far).pipe(client);
  });
  return {
    knocks,
    ports: doors.map((door) => door.address().port),
    target: { host: '127.0.0.1', port: gate.address().port },
    close() {
      for (const socket of sockets) socket.destroy();
      for (const server of [...doors, gate]) server.close();
    },
  };
}

export async function start(origin) {
  const { ports, target, close } = await startGate(origin);
  return { options: { ports, pauseMs: 20 }, target, close };
}
