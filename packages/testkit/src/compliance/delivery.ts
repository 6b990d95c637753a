import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Chain, Connection } from '@fdpass/core';
import type { Resolver } from '@fdpass/core/host';
import {
  adoptFd,
  DescriptorConnection,
  findSys,
  isConnection,
  loadSys,
  openConnection,
  toConnection,
} from '@fdpass/core/sockets';
import { temporaryPath } from '../temporary-path.js';
import { type Check, demand } from './checks.js';
import { destroy, type Lab, PATIENCE_MS, type Trial, turns } from './lab.js';
import { unlikeASocket } from './unlike-a-socket.js';

const BANNER = 'SSH-2.0-banner of the compliance suite\r\n';
/** A name of the origin that everybody can look up. */
const NAME = 'localhost';

/** Whether all bytes arrive, and none is read too early. */
export const DELIVERY: readonly Check[] = [
  {
    name: 'gives a paused stream with nothing read ahead',
    async run(lab) {
      const value = await lab.connect({ banner: BANNER, policy: { hold: true } });
      try {
        const isFlowing = !isConnection(value) && value.readableFlowing === true;
        demand(!isFlowing, 'the stream flows already', 'pause() it before you resolve');
        await turns(50); // time to read ahead, for one that would
        checkUntouched(lab, value);
      } finally {
        destroy(value);
      }
    },
  },
  {
    name: 'loses no byte of a banner that arrives with the last reply',
    run: (lab) => checkBanner(lab, { policy: { hold: true } }),
  },
  {
    name: 'lets the greeting be looked at, and loses no byte of it',
    async run(lab) {
      const connection = await lookedAt(lab).catch((error: Error) =>
        demand(
          false,
          `a look at the greeting failed: ${error.message}`,
          'give the connection itself, or a stream of bytes',
        ),
      );
      if (connection !== undefined) await expectBytes(connection.toStream(), BANNER);
    },
  },
  {
    name: 'accepts replies one byte at a time',
    run: (lab) => checkBanner(lab, { policy: { dribble: true } }),
  },
  {
    name: 'works over a stream that is not a socket',
    applies: ({ strategy }) => strategy.firstOnly !== true,
    run: (lab) => checkBanner(lab, { policy: { hold: true }, forward: overlaid(lab) }),
  },
  {
    name: 'works over a unix socket',
    applies: ({ strategy }) => strategy.firstOnly !== true,
    run: (lab) => checkBanner(lab, { policy: { hold: true }, forward: overUnixSocket(lab) }),
  },
  {
    name: 'works over a socketpair',
    applies: ({ strategy }) => strategy.firstOnly !== true && findSys() !== undefined,
    run: (lab) => checkBanner(lab, { policy: { hold: true }, forward: overSocketpair(lab) }),
  },
  {
    name: 'carries another handshake, and a banner after that',
    async run(lab) {
      const connection = toConnection(await lab.connect({ policy: { hold: true } }));
      await connection.write(Buffer.from(`echo this and${BANNER}`));
      await connection.read('echo this and'.length, 'the echo');
      await expectBytes(connection.toStream(), BANNER);
    },
  },
  {
    name: 'carries both directions',
    async run(lab) {
      const stream = handedOver(await lab.connect({ banner: BANNER }));
      const sent = Buffer.alloc(300_000, 'both ways ');
      stream.write(sent);
      const received = await readBytes(stream, BANNER.length + sent.length);
      stream.on('error', () => {}).destroy();
      const back = received.subarray(BANNER.length);
      demand(
        back.length === sent.length,
        `of ${sent.length} bytes that were sent ${back.length} came back`,
        'pass all bytes on, and soon',
      );
      demand(back.equals(sent), 'what came back was not what was sent', 'pass bytes on unchanged');
    },
  },
  {
    name: 'carries the end of each direction',
    applies: ({ noHalfClose }) => noHalfClose !== true,
    async run(lab) {
      const stream = handedOver(await lab.connect());
      stream.end('last words');
      const received = await readBytes(stream, Infinity);
      stream.on('error', () => {}).destroy();
      demand(
        String(received) === 'last words',
        `after our end only ${JSON.stringify(String(received))} came back`,
        'allow half-open: pass an end on and go on reading',
      );
    },
  },
  {
    name: 'keeps simultaneous dials apart',
    async run(lab) {
      lab.begin({ banner: BANNER, policy: { dribble: true } });
      const dialer = await lab.dialer();
      const outcomes = await Promise.all(Array.from({ length: 5 }, () => lab.dialWith(dialer)));
      const streams = outcomes.flatMap((outcome) => ('value' in outcome ? [handedOver(outcome.value)] : []));
      demand(streams.length === 5, 'one of five dials at once failed', 'keep what belongs to a dial inside dial()');
      for (const [index, stream] of streams.entries()) stream.write(`this is ${index}`);
      const read = await Promise.all(streams.map((stream) => readBytes(stream, BANNER.length + 'this is 0'.length)));
      for (const stream of streams) stream.on('error', () => {}).destroy();
      const isApart = read.every((bytes, index) => String(bytes) === `${BANNER}this is ${index}`);
      demand(isApart, 'five dials at once got each other’s bytes', 'keep what belongs to a dial inside dial()');
    },
  },
  {
    name: 'looks up no name that is to be looked up there',
    applies: ({ strategy }) => strategy.firstOnly !== true,
    async run(lab) {
      if (lab.server.target !== undefined) return; // it takes no names
      lab.begin({ banner: BANNER });
      const asked: string[] = [];
      const resolve: Resolver = async (host) => {
        asked.push(host);
        return [{ family: 4, host: '127.0.0.1' }];
      };
      const dialer = await lab.strategy.create(
        await lab.options(),
        lab.host(lab.network, { namesAt: 'there', resolve }),
      );
      const outcome = await lab.dialWith(dialer, undefined, { ...lab.target, host: NAME });
      if ('value' in outcome) destroy(outcome.value);
      demand(
        !asked.includes(NAME),
        'it has looked up the name of the target',
        'pass the name on if host.namesAt is "there"',
      );
    },
  },
];

