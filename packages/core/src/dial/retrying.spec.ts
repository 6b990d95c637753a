import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import type { Connection } from '../connection/connection.js';
import { startDeadline } from '../ground/clock.js';
import { type ErrorCode, FdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { endOfFile, fromSystemError } from '../ground/system-error.js';
import type { TraceEvent } from '../ground/trace.js';
import type { DialContext } from './dialer.js';
import { allFailed, connectFailed } from './failures.js';
import { dialRetrying } from './retrying.js';
import type { RetryCause, RetrySettings } from './settings.js';

const CONNECTION = { destroy() {} } as Connection;
const ALL: readonly RetryCause[] = ['refused', 'unreachable', 'timeout', 'closed'];
const SETTINGS: RetrySettings = { times: 3, backoffMs: 1000, on: ALL };

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code, syscall: 'connect' });
}

const refused = (): FdpassError => fromSystemError(systemError('ECONNREFUSED'));
const closed = (): FdpassError => new FdpassError('unreachable', 'closed', { cause: endOfFile() });
const error = (code: ErrorCode): FdpassError => new FdpassError(code, `it is ${code}`, { hint: 'mend it', hop: 'far' });

/** A dial whose tries end as they are told, and what has become of it. */
class Tried {
  readonly clock: HandClock = new HandClock();
  readonly events: TraceEvent[] = [];
  readonly startedAt: number[] = [];
  readonly controller: AbortController = new AbortController();
  result: Connection | undefined;
  error: unknown;

  /** @param outcomes Of the tries; the last one of all others too. `silent` never ends. */
  constructor(
    outcomes: readonly (FdpassError | 'ok' | 'silent')[],
    settings: Partial<RetrySettings> = {},
    random = 0.5,
    signal: AbortSignal = this.controller.signal,
  ) {
    const dial = ({ signal: own }: DialContext): Promise<Connection> => {
      this.startedAt.push(this.clock.now());
      const outcome = outcomes[Math.min(this.startedAt.length, outcomes.length) - 1];
      if (outcome === 'ok') return Promise.resolve(CONNECTION);
      if (outcome !== 'silent') return Promise.reject(outcome);
      return new Promise((_, reject) => own.addEventListener('abort', () => reject(own.reason)));
    };
    const trace = (event: TraceEvent): void => void this.events.push(event);
    const retried = { context: { signal, trace }, clock: this.clock, random: () => random, port: 2222, dial };
    dialRetrying(retried, { ...SETTINGS, ...settings }).then(
      (result) => {
        this.result = result;
      },
      (reason: unknown) => {
        this.error = reason;
      },
    );
  }

  expectNothingLeft(): void {
    const listeners = getEventListeners(this.controller.signal, 'abort').length;
    expect([this.clock.pending, listeners]).to.deep.equal([0, 0]);
  }
}

