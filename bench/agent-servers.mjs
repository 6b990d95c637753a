// The servers of bench/agent.mjs, in a thread of their own: a target, proxies, and the same proxies on all addresses of this machine,
// so that they can be reached over a slow link.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { parentPort } from 'node:worker_threads';
import { startSocksProxy } from '../packages/testkit/dist/index.js';

const listen = async (onClient, host = '127.0.0.1') => {
  const server = createServer({ noDelay: true }, onClient).listen(0, host, 4096);
  await once(server, 'listening');
  return server.address().port;
};

/** Another way to a port. */
function onAllAddresses(port) {
  return listen((near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    near.pipe(far).pipe(near);
    near.on('error', () => {}).on('close', () => far.destroy());
    far.on('error', () => {}).on('close', () => near.destroy());
  }, '0.0.0.0');
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
const [farSocks, farHttp] = await Promise.all([onAllAddresses(socks.port), onAllAddresses(http)]);
parentPort.postMessage({ target, socks: socks.port, http, farSocks, farHttp });
