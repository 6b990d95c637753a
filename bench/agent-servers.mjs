// The servers of bench/agent.mjs, in a thread of their own: a target, proxies, and the same proxies behind a slow line.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { startSocksProxy } from '../packages/testkit/dist/index.js';

const listen = async (onClient) => {
  const server = createServer(onClient).listen(0, '127.0.0.1', 4096);
  await once(server, 'listening');
  return server.address().port;
};

/** A line to a port on which each piece travels half a round trip; the connection itself is there at once. */
function slowLine(port) {
  return listen((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.on('data', (bytes) => setTimeout(() => to.destroyed || to.write(bytes), workerData.roundTripMs / 2));
    }
  });
}

/** A proxy that says yes to the one target, in any version of HTTP: nc asks in 1.0. */
function connectProxy(port) {
  return listen((near) => {
    near
      .on('error', () => {})
      .once('data', () => {
        const far = connect(port, '127.0.0.1', () => {
          near.write('HTTP/1.0 200 OK\r\n\r\n');
          near.pipe(far).pipe(near);
        });
        far.on('error', () => near.destroy());
      });
  });
}

const [target, socks] = await Promise.all([
  listen((client) => client.on('error', () => {}).resume()),
  startSocksProxy(),
]);
const http = await connectProxy(target);
const [farSocks, farHttp] = await Promise.all([slowLine(socks.port), slowLine(http)]);
parentPort.postMessage({ target, socks: socks.port, http, farSocks, farHttp });
