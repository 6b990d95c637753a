// A strategy that uses a third-party client library: the tunnel is a WebSocket of the npm package `ws`. It is not a kernel
// socket, so fdpass hands it over through a relay. All else is as in any other strategy.
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { FdpassError, messageOf } from '@fdpass/core';
import { readySocket } from '@fdpass/core/host';
import WebSocket, { createWebSocketStream } from 'ws';

/** @type {import('@fdpass/core').Strategy<{ url: string }>} */
export const websocket = {
  name: 'websocket',
  schemes: ['ws', 'wss'], // `use: wss://tunnel.example/ssh` needs no other option
  create({ url }, host) {
    const place = parse(url);
    return {
      needsRelay: () => true,
      async dial(target, context) {
        // A client library needs a flowing socket rather than a connection with exact reads.
        const gateway = await host.forward.dial({ host: place.hostname, port: place.port }, context);
        const connection = await readySocket(gateway);
        const socket = new WebSocket(`${url}?target=${encodeURIComponent(`${target.host}:${target.port}`)}`, {
          createConnection: () =>
            place.secure ? connectTls({ socket: connection, servername: place.hostname }) : connection,
        });
        const stream = createWebSocketStream(socket); // listens at once: a greeting can follow the 101 directly
        const ignore = () => {};
        const abort = () => socket.terminate();
        stream.on('error', ignore);
        context.signal.addEventListener('abort', abort, { once: true });
        try {
          context.signal.throwIfAborted();
          await once(socket, 'open');
          return stream.off('error', ignore).pause();
        } catch (error) {
          stream.destroy();
          connection.on('error', ignore).destroy();
          throw context.signal.aborted ? context.signal.reason : refused(url, error);
        } finally {
          context.signal.removeEventListener('abort', abort);
        }
      },
    };
  },
};

function parse(url) {
  const { protocol, hostname, port } = URL.canParse(url) ? new URL(url) : {};
  const secure = protocol === 'wss:';
  if (!secure && protocol !== 'ws:') throw new FdpassError('config', '"url" must begin with ws:// or wss://');
  return { secure, hostname, port: Number(port) || (secure ? 443 : 80) };
}

function refused(url, error) {
  const { host } = new URL(url); // without a password in the URL
  const isReply = /Unexpected server response/.test(messageOf(error));
  return new FdpassError(
    isReply ? 'protocol' : 'unreachable',
    `${host} did not open a WebSocket: ${messageOf(error)}`,
    {
      hint: isReply ? 'check the path' : undefined,
      cause: error,
    },
  );
}
