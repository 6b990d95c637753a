// The servers of the benchmarks, in a process of their own: a target, a SOCKS 5 proxy and an HTTP proxy.
import { fork } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(import.meta.url);
const ANSWER = 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n';

/** Starts them. `ports` has one for each; `close` ends them. */
export async function startPeers() {
  const child = fork(HERE, ['serve'], { execArgv: [] });
  const ports = await new Promise((resolve) => child.once('message', resolve));
  return { ports, close: () => child.disconnect() };
}

async function serve() {
  process.once('disconnect', () => process.exit(0));
  const servers = { target: createServer(answer), socks: createServer(serveSocks), http: createServer(serveHttp) };
  const ports = {};
  for (const [name, server] of Object.entries(servers)) {
    await new Promise((resolve) => server.listen(0, '127.0.0.1', 4096, resolve));
    ports[name] = server.address().port;
  }
  process.send(ports);
}

/** Says something to whoever asks, and nothing to others. */
function answer(socket) {
  socket.on('error', () => {}).once('data', () => socket.end(ANSWER));
}

/** RFC 1928, for clients that send each message in one piece. */
function serveSocks(client) {
  client
    .on('error', () => {})
    .once('data', () => {
      client.write(Buffer.from([5, 0]));
      client.once('data', (request) =>
        tunnel(client, socksTarget(request), Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])),
      );
    });
}

function socksTarget(request) {
  const isName = request[3] === 3;
  const host = isName ? request.toString('latin1', 5, 5 + request[4]) : [...request.subarray(4, 8)].join('.');
  return { host, port: request.readUInt16BE(request.length - 2) };
}

/** CONNECT only. */
function serveHttp(client) {
  client
    .on('error', () => {})
    .once('data', (request) => {
      const [, host, port] = /^CONNECT ([^ :]+):(\d+)/.exec(request.toString('latin1')) ?? [];
      tunnel(client, { host, port: Number(port) }, 'HTTP/1.1 200 Connection established\r\n\r\n');
    });
}

function tunnel(client, { host, port }, reply) {
  const far = connect({ port, host: host === 'localhost' ? '127.0.0.1' : host });
  far
    .on('error', () => client.destroy())
    .once('connect', () => {
      client.write(reply);
      client.pipe(far).pipe(client);
    });
  client.once('close', () => far.destroy());
}

if (process.argv[1] === HERE && process.argv[2] === 'serve') await serve();
