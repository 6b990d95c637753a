import type { Duplex } from 'node:stream';
import { adoptFd, canPass, type Dialer, detachFd, handshake, isPlainSocket, loadSys } from '@fdpass/core';
import { type Check, demand } from './checks.js';
import { type Lab, PATIENCE_MS, type Trial, turns } from './lab.js';
import { unlikeASocket } from './unlike-a-socket.js';

const BANNER = 'SSH-2.0-banner of the compliance suite\r\n';

/** What becomes of bytes: that all of them arrive, and none too early. */
export const DELIVERY: readonly Check[] = [
  {
    name: 'gives a paused stream with nothing read ahead',
    async run(lab) {
      const stream = await lab.connect({ banner: BANNER, policy: { hold: true } });
      try {
        demand(stream.readableFlowing !== true, 'the stream flows already', 'pause() it before you resolve');
        await turns(50); // time to read ahead, for one that would
        checkUntouched(lab, stream);
      } finally {
        stream.on('error', () => {}).destroy();
      }
    },
  },
  {
    name: 'loses no byte of a banner that comes with the last reply',
    run: (lab) => checkBanner(lab, { policy: { hold: true } }),
  },
  {
    name: 'takes its replies one byte at a time',
    run: (lab) => checkBanner(lab, { policy: { dribble: true } }),
  },
  {
    name: 'works over a stream that is no socket',
    applies: ({ strategy }) => strategy.opensSockets !== true,
    run: (lab) => checkBanner(lab, { policy: { hold: true }, forward: overlaid(lab) }),
  },
  {
    name: 'carries another handshake, and a banner behind that',
    async run(lab) {
      const stream = await lab.connect({ policy: { hold: true } });
      const done = await handshake(stream, lab.context(), async (peer) => {
        await peer.write(Buffer.from(`echo this and${BANNER}`));
        return String(await peer.read('echo this and'.length, 'the echo'));
      });
      await expectBytes(done.stream, BANNER);
    },
  },
  {
    name: 'carries both directions',
    async run(lab) {
      const stream = await handedOver(await lab.connect({ banner: BANNER }));
      const sent = Buffer.alloc(300_000, 'both ways ');
      stream.write(sent);
      const received = await readBytes(stream, BANNER.length + sent.length);
      stream.on('error', () => {}).destroy();
      demand(
        received.subarray(BANNER.length).equals(sent),
        'what came back was not what was sent',
        'pass bytes on unchanged',
      );
    },
  },
  {
    name: 'carries the end of each direction',
    applies: ({ noHalfClose }) => noHalfClose !== true,
    async run(lab) {
      const stream = await handedOver(await lab.connect());
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
    name: 'keeps dials apart that run at the same time',
    async run(lab) {
      lab.begin({ banner: BANNER, policy: { dribble: true } });
      const dialer = await lab.dialer();
      const streams = await Promise.all(Array.from({ length: 5 }, () => dialer.dial(lab.target, lab.context())));
      for (const [index, stream] of streams.entries()) stream.write(`this is ${index}`);
      const read = await Promise.all(streams.map((stream) => readBytes(stream, BANNER.length + 'this is 0'.length)));
      for (const stream of streams) stream.on('error', () => {}).destroy();
      const isApart = read.every((bytes, index) => String(bytes) === `${BANNER}this is ${index}`);
      demand(isApart, 'five dials at once got each other’s bytes', 'keep what belongs to a dial inside dial()');
    },
  },
];

async function checkBanner(lab: Lab, trial: Trial): Promise<void> {
  const stream = await lab.connect({ ...trial, banner: BANNER });
  await expectBytes(await handedOver(stream), BANNER);
}

/** What the receiver of the descriptor has: of a plain socket nothing but the descriptor. */
async function handedOver(stream: Duplex): Promise<Duplex> {
  if (!isPlainSocket(stream)) return stream;
  const sys = await loadSys();
  return canPass(stream) ? adoptFd(detachFd(stream, sys), sys) : adoptLossy(stream);
}

/** Bytes that Node has already read do not travel with a descriptor. */
function adoptLossy(stream: Duplex): Duplex {
  stream.read();
  return stream;
}

async function expectBytes(stream: Duplex, expected: string): Promise<void> {
  const received = String(await readBytes(stream, expected.length));
  stream.on('error', () => {}).destroy();
  demand(
    received === expected,
    `of a banner of ${expected.length} bytes ${received.length} arrived: ${JSON.stringify(received)}`,
    'read exactly the bytes of your handshake: use handshake() of @fdpass/core',
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

function checkUntouched({ subject, strategy }: Lab, stream: Duplex): void {
  if (subject.relayed === true) {
    demand(!canPass(stream), 'its descriptor could be handed over', 'leave "relayed" out');
    return;
  }
  demand(
    stream.readableLength === 0,
    `${stream.readableLength} bytes were read ahead`,
    'read exactly the bytes of your handshake: use handshake() of @fdpass/core',
  );
  demand(
    canPass(stream),
    `what ${strategy.name} gives is no kernel socket`,
    'give the socket itself, or say "relayed" here and set needsRelay on the dialer',
  );
}

/** A network whose streams are no sockets, as those of a hop over TLS are not. */
function overlaid(lab: Lab): Dialer {
  return {
    dial: async (target, context) => unlikeASocket(await lab.network.dial(target, context)),
  };
}
