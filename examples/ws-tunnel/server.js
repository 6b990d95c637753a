// The other end of the tunnel: node server.js [PORT]. Connects to the target in the query and copies bytes both ways. It
// serves anyone who can reach it, so put it behind a proxy that authenticates users.
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { pathToFileURL } from 'node:url';
import { createWebSocketStream, WebSocketServer } from 'ws';

/** Starts a server on a port of 127.0.0.1, 0 for a free one; the caller closes it. */
export async function startTunnelServer(port = 0) {
  const server = createServer((_request, response) => response.writeHead(426).end());
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket, request) => {
    const stream = createWebSocketStream(socket);
    const { searchParams } = new URL(request.url, 'ws://server');
    const [, host, targetPort] = /^(.*):(\d+)$/.exec(searchParams.get('target') ?? '') ?? [];
    if (host === undefined) return socket.close(1008, 'no target');
    const far = connect({ host, port: Number(targetPort) });
    far
      .on('error', () => socket.terminate())
      .pipe(stream)
      .on('error', () => far.destroy())
      .pipe(far);
    stream.once('close', () => far.destroy());
  });
  await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { port } = await startTunnelServer(Number(process.argv[2] ?? 0));
  console.log(port);
}
