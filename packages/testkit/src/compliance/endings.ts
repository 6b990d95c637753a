import { getEventListeners } from 'node:events';
import { FdpassError, isFdpassError, startDeadline, systemClock } from '@fdpass/core';
import { toConnection } from '@fdpass/core/sockets';
import { type Check, demand } from './checks.js';
import { destroy, discard, type Lab, type Outcome, turns } from './lab.js';
import { resourcesAtRest, untilNothingIsLeft } from './leftovers.js';
import type { StrategySubject } from './subject.js';

/** More points than this are sampled. */
const MAX_POINTS = 64;
const DEADLINE_MS = 40;

/** What a server that ends or is silent may be told as. */
const CODES = ['protocol', 'unreachable', 'permission'];

/** How a dial ends that cannot succeed or must not continue. */
export const ENDINGS: readonly Check[] = [
  {
    name: 'fails when the connection closes at any point of the handshake',
    applies: hasHandshake,
    async run(lab) {
      const length = await handshakeLength(lab);
      for (const closeAfter of points(length)) {
        for (const reset of [false, true]) {
          const outcome = await lab.dial({ policy: { closeAfter, reset } });
          discard(outcome);
          checkFailure(outcome, `closed after ${closeAfter} of ${length} bytes`, lab);
        }
      }
    },
  },
  {
    name: 'rejects with the reason when aborted at any point',
    async run(lab) {
      const early = await abortedAfter(lab, 0);
      demand(
        'error' in early && early.error === REASON,
        'a dial with an aborted signal went on',
        'call signal.throwIfAborted() first, and await nothing before',
      );
      for (let turn = 1; turn <= MAX_POINTS; turn++) {
        const outcome = await abortedAfter(lab, turn);
        discard(outcome);
        if ('value' in outcome) break; // it was faster
        checkAbort(outcome, `${turn} turns of the event loop`);
      }
      for (const at of ['onStep', 'onEvent'] as const) {
        for (let number = 1; number <= MAX_POINTS; number++) {
          const { outcome, isReached } = await abortedAt(lab, at, number);
          discard(outcome);
          if (!isReached) break;
          checkAbort(
            outcome,
            at === 'onStep' ? `step ${number} of its conversation` : `the event ${number} that it reports`,
          );
        }
      }
    },
  },
  {
    name: 'ends at its deadline when nothing arrives',
    applies: hasHandshake,
    async run(lab) {
      const length = await handshakeLength(lab);
      for (const silentAfter of length === 0 ? [] : new Set([0, length >> 1, length - 1])) {
        const deadline = startDeadline(DEADLINE_MS, undefined, systemClock);
        const outcome = await lab.dial({ policy: { silentAfter }, signal: deadline.signal });
        deadline.release();
        discard(outcome);
        if ('value' in outcome && lab.isRelayed) continue; // what it had was enough for it
        demand(
          'error' in outcome && isFdpassError(outcome.error) && outcome.error.code === 'timeout',
          `with silence after ${silentAfter} bytes the dial ended with ${shown(outcome)}`,
          'reject with signal.reason as soon as the signal aborts',
        );
      }
    },
  },
  {
    name: 'passes on the error of its forward, and connects to nothing else',
    applies: ({ strategy }) => strategy.firstOnly !== true,
    async run(lab) {
      const failure = new FdpassError('permission', 'the hop before refused');
      let asked = 0;
      const outcome = await lab.dial({
        forward: () => {
          asked++;
          return Promise.reject(failure);
        },
      });
      discard(outcome);
      demand(asked > 0, 'the forward dialer was not asked', 'open no socket of your own, or set firstOnly');
      const isPassedOn = 'error' in outcome && isFdpassError(outcome.error) && outcome.error.code === failure.code;
      demand(
        isPassedOn,
        `a refusing forward (permission) became ${shown(outcome)}`,
        'let errors of forward.dial() through, with their code',
      );
    },
  },
  {
    name: 'connects after a dial that failed, with the same dialer',
    applies: hasHandshake,
    async run(lab) {
      let isRefused = true;
      const dialer = await lab.dialer((target, context) =>
        isRefused
          ? Promise.reject(new FdpassError('permission', 'the hop before refused'))
          : lab.network(target, context),
      );
      const length = await handshakeLength(lab);
      const failing = [...(length === 0 ? [] : [{ closeAfter: length >> 1 }]), {}];
      for (const policy of failing) {
        isRefused = policy === failing.at(-1);
        lab.begin({ policy });
        discard(await lab.dialWith(dialer));
        isRefused = false;
        lab.begin({});
        const outcome = await lab.dialWith(dialer);
        discard(outcome);
        demand(
          'value' in outcome,
          `after a dial that failed the same dialer ended with ${shown(outcome)}`,
          'leave nothing of a dial in the dialer: "retry" in the config dials with it again',
        );
      }
    },
  },
  {
    name: 'removes its listeners from the signal: a late abort changes nothing',
    async run(lab) {
      const controller = new AbortController();
      const connection = toConnection(await lab.connect({ signal: controller.signal }));
      const listening = getEventListeners(controller.signal, 'abort').length;
      controller.abort(REASON);
      await turns();
      const isAlive = await connection
        .write(Buffer.from('still there'))
        .then(() => connection.read('still there'.length, 'the echo'))
        .then(
          () => true,
          () => false,
        );
      connection.destroy();
      demand(
        isAlive,
        'an abort after the dial destroyed the connection',
        'the signal is for the dial only: remove your listener when it is over',
      );
      demand(
        listening === 0,
        `${listening} listeners were left on the signal`,
        'remove them when the dial is over, however it ended',
      );
    },
  },
  {
    name: 'leaves no descriptor, timer, listener or process',
    async run(lab) {
      const length = hasHandshake(lab.subject) ? await handshakeLength(lab) : 0;
      lab.cut();
      const before = await resourcesAtRest();
      const controllers = [1, 2, 3].map(() => new AbortController());
      const [first, second, third] = controllers as [AbortController, AbortController, AbortController];
      discard(await lab.dial({ signal: first.signal }));
      if (length > 0) discard(await lab.dial({ signal: second.signal, policy: { closeAfter: length >> 1 } }));
      discard(await lab.dial({ signal: third.signal, onStep: () => third.abort(REASON) }));
      for (let number = 1, isReached = true; isReached && number <= MAX_POINTS; number++) {
        const aborted = await abortedAt(lab, 'onEvent', number);
        discard(aborted.outcome);
        isReached = aborted.isReached;
      }
      const listening = controllers.reduce((sum, { signal }) => sum + getEventListeners(signal, 'abort').length, 0);
      demand(
        listening === 0,
        `${listening} listeners were left on a signal`,
        'remove them when the dial is over, however it ended',
      );
      await untilNothingIsLeft(before);
    },
  },
  {
    name: 'shows no secret',
    applies: ({ secrets = [] }) => secrets.length > 0,
    async run(lab) {
      const length = hasHandshake(lab.subject) ? await handshakeLength(lab) : 0;
      const outcomes: Outcome[] = [];
      for (const policy of [{}, ...points(length).map((closeAfter) => ({ closeAfter }))]) {
        outcomes.push(await lab.dial({ policy }));
      }
      outcomes.forEach(discard);
      const said = [...lab.events.map((event) => JSON.stringify(event)), ...outcomes.map(everythingSaid)].join('\n');
      for (const secret of lab.subject.secrets ?? []) {
        demand(
          !said.includes(secret),
          `the secret ${JSON.stringify(secret)} was shown`,
          'keep it out of errors, hints and traces',
        );
      }
    },
  },
];

