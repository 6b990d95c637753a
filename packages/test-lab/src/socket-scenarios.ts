import { type EventEmitter, once } from 'node:events';
import type { Socket } from 'node:net';

/** Called as `net.connect` is. */
export type ConnectLike = (
  target: { port: number; host: string; [option: string]: unknown },
  connected?: () => void,
) => Socket;

const EVENTS = ['connect', 'ready', 'data', 'end', 'finish', 'timeout', 'error', 'close'];

/** What a program sees of a socket, from its making until it is closed. */
async function observe(socket: Socket, use: (socket: Socket) => unknown = () => {}): Promise<unknown[]> {
  const seen: unknown[] = [look(socket)];
  const emitter: EventEmitter = socket;
  for (const event of EVENTS) {
    emitter.on(event, (...given: unknown[]) => seen.push([event, ...given.map(plain), look(socket)]));
  }
  const closed = new Promise((resolve) => emitter.once('close', resolve));
  await use(socket);
  await closed;
  seen.push(look(socket));
  return seen;
}

function plain(value: unknown): unknown {
  return value instanceof Error ? 'an error' : Buffer.isBuffer(value) ? String(value) : value;
}

function look(socket: Socket): object {
  const { connecting, pending, readyState, destroyed, timeout, remoteAddress, remoteFamily, remotePort } = socket;
  const { localAddress, localFamily, localPort, bytesRead, bytesWritten } = socket;
  return {
    ...{ connecting, pending, readyState, destroyed, timeout, bytesRead, bytesWritten },
    remote: [remoteAddress, remoteFamily, remotePort],
    local: [localAddress, localFamily, typeof localPort],
    address: Object.keys(socket.address()),
  };
}

const host = '127.0.0.1';
const echoed = (socket: Socket): Promise<unknown> => once(socket, 'data');

/**
 * What a program does with a socket, by name. Each resolves to all that it sees of one that `connect` makes to `port`, where a
 * server echoes: what is to do as `net.connect` does has to be seen to do the same.
 */
export const SOCKET_SCENARIOS: Readonly<Record<string, (connect: ConnectLike, port: number) => Promise<unknown[]>>> = {
  'written to and ended before it is connected': (to, port) =>
    observe(to({ host, port }), (socket) => socket.end('early')),
  'written to when it is connected, then ended': (to, port) =>
    observe(to({ host, port }), async (socket) => {
      await once(socket, 'connect');
      socket.write('words');
      await echoed(socket);
      socket.end();
    }),
  'destroyed before it is connected': (to, port) => observe(to({ host, port }), (socket) => socket.destroy()),
  'destroyed with an error when it is connected': (to, port) =>
    observe(to({ host, port }), async (socket) => {
      await once(socket, 'ready');
      socket.destroy(new Error('enough'));
    }),
  'destroyed when what was written is away': (to, port) =>
    observe(to({ host, port }), (socket) => {
      socket.write('last');
      socket.destroySoon();
    }),
  'refused, with words that wait': (to) => observe(to({ host, port: 1 }), (socket) => void socket.write('lost')),
  'aborted before it is connected': (to, port) => {
    const giveUp = new AbortController();
    return observe(to({ host, port, signal: giveUp.signal }), () => giveUp.abort());
  },
  'aborted when it is connected': (to, port) => {
    const giveUp = new AbortController();
    return observe(to({ host, port, signal: giveUp.signal }), async (socket) => {
      await once(socket, 'connect');
      giveUp.abort();
    });
  },
  'idle until it is destroyed for that': (to, port) =>
    observe(to({ host, port, timeout: 5_000 }), async (socket) => {
      await once(socket, 'connect');
      socket.setTimeout(1, () => socket.destroy());
    }),
  'told of no time limit': (to, port) => {
    const never = (): void => {
      throw new Error('no time has passed');
    };
    return observe(to({ host, port }), (socket) => socket.setTimeout(1, never).setTimeout(0, never).end('calm'));
  },
  'reset when it is connected': (to, port) =>
    observe(to({ host, port }), async (socket) => {
      await once(socket, 'connect');
      socket.resetAndDestroy();
    }),
  'given options before it is connected': (to, port) =>
    observe(to({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 1_000 }), (socket) =>
      socket.setNoDelay().setKeepAlive(true, 1_000).unref().ref().end('set'),
    ),
  'given a listener': async (to, port) => {
    const heard: string[] = [];
    const seen = await observe(
      to({ host, port }, () => heard.push('connected')),
      (socket) => socket.end(),
    );
    return [heard, ...seen];
  },
};
