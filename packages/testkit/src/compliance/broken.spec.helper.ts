/*
 * Strategies that are broken on purpose, each in one way, and the sound one that they are made of: a gateway that is asked
 * with one line (`CONNECT host port\n`) and answers `OK\n`. broken.spec.ts runs the compliance suite on all of them.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import {
  type Chain,
  type Connection,
  type DialContext,
  FdpassError,
  type Strategy,
  type StrategyHost,
  type Target,
} from '@fdpass/core';
import { describeFd, loadSys } from '@fdpass/core/sockets';
import { startProxy } from '../proxies/proxy.js';
import { CHECK_NAMES } from './all-checks.js';
import { describeStrategy } from './describe-strategy.js';
import { unlikeASocket } from './unlike-a-socket.js';

interface Options {
  readonly port: number;
  readonly password: string;
}

const PASSWORD = 'hunter2';
const SOUND = 'nothing, it is sound';

const schema = (message: string, isLenient = false): NonNullable<Strategy<Options>['optionsSchema']> => ({
  '~standard': {
    version: 1,
    vendor: 'fixture',
    validate(value) {
      const isRight = typeof value === 'object' && value !== null && 'port' in value;
      if (isRight || isLenient) return { value: value as Options };
      return { issues: [{ message }] };
    },
  },
});

type Dial = (target: Target, context: DialContext, forward: Chain, options: Options) => Promise<Connection | Duplex>;

const ask = (target: Target, options: Options): Buffer =>
  Buffer.from(`CONNECT ${target.host} ${target.port} ${options.password}\n`);

const place = ({ port }: Options) => ({ host: '127.0.0.1', port });

/** Asks the gateway, and reads its reply as `read` does. */
const dialReading = (read: (connection: Connection) => Promise<void>): Dial => {
  return async (target, context, forward, options) => {
    const connection = await forward.dial(place(options), context);
    await connection.write(ask(target, options));
    await read(connection);
    return connection;
  };
};

const soundRead = async (connection: Connection): Promise<void> => {
  const reply = String(await connection.read(3, "the gateway's reply"));
  if (reply !== 'OK\n') throw new FdpassError('protocol', 'the gateway gave no reply of a gateway');
};

const soundDial = dialReading(soundRead);

const connectionDial = soundDial as (...args: Parameters<Dial>) => Promise<Connection>;

/** Takes every socket for one of TCP. */
const tcpOnly: Dial = async (target, context, forward, options) => {
  const connection = await forward.dial(place(options), context);
  const isTcp =
    connection.descriptor === undefined || describeFd(connection.descriptor, loadSys()).family.startsWith('inet');
  if (!isTcp) throw new FdpassError('internal', 'expected an address and a port');
  return soundDial(target, context, connected(connection), options);
};

/** A chain that is connected already. */
const connected = (connection: Connection): Chain => ({
  label: 'connected',
  dial: async () => connection,
  needsRelay: () => false,
});

function strategyOf(dial: Dial, more: Partial<Strategy<Options>> = {}): Strategy<Options> {
  return {
    name: 'gateway',
    optionsSchema: schema('expected a port'),
    create: (options, { forward }: StrategyHost) => ({
      dial: (target, context) => dial(target, context, forward, options),
    }),
    ...more,
  };
}

/** Changes what the sound dial gives. */
const after = (change: (stream: Duplex, context: DialContext) => Duplex | Promise<Duplex>): Strategy<Options> =>
  strategyOf(async (...args) => change((await connectionDial(...args)).toStream(), args[1]));

let last: Duplex | undefined;