const REASON = new Error('the suite changed its mind');

/** Whether there is a conversation before the tunnel is open that the suite can disturb. */
function hasHandshake({ strategy }: StrategySubject): boolean {
  return strategy.firstOnly !== true;
}

/** How many bytes the server says before the tunnel is open. */
async function handshakeLength(lab: Lab): Promise<number> {
  const value = await lab.connect();
  await turns();
  const { delivered } = lab;
  destroy(value);
  return delivered;
}

/** Offsets in a conversation: all, or a sample that has both ends. */
function points(length: number): number[] {
  if (length <= MAX_POINTS) return Array.from({ length }, (_, index) => index);
  return Array.from({ length: MAX_POINTS }, (_, index) => Math.round((index * (length - 1)) / (MAX_POINTS - 1)));
}

function checkFailure(outcome: Outcome, when: string, { isRelayed }: Lab): void {
  if ('value' in outcome && isRelayed) return; // what it had was enough for it
  const isRight = 'error' in outcome && isFdpassError(outcome.error) && CODES.includes(outcome.error.code);
  demand(isRight, `${when}, the dial ended with ${shown(outcome)}`, `reject with an FdpassError ${CODES.join(', ')}`);
}

function checkAbort(outcome: Outcome, when: string): void {
  demand(
    'error' in outcome && outcome.error === REASON,
    `aborted after ${when}, the dial ended with ${shown(outcome)}`,
    'reject with signal.reason, unchanged',
  );
}

async function abortedAfter(lab: Lab, count: number): Promise<Outcome> {
  const controller = new AbortController();
  if (count === 0) controller.abort(REASON);
  const dialling = lab.dial({ signal: controller.signal, policy: { dribble: true } });
  await turns(count);
  controller.abort(REASON);
  return dialling;
}

/** Aborts when the line has seen this many steps, or the strategy has reported this many events, in that very moment. */
async function abortedAt(
  lab: Lab,
  at: 'onStep' | 'onEvent',
  number: number,
): Promise<{ outcome: Outcome; isReached: boolean }> {
  const controller = new AbortController();
  let seen = 0;
  let isDone = false;
  const outcome = await lab.dial({
    signal: controller.signal,
    policy: { dribble: true },
    [at]: () => {
      if (++seen === number && !isDone) controller.abort(REASON);
    },
  });
  isDone = true;
  // A stream that came although its signal had aborted: what was seen was the last thing before it was there.
  return { outcome, isReached: controller.signal.aborted && 'error' in outcome };
}

function shown(outcome: Outcome): string {
  if ('value' in outcome) return 'a connection';
  const { error } = outcome;
  if (isFdpassError(error)) return `FdpassError ${error.code} (${error.message})`;
  return error instanceof Error ? `${error.name} (${error.message})` : String(error);
}

/** All that an error says, in it and below it. */
function everythingSaid(outcome: Outcome): string {
  const said: string[] = [];
  let error = 'error' in outcome ? outcome.error : undefined;
  while (error instanceof Error) {
    said.push(error.message, error.stack ?? '', JSON.stringify(error));
    error = error.cause;
  }
  return said.join('\n');
}