/** A connection whose greeting core has looked at, as it does for "expect" in a config. */
function lookedAt(lab: Lab): Promise<Connection> {
  return lab.guardedDial({ banner: BANNER }, { prefixes: ['SSH-'], limitMs: PATIENCE_MS });
}

async function checkBanner(lab: Lab, trial: Trial): Promise<void> {
  await expectBytes(handedOver(await lab.connect({ ...trial, banner: BANNER })), BANNER);
}

/** What whoever gets the connection has. Bytes that Node has already read do not travel with a socket's descriptor. */
function handedOver(value: Connection | Duplex): Duplex {
  if (!isConnection(value) && 'remoteAddress' in value && !('encrypted' in value)) void value.read();
  return toConnection(value).toStream();
}

async function expectBytes(stream: Duplex, expected: string): Promise<void> {
  const received = String(await readBytes(stream, expected.length));
  stream.on('error', () => {}).destroy();
  demand(
    received === expected,
    `of a banner of ${expected.length} bytes ${received.length} arrived: ${JSON.stringify(received)}`,
    'read exactly the bytes of your handshake: use read() and readThrough() of the connection',
  );
}

/** Up to `length` bytes: fewer if the stream ends, or if they do not come. */
async function readBytes(stream: Duplex, length: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= length) done();
    });
    stream.once('end', done).once('close', done).on('error', done);
    stream.resume();
  });
  return Buffer.concat(chunks);
}

function checkUntouched({ isRelayed, strategy }: Lab, value: Connection | Duplex): void {
  const readAhead = isConnection(value) ? 0 : value.readableLength;
  const isPassable = toConnection(value).descriptor !== undefined;
  if (isRelayed) {
    demand(!isPassable, 'its descriptor could be handed over', 'leave out needsRelay(), and "relayed" in the test');
    return;
  }
  demand(
    readAhead === 0,
    `${readAhead} bytes were read ahead`,
    'read exactly the bytes of your handshake: use read() and readThrough() of the connection',
  );
  demand(
    isPassable,
    `what ${strategy.name} gives is not a kernel socket`,
    'give the connection itself, or let the dialer have needsRelay()',
  );
}

/** A network whose connections are streams and not sockets, as those of a hop over TLS. */
function overlaid(lab: Lab): Chain['dial'] {
  return async (target, context) => toConnection(unlikeASocket((await lab.network(target, context)).toStream()));
}

/** A network of unix sockets. */
function overUnixSocket(lab: Lab): Chain['dial'] {
  return async (target, context) => {
    const { path, remove } = temporaryPath();
    const server = createServer({ allowHalfOpen: true }, async (client) => {
      server.close();
      remove();
      join(client, (await lab.network(target, lab.context())).toStream());
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    return openConnection({ path }, {}, context);
  };
}

/** A network of socketpairs, as programs and detached relays give them. */
function overSocketpair(lab: Lab): Chain['dial'] {
  return async (target, context) => {
    const sys = loadSys();
    const far = (await lab.network(target, context)).toStream();
    const [ours, theirs] = sys.socketpair();
    sys.setNonBlocking(ours, true);
    join(adoptFd(theirs, sys), far);
    return new DescriptorConnection(ours, sys);
  };
}

function join(one: Duplex, other: Duplex): void {
  one.on('error', () => other.destroy()).pipe(other);
  other.on('error', () => one.destroy()).pipe(one);
}