describe('a dial that is made again', () => {
  it('waits before each try, twice as long as before, up to ten times as long', async () => {
    const tried = new Tried([refused()], { times: 7 });
    await tried.clock.runAll();
    const delays = tried.startedAt.slice(1).map((at, index) => at - (tried.startedAt[index] ?? 0));
    expect(delays).to.deep.equal([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
    expect((tried.error as FdpassError).message).to.equal('connection refused (tried 8 times)');
    tried.expectNothingLeft();
  });

  it('spreads those that wait for the same server', async () => {
    for (const [random, delay] of [
      [0, 500],
      [0.9999, 1499.9],
    ] as const) {
      const tried = new Tried([refused(), 'ok'], {}, random);
      await tried.clock.runAll();
      expect(tried.startedAt).to.deep.equal([0, delay]);
      expect(tried.result).to.equal(CONNECTION);
    }
  });

  it('reports each failure, and ends with the first success', async () => {
    const tried = new Tried([refused(), error('timeout'), 'ok']);
    await tried.clock.runAll();
    expect(tried.result).to.equal(CONNECTION);
    expect(tried.events).to.deep.equal([
      { event: 'retry', reason: 'connection refused', inMs: 1000, tries: 1, times: 4 },
      { event: 'retry', reason: 'it is timeout', inMs: 2000, tries: 2, times: 4 },
    ]);
    tried.expectNothingLeft();
  });

  it('keeps what the last failure says', async () => {
    const tried = new Tried([error('unreachable')], { times: 1 });
    await tried.clock.runAll();
    const { code, message, hint, hop } = tried.error as FdpassError;
    expect([code, message, hint, hop]).to.deep.equal([
      'unreachable',
      'it is unreachable (tried 2 times)',
      'mend it',
      'far',
    ]);
  });

  const FAILURES: readonly (readonly [what: string, failure: FdpassError, cause: RetryCause | undefined])[] = [
    ['a refusal', refused(), 'refused'],
    ['a refusal of all addresses', connectFailed('h:1', [{ label: 'a', error: refused() }]), 'refused'],
    ['no route', fromSystemError(systemError('EHOSTUNREACH')), 'unreachable'],
    ['a proxy that says so', error('unreachable'), 'unreachable'],
    ['silence', error('timeout'), 'timeout'],
    ['silence that the system tells of', fromSystemError(systemError('ETIMEDOUT')), 'timeout'],
    ['an end before the first byte', closed(), 'closed'],
    ['a reset', fromSystemError(systemError('ECONNRESET'), 'the connection broke'), 'closed'],
    [
      'several routes, one of which closes',
      allFailed(
        'none',
        [refused(), closed()].map((each) => ({ label: 'a', error: each })),
      ),
      'closed',
    ],
    ['a name that nobody knows', error('unknown-host'), 'unknown-host'],
    ['a wrong password', error('permission'), undefined],
    ['a wrong option', error('config'), undefined],
    ['an answer that is not one', error('protocol'), undefined],
    ['a bug', error('internal'), undefined],
    [
      'several routes, one of which wants a password',
      allFailed(
        'none',
        [refused(), error('permission')].map((each) => ({ label: 'a', error: each })),
      ),
      undefined,
    ],
  ];
  for (const [what, failure, cause] of FAILURES) {
    it(`after ${what}: ${cause === undefined ? 'never' : `if it may be ${cause}`}`, async () => {
      const every: readonly RetryCause[] = [...ALL, 'unknown-host'];
      const triesFor = async (on: readonly RetryCause[]): Promise<number> => {
        const tried = new Tried([failure], { times: 1, on });
        await tried.clock.runAll();
        return tried.startedAt.length;
      };
      expect(await triesFor(every)).to.equal(cause === undefined ? 1 : 2);
      expect(await triesFor(every.filter((each) => each !== cause))).to.equal(1);
    });
  }

  it('is not made again after what is not an error of ours', async () => {
    const bug = new TypeError('a bug');
    const tried = new Tried([bug as never]);
    await tried.clock.runAll();
    expect([tried.error, tried.startedAt.length]).to.deep.equal([bug, 1]);
  });

  it('has a limit for each try', async () => {
    const tried = new Tried(['silent', 'ok'], { timeoutMs: 5000 });
    await tried.clock.runAll();
    expect([tried.startedAt, tried.result]).to.deep.equal([[0, 6000], CONNECTION]);
    expect(tried.events.map((event) => 'reason' in event && event.reason)).to.deep.equal(['timed out after 5 s']);
    tried.expectNothingLeft();
  });

  it('ends with the dial at any moment, with its reason unchanged', async () => {
    for (const at of [0, 500, 1000, 1001, 2999, 3000, 5000]) {
      const tried = new Tried([refused(), refused(), 'silent']);
      await tried.clock.pass(at);
      const reason = new Error(`enough at ${at}`);
      tried.controller.abort(reason);
      await tried.clock.pass(0);
      expect(tried.error).to.equal(reason);
      tried.expectNothingLeft();
    }
  });

  it('is not made again after the deadline of the dial', async () => {
    const clock = new HandClock();
    const deadline = startDeadline(2500, undefined, clock);
    const tried = new Tried(['silent'], {}, 0.5, deadline.signal);
    await clock.pass(2500);
    expect([tried.events, (tried.error as FdpassError).message]).to.deep.equal([[], 'timed out after 2.5 s']);
  });

  it('says at the deadline of the dial how often it was made, and why it failed', async () => {
    const clock = new HandClock();
    const deadline = startDeadline(2500, undefined, clock);
    const tried = new Tried([error('unreachable')], {}, 0.5, deadline.signal);
    await Promise.all([tried.clock.pass(2400), clock.pass(2500)]);
    await tried.clock.pass(0);
    const { code, message, hint, hop } = tried.error as FdpassError;
    expect([code, message, hint, hop]).to.deep.equal([
      'timeout',
      'timed out after 2.5 s: tried 2 times, and the last time: it is unreachable',
      'mend it',
      'far',
    ]);
    expect(tried.clock.pending).to.equal(0);
  });
});