/** The strategies by the check that each of them is made to fail. */
const BROKEN: Readonly<Record<string, Strategy<Options>>> = {
  [SOUND]: strategyOf(soundDial),
  'has a name that a config can hold, and a known version': strategyOf(soundDial, { name: 'My Gateway' }),
  'opens nothing when it is created': strategyOf(soundDial, {
    create(options, { forward }) {
      const early = connect(options.port, '127.0.0.1').on('error', () => {});
      setTimeout(() => early.destroy(), 1000).unref();
      return { dial: (target, context) => soundDial(target, context, forward, options) };
    },
  }),
  'does not change its options': strategyOf(soundDial, {
    create(options, { forward }) {
      const changed = options as { port: number };
      changed.port = Number(changed.port);
      return { dial: (target, context) => soundDial(target, context, forward, options) };
    },
  }),
  'looks up no name that is to be looked up there': strategyOf(soundDial, {
    create: (options, host) => ({
      async dial(target, context) {
        const [address] = target.host === 'localhost' ? await host.lookUp(target.host, 4, context) : [];
        return soundDial({ ...target, host: address?.host ?? target.host }, context, host.forward, options);
      },
    }),
  }),
  'refuses invalid options, with a message': strategyOf(soundDial, { optionsSchema: schema('', true) }),
  'gives a paused stream with nothing read ahead': after((stream) => stream.resume().pause() && flowing(stream)),
  'loses no byte of a banner that arrives with the last reply': strategyOf(
    async (target, context, forward, options) => {
      const socket = (await forward.dial(place(options), context)).toStream() as Socket;
      return greedy(socket, target, context, options);
    },
  ),
  'lets the greeting be looked at, and loses no byte of it': after((stream) =>
    unlikeASocket(stream).setEncoding('utf8'),
  ),
  'accepts replies one byte at a time': strategyOf(
    dialReading(async (connection) => {
      await connection.readThrough((soFar) => (soFar.length === 0 ? 1 : 0), 3, 'the reply'); // takes one read for all
    }),
  ),
  'works over a unix socket': strategyOf(tcpOnly),
  'works over a socketpair': strategyOf(tcpOnly),
  'works over a stream that is not a socket': strategyOf(async (target, context, forward, options) => {
    const connection = await forward.dial(place(options), context);
    if (connection.descriptor === undefined) throw new FdpassError('internal', 'expected a socket');
    return soundDial(target, context, connected(connection), options);
  }),
  'carries another handshake, and a banner after that': strategyOf(
    dialReading(async (connection) => {
      await connection.read(2, 'the reply'); // and its newline is left to whoever comes next
    }),
  ),
  'carries both directions': after((stream) => garble(stream)),
  'carries the end of each direction': after((stream) => {
    (stream as Socket).allowHalfOpen = false;
    stream.end = ((...args: unknown[]) => {
      stream.write(args[0] as string);
      setImmediate(() => stream.destroy());
      return stream;
    }) as typeof stream.end;
    return unlikeASocket(stream);
  }),
  'keeps simultaneous dials apart': strategyOf(async (...args) => {
    const stream = (await connectionDial(...args)).toStream();
    const given = last !== undefined && !last.destroyed ? last : stream;
    if (given !== stream) stream.destroy();
    last = given;
    return given;
  }),
  'fails when the connection closes at any point of the handshake': strategyOf(async (...args) => {
    try {
      return await soundDial(...args);
    } catch (error) {
      if (args[1].signal.aborted || (error as FdpassError).code === 'permission') throw error;
      throw new Error('something went wrong');
    }
  }),
  'rejects with the reason when aborted at any point': strategyOf(async (...args) => {
    try {
      return await soundDial(...args);
    } catch (error) {
      if (!args[1].signal.aborted || args[1].signal.reason instanceof FdpassError) throw error;
      throw new FdpassError('unreachable', 'aborted');
    }
  }),
  'ends at its deadline when nothing arrives': strategyOf(async (target, context, forward, options) => {
    const { reason } = context.signal;
    try {
      return await soundDial(target, context, forward, options);
    } catch (error) {
      const now = context.signal.reason ?? reason;
      if (now instanceof FdpassError) throw new FdpassError('unreachable', 'no answer');
      throw error;
    }
  }),
  'passes on the error of its forward, and connects to nothing else': strategyOf(
    async (target, context, forward, options) => {
      const connection = await forward.dial(place(options), context).catch((error: unknown) => {
        context.signal.throwIfAborted();
        throw new FdpassError('unreachable', `the gateway cannot be reached: ${String(error)}`);
      });
      return soundDial(target, context, connected(connection), options);
    },
  ),
  'connects after a dial that failed, with the same dialer': strategyOf(soundDial, {
    create(options, { forward }) {
      let failure: unknown;
      return {
        async dial(target, context) {
          if (failure !== undefined && !context.signal.aborted) throw failure;
          return soundDial(target, context, forward, options).catch((error: unknown) => {
            failure = error;
            throw error;
          });
        },
      };
    },
  }),
  'removes its listeners from the signal: a late abort changes nothing': after((stream, { signal }) => {
    signal.addEventListener('abort', () => stream.destroy(), { once: true });
    return stream;
  }),
  'leaves no descriptor, timer, listener or process': after((stream) => {
    const timer = setTimeout(() => {}, 60_000);
    stream.once('error', () => clearTimeout(timer));
    return stream;
  }),
  'shows no secret': strategyOf(async (target, context, forward, options) => {
    context.trace({ event: 'note', text: String(ask(target, options)) });
    return soundDial(target, context, forward, options);
  }),
};

/** Reads ahead, so that more than the handshake's own bytes are gone from the kernel. */
async function flowing(stream: Duplex): Promise<Duplex> {
  stream.once('readable', () => {});
  return stream;
}

/** Takes whatever comes with the reply for the reply. */
async function greedy(socket: Socket, target: Target, context: DialContext, options: Options): Promise<Duplex> {
  const abort = (): void => void socket.destroy();
  context.signal.addEventListener('abort', abort, { once: true });
  try {
    socket.write(ask(target, options));
    let reply = '';
    while (!reply.includes('\n')) {
      const closed = once(socket, 'close').then(() => {
        throw context.signal.aborted ? context.signal.reason : new FdpassError('unreachable', 'closed early');
      });
      closed.catch(() => {});
      const arriving = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(String(chunk))));
      socket.on('error', () => {}).resume();
      reply += await Promise.race([arriving, closed]);
      socket.pause();
    }
    context.signal.throwIfAborted();
    return socket;
  } finally {
    context.signal.removeEventListener('abort', abort);
  }
}

/** What is long arrives as something else. */
function garble(stream: Duplex): Duplex {
  const outer = unlikeASocket(stream);
  const write = outer.write.bind(outer);
  outer.write = ((chunk: Buffer) => write(chunk.length > 1000 ? Buffer.alloc(chunk.length, 'X') : chunk)) as never;
  return outer;
}

for (const [title, strategy] of Object.entries(BROKEN)) {
  describe(title, () => {
    describeStrategy({
      strategy,
      secrets: [PASSWORD],
      skip:
        title === SOUND
          ? {}
          : Object.fromEntries(
              CHECK_NAMES.filter((name) => name !== title).map((name) => [name, 'not broken in this']),
            ),
      async start() {
        const gateway = await startProxy(async ({ source, client, reach }) => {
          const [, host = '', port] = /^CONNECT (\S+) (\d+) hunter2\n$/.exec(await source.readThrough('\n')) ?? [];
          const far = await reach(host, Number(port));
          client.write('OK\n');
          return far;
        });
        return { options: { port: gateway.port, password: PASSWORD }, close: () => gateway.close() };
      },
    });
  });
}
