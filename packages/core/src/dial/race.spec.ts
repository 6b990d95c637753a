import { expect } from 'chai';
import { makeAbortable } from '../ground/abortable.js';
import { addDetails, FdpassError } from '../ground/errors.js';
import { noTrace, type TraceEvent } from '../ground/trace.js';
import { type HopContext, OWNED, routeContext, withOwned } from './context.js';
import { type Candidates, type RaceOptions, race } from './race.js';
import { Arriving, type FakeConnection, type Table, World } from './world.spec.helper.js';

interface Case {
  readonly what: string;
  readonly table: Table;
  /** Of every candidate. Default: until it fails. */
  readonly headStartMs?: number;
  readonly options?: Partial<RaceOptions>;
  readonly winner?: string;
  readonly code?: string;
  /** When the race is over. */
  readonly ends: number;
  readonly log: readonly string[];
}

const IN_ORDER: readonly Case[] = [
  {
    what: 'the first that works is taken',
    table: { a: [10, 'ok'], b: [0, 'ok'] },
    winner: 'a',
    ends: 10,
    log: ['0 start a'],
  },
  {
    what: 'the next one starts when one has failed, not before',
    table: { a: [500, 'unreachable'], b: [20, 'unknown-host'], c: [5, 'ok'] },
    winner: 'c',
    ends: 525,
    log: ['0 start a', '500 start b', '520 start c'],
  },
  {
    what: 'each has a limit of its own, and is aborted before the next one starts',
    table: { a: 'silent', b: [900, 'unreachable'], c: [999, 'ok'] },
    options: { timeoutMs: 1000 },
    winner: 'c',
    ends: 2899,
    log: ['0 start a', '1000 abort a', '1000 start b', '1900 start c'],
  },
  {
    what: 'all fail, each in its time',
    table: { a: 'silent', b: [3, 'permission'], c: 'silent' },
    options: { timeoutMs: 50 },
    code: 'permission',
    ends: 103,
    log: ['0 start a', '50 abort a', '50 start b', '53 start c', '103 abort c'],
  },
  {
    what: 'a limit of 0 is no limit',
    table: { a: [99_999_999, 'ok'] },
    options: { timeoutMs: 0 },
    winner: 'a',
    ends: 99_999_999,
    log: ['0 start a'],
  },
  {
    what: 'a single one fails with its own error',
    table: { a: [7, 'protocol'] },
    code: 'protocol',
    ends: 7,
    log: ['0 start a'],
  },
];

const WITH_HEAD_START: readonly Case[] = [
  {
    what: 'the first connects before the next one starts',
    table: { a: [249, 'ok'], b: [0, 'ok'] },
    winner: 'a',
    ends: 249,
    log: ['0 start a'],
  },
  {
    what: 'they join one after the other; the first to connect wins, the others are aborted',
    table: { a: 'silent', b: 'silent', c: [30, 'ok'], d: [0, 'ok'] },
    winner: 'c',
    ends: 530,
    log: ['0 start a', '250 start b', '500 start c', '530 abort a', '530 abort b'],
  },
  {
    what: 'the failure of the newest starts the next one at once, with a whole head start',
    table: { a: [100, 'unreachable'], b: 'silent', c: [5, 'ok'] },
    winner: 'c',
    ends: 355,
    log: ['0 start a', '100 start b', '350 start c', '355 abort b'],
  },
  {
    what: 'the failure of an older one does not',
    table: { a: [300, 'unreachable'], b: 'silent', c: [0, 'ok'] },
    winner: 'c',
    ends: 500,
    log: ['0 start a', '250 start b', '500 start c', '500 abort b'],
  },
  {
    what: 'one that fails in the moment in which its head start ends starts one successor, not two',
    table: { a: [250, 'unreachable'], b: [1000, 'ok'], c: [0, 'ok'] },
    winner: 'c',
    ends: 500,
    log: ['0 start a', '250 start b', '500 start c', '500 abort b'],
  },
  {
    what: 'a limit shorter than the head start starts the next one early',
    table: { a: 'silent', b: [150, 'ok'] },
    options: { timeoutMs: 200 },
    winner: 'b',
    ends: 350,
    log: ['0 start a', '200 abort a', '200 start b'],
  },
  {
    what: 'a limit longer than the head start lets several run',
    table: { a: 'silent', b: 'silent', c: 'silent' },
    options: { timeoutMs: 300 },
    code: 'timeout',
    ends: 800,
    log: ['0 start a', '250 start b', '300 abort a', '500 start c', '550 abort b', '800 abort c'],
  },
  {
    what: 'of two that connect in the same moment the first to say so wins',
    table: { a: [270, 'ok'], b: [20, 'ok'] },
    winner: 'a',
    ends: 270,
    log: ['0 start a', '250 start b', '270 abort b'],
  },
  {
    what: 'the race is lost when the last has failed, in whatever order',
    table: { a: [600, 'timeout'], b: [10, 'unreachable'] },
    code: 'unreachable',
    ends: 600,
    log: ['0 start a', '250 start b'],
  },
];

const WITH_GRACE: readonly Case[] = [
  {
    what: 'a better one that connects within it wins, and the other connection is closed',
    table: { a: [300, 'ok'], b: [10, 'ok'] },
    options: { graceMs: 50 },
    winner: 'a',
    ends: 300,
    log: ['0 start a', '250 start b', '300 close b'],
  },
  {
    what: 'it does not last for ever',
    table: { a: [311, 'ok'], b: [10, 'ok'] },
    options: { graceMs: 50 },
    winner: 'b',
    ends: 310,
    log: ['0 start a', '250 start b', '310 abort a'],
  },
  {
    what: 'it ends when no better one is left, and no further one starts meanwhile',
    table: { a: [700, 'unreachable'], b: [10, 'ok'], c: [0, 'ok'] },
    options: { graceMs: 10_000 },
    winner: 'b',
    ends: 700,
    log: ['0 start a', '250 start b'],
  },
  {
    what: 'a connection closes what is less preferred at once',
    table: { a: 'silent', b: [510, 'ok'], c: 'silent' },
    options: { graceMs: 1000 },
    winner: 'b',
    ends: 1760,
    log: ['0 start a', '250 start b', '500 start c', '760 abort c', '1760 abort a'],
  },
  {
    what: 'a second connection does not prolong it',
    table: { a: [1000, 'ok'], b: [400, 'ok'], c: [10, 'ok'] },
    options: { graceMs: 300 },
    winner: 'b',
    ends: 810,
    log: ['0 start a', '250 start b', '500 start c', '650 close c', '810 abort a'],
  },
  {
    what: 'none is needed when the best connects first',
    table: { a: [300, 'ok'], b: 'silent' },
    options: { graceMs: 1000 },
    winner: 'a',
    ends: 300,
    log: ['0 start a', '250 start b', '300 abort b'],
  },
];

const AT_ONCE: readonly Case[] = [
  {
    what: 'all start in order, and the first to connect wins',
    table: { a: 'silent', b: 'silent', c: [1, 'ok'] },
    winner: 'c',
    ends: 1,
    log: ['0 start a', '0 start b', '0 start c', '1 abort a', '1 abort b'],
  },
  {
    what: 'all fail in the same moment',
    table: { a: [5, 'unreachable'], b: [5, 'unreachable'] },
    code: 'unreachable',
    ends: 5,
    log: ['0 start a', '0 start b'],
  },
];

const TABLES: readonly (readonly [title: string, cases: readonly Case[], headStartMs?: number])[] = [
  ['in order', IN_ORDER],
  ['with a head start of 250 ms', WITH_HEAD_START, 250],
  ['with a grace', WITH_GRACE, 250],
  ['with no head start', AT_ONCE, 0],
];

for (const [title, cases, headStartMs] of TABLES) {
  describe(`a race ${title}`, () => {
    for (const { what, table, options, winner, code, ends, log } of cases) {
      it(what, async () => {
        const world = new World(table);
        const race = world.race(world.list(headStartMs), options);
        await world.clock.runAll();
        expect([race.winner?.name, race.endedAt]).to.deep.equal([winner, ends]);
        if (code !== undefined) expect(race.failure.code).to.equal(code);
        expect(world.log).to.deep.equal(log);
        world.expectClean(race.winner);
      });
    }
  });
}

describe('a race of candidates that still arrive', () => {
  it('starts each when it arrives, waits for more, and is lost when none can come', async () => {
    const world = new World({ a: [10, 'unreachable'], b: [10, 'timeout'] });
    const arriving = new Arriving(
      world.clock,
      [
        [5, world.candidate('a', 250)],
        [100, world.candidate('b', 250)],
      ],
      900,
    );
    const race = world.race(arriving);
    await world.clock.runAll();
    expect(world.log).to.deep.equal(['5 start a', '100 start b']);
    expect([race.endedAt, race.failure.code, arriving.starts]).to.deep.equal([900, 'unreachable', 1]);
    world.expectClean();
  });

  it('gives one that runs its whole head start, whoever arrives', async () => {
    const world = new World({ a: 'silent', b: 'silent', c: [1, 'ok'] });
    const due = ['a', 'b', 'c'].map((name, index) => [index, world.candidate(name, 250)] as const);
    const race = world.race(new Arriving(world.clock, due, 10));
    await world.clock.runAll();
    expect(world.log).to.deep.equal(['0 start a', '250 start b', '500 start c', '501 abort a', '501 abort b']);
    world.expectClean(race.winner);
  });

  it('starts one at once that arrives after the head start', async () => {
    const world = new World({ a: 'silent', b: [1, 'ok'] });
    const due = [
      [0, world.candidate('a', 250)],
      [300, world.candidate('b', 250)],
    ] as const;
    const race = world.race(new Arriving(world.clock, due, 1000));
    await world.clock.runAll();
    expect(world.log).to.deep.equal(['0 start a', '300 start b', '301 abort a']);
    world.expectClean(race.winner);
  });

  it('wants no more when it is over, however it ended', async () => {
    const won = new World({ a: [10, 'ok'] });
    const first = new Arriving(won.clock, [[0, won.candidate('a')]], 1000);
    const winning = won.race(first);
    await won.clock.pass(10);
    expect([winning.winner?.name, first.signal?.aborted]).to.deep.equal(['a', true]);
    won.expectClean(winning.winner);
    const aborted = new World({});
    const second = new Arriving(aborted.clock, [], 1000);
    const race = aborted.race(second);
    aborted.controller.abort('enough');
    await aborted.clock.pass(0);
    expect([race.error, second.signal?.aborted]).to.deep.equal(['enough', true]);
    aborted.expectClean();
  });

  it('gives the source the context of the dial, with a state of its own', async () => {
    const world = new World({ a: [10, 'ok'] });
    const owned = { target: undefined };
    const seen: HopContext[] = [];
    const source: Candidates<FakeConnection> = {
      next: () => undefined,
      isOpen: true,
      start: (_changed, context) => void seen.push(context),
    };
    const ending = makeAbortable();
    const more = Symbol('put on by somebody else');
    const context = Object.assign(withOwned(routeContext(ending, noTrace), owned), { [more]: 'more' });
    const lost = (): never => expect.fail('it is not lost');
    const racing = race(source, { of: 'address', lost }, context, world.clock).catch((error: unknown) => error);
    expect(seen).to.have.length(1);
    const given = seen[0] as typeof context;
    expect([given[OWNED], given[more], given.trace, given.signal.aborted]).to.deep.equal([
      owned,
      'more',
      noTrace,
      false,
    ]);
    ending.abort('enough');
    expect([await racing, seen[0]?.signal.aborted]).to.deep.equal(['enough', true]);
  });

  it('does not tell a source that has nothing more to give', async () => {
    const world = new World({ a: [10, 'ok'] });
    const source = new Arriving(world.clock, [[0, world.candidate('a')]], 5);
    const race = world.race(source);
    await world.clock.pass(10);
    expect([race.winner?.name, source.signal?.aborted]).to.deep.equal(['a', false]);
    world.expectClean(race.winner);
  });

  it('is lost at once if there is none', async () => {
    const world = new World({});
    const race = world.race([]);
    await world.clock.pass(0);
    expect(race.failure.message).to.equal('none of 0 works');
    world.expectClean();
  });
});

describe('a connection that waits for a better one', () => {
  for (const [how, error, reason] of [
    ['fails', new Error('reset'), 'reset'],
    ['closes', undefined, 'closed while it waited for a better route'],
  ] as const) {
    it(`is a failure like any other if it ${how}`, async () => {
      const world = new World({ a: 'silent', b: [10, 'ok'], c: [400, 'ok'] });
      const race = world.race(world.list(250), { graceMs: 500 });
      await world.clock.pass(300);
      world.connections.get('b')?.break(error);
      await world.clock.runAll();
      expect(world.log).to.deep.equal([
        '0 start a',
        '250 start b',
        '300 close b',
        '300 start c',
        '1200 abort a', // the grace of the connection that took its place
      ]);
      expect(race.winner?.name).to.equal('c');
      expect(world.events.filter(({ event }) => event === 'try-failed')).to.deep.equal([
        { event: 'try-failed', route: 'b', ms: 50, reason },
      ]);
      world.expectClean(race.winner);
    });
  }

  it('leaves no head start behind: when it breaks, the next one starts at once', async () => {
    const world = new World({ a: 'silent', b: [260, 'ok'], c: 'silent', d: [10, 'ok'] });
    const race = world.race(world.list(250), { graceMs: 500 });
    await world.clock.pass(600);
    world.connections.get('b')?.break();
    await world.clock.runAll();
    expect(world.log).to.deep.equal([
      '0 start a',
      '250 start b',
      '500 start c',
      '510 abort c',
      '600 close b',
      '600 start d',
      '1110 abort a',
    ]);
    world.expectClean(race.winner);
  });

  it('is among the failures if all others fail too', async () => {
    const world = new World({ a: [400, 'timeout'], b: [10, 'ok'] });
    const race = world.race(world.list(250), { graceMs: 500 });
    await world.clock.pass(300);
    world.connections.get('b')?.break(new FdpassError('unreachable', 'reset'));
    await world.clock.runAll();
    expect([race.failure.code, race.endedAt]).to.deep.equal(['unreachable', 400]);
    expect(race.failure.attempts).to.deep.equal([
      { address: 'b', reason: 'reset' },
      { address: 'a', reason: 'a is timeout' },
    ]);
    world.expectClean();
  });

  it('is not watched once it has won, nor at all without a grace', async () => {
    for (const graceMs of [0, 500]) {
      const world = new World({ a: 'silent', b: [10, 'ok'] });
      const race = world.race(world.list(250), { graceMs });
      await world.clock.runAll();
      world.expectClean(race.winner);
      race.winner?.break(new Error('later'));
      expect([race.winner?.name, race.winner?.isDestroyed]).to.deep.equal(['b', false]);
    }
  });
});

describe('a candidate that arrives while a connection ends those less preferred', () => {
  it('is less preferred too', async () => {
    const world = new World({ a: 'silent', b: [10, 'ok'], c: 'silent', d: [5, 'ok'] });
    const [a, b, c, d] = world.list(0);
    const waiting = [a, b, c];
    const late = [d];
    let changed = (): void => {};
    const source: Candidates<FakeConnection> = {
      isOpen: true,
      next: () => waiting.shift(),
      start: (arrived) => {
        changed = arrived;
      },
    };
    world.onEvent = ({ event }) => {
      if (event !== 'try-cancelled') return;
      waiting.push(...late.splice(0));
      changed();
    };
    const race = world.race(source, { graceMs: 100 });
    await world.clock.runAll();
    expect([race.winner?.name, race.endedAt]).to.deep.equal(['b', 110]);
    world.expectClean(race.winner);
  });
});

describe('what a race reports', () => {
  const table: Table = { a: 'silent', b: [5, 'unreachable'], c: [7, 'ok'] };
  const trail = (events: readonly TraceEvent[]): unknown => events.map((event) => Object.values(event).join(' '));

  it('of addresses', async () => {
    const world = new World(table);
    world.race(world.list(250), { of: 'address' });
    await world.clock.runAll();
    expect(trail(world.events)).to.deep.equal([
      'attempt a',
      'attempt b',
      'attempt-failed b 5 b is unreachable',
      'attempt c',
      'connected c 7',
      'attempt-cancelled a 262',
    ]);
  });

  it('of routes', async () => {
    const world = new World(table);
    world.race(world.list(250), { of: 'route' });
    await world.clock.runAll();
    expect(trail(world.events)).to.deep.equal([
      'try a',
      'try b',
      'try-failed b 5 b is unreachable',
      'try c',
      'try-connected c 7',
      'try-cancelled a 262',
    ]);
  });

  it('of time that is over, for either', async () => {
    const limits = [
      ['address', 'attempt-failed a 2000 no answer within 2 s', undefined],
      ['route', 'try-failed a 2000 timed out after 2 s', 'check that something answers there'],
    ] as const;
    for (const [of, said, hint] of limits) {
      const world = new World({ a: 'silent' });
      const race = world.race(world.list(), { of, timeoutMs: 2000 });
      await world.clock.runAll();
      expect(trail(world.events.slice(1))).to.deep.equal([said]);
      expect(race.failure.code).to.equal('timeout');
      expect(race.failure.hint).to.equal(hint);
    }
  });
});

describe('a candidate whose time is over', () => {
  it('says which hop was caught', async () => {
    const world = new World({});
    const open: Parameters<typeof world.race>[0] = [
      {
        label: 'corp -> tor',
        open: ({ signal }) =>
          new Promise((_, reject) => {
            signal.addEventListener('abort', () => reject(addDetails(signal.reason, { hop: 'tor' })));
          }),
      },
    ];
    const race = world.race(open, { timeoutMs: 50 });
    await world.clock.runAll();
    expect([race.failure.code, race.failure.hop, race.failure.message, race.endedAt]).to.deep.equal([
      'timeout',
      'tor',
      'timed out after 50 ms',
      50,
    ]);
    world.expectClean();
  });

  it('says that its time was over, whatever the abort makes of it', async () => {
    const world = new World({});
    const open = ({ signal }: { signal: AbortSignal }): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new FdpassError('protocol', 'closed in the middle')));
      });
    const race = world.race([{ label: 'a', open }], { timeoutMs: 50 });
    await world.clock.runAll();
    expect(race.failure.message).to.equal('timed out after 50 ms');
  });

  it('is left behind a moment later if it goes on all the same, and what it opens is destroyed', async () => {
    const world = new World({ a: [5000, 'ok'], b: [10, 'unreachable'] });
    world.deaf.add('a');
    const race = world.race(world.list(), { timeoutMs: 50 });
    await world.clock.pass(1000);
    expect([race.endedAt, race.failure.code]).to.deep.equal([160, 'unreachable']);
    await world.clock.runAll();
    expect(world.log).to.deep.equal(['0 start a', '150 start b', '5000 close a']);
    world.expectClean();
  });

  it('does not win by what it opens after that', async () => {
    const world = new World({ a: [60, 'ok'], b: [200, 'ok'] });
    world.deaf.add('a');
    const race = world.race(world.list(), { timeoutMs: 50 });
    await world.clock.runAll();
    expect(world.log).to.deep.equal(['0 start a', '60 close a', '60 start b', '110 abort b']);
    expect(race.failure.code).to.equal('timeout');
    world.expectClean();
  });
});

describe('a race that is aborted', () => {
  const table: Table = { a: 'silent', b: [300, 'ok'], c: 'silent', d: [0, 'unreachable'] };

  it('before it begins starts nothing', async () => {
    const world = new World(table);
    const reason = new Error('before');
    world.controller.abort(reason);
    const arriving = new Arriving(world.clock, [], 10);
    const race = world.race(arriving);
    await world.clock.runAll();
    expect([world.log, world.events, race.error, arriving.starts]).to.deep.equal([[], [], reason, 0]);
  });

  for (const options of [{}, { graceMs: 1000 }, { timeoutMs: 120 }, { graceMs: 40, timeoutMs: 700 }] as const) {
    it(`at any moment ends at once with the reason and leaves nothing (${JSON.stringify(options)})`, async () => {
      for (let moment = 0; moment < 1600; moment += 10) {
        const world = new World(table);
        const race = world.race(world.list(250), options);
        await world.clock.pass(moment);
        const isOver = race.endedAt !== undefined;
        const reason = new Error(`enough at ${moment}`);
        world.controller.abort(reason);
        await world.clock.pass(0);
        if (!isOver) expect([race.error, race.endedAt]).to.deep.equal([reason, moment]);
        world.expectClean(race.winner, `at ${moment}`);
        const { length } = world.log;
        await world.clock.runAll();
        expect(world.log).to.have.length(length);
      }
    });
  }

  it('hands its reason to those that run', async () => {
    const world = new World({ a: 'silent' });
    world.race();
    await world.clock.pass(1);
    const reason = new FdpassError('timeout', 'enough');
    world.controller.abort(reason);
    expect(world.reasons.get('a')).to.equal(reason);
  });

  it('by whoever listens, at any event, hands out no connection and leaves nothing', async () => {
    for (const graceMs of [0, 1000]) {
      let isAborted = true;
      for (let at = 0; isAborted; at++) {
        const world = new World({ ...table, e: [5, 'timeout'], f: [400, 'ok'] });
        const reason = new Error(`enough at event ${at}`);
        world.onEvent = () => void (world.events.length > at && world.controller.abort(reason));
        const race = world.race(world.list(100), { graceMs, timeoutMs: 350 });
        await world.clock.runAll();
        isAborted = world.controller.signal.aborted;
        if (isAborted) expect([race.winner, race.error]).to.deep.equal([undefined, reason]);
        else expect(race.winner).to.not.equal(undefined);
        world.expectClean(race.winner, `event ${at}, grace ${graceMs}`);
        if (!isAborted) expect(at).to.be.greaterThan(8);
      }
    }
  });

  it('by the source while it starts tries nothing', async () => {
    const world = new World({ a: [0, 'ok'] });
    const reason = new Error('while it starts');
    const [candidate] = world.list();
    const race = world.race({
      isOpen: true,
      next: () => candidate,
      start: () => world.controller.abort(reason),
    });
    await world.clock.runAll();
    expect([race.error, world.log]).to.deep.equal([reason, []]);
    world.expectClean();
  });

  it('destroys a connection that comes although its candidate was aborted', async () => {
    const world = new World({ a: [900, 'ok'], b: [1, 'ok'] });
    world.deaf.add('a');
    const race = world.race(world.list(250));
    await world.clock.runAll();
    expect(world.log).to.deep.equal(['0 start a', '250 start b', '900 close a']);
    world.expectClean(race.winner);
  });
});

describe('a candidate that cannot even start', () => {
  it('is a failure like any other', async () => {
    const world = new World({ b: [1, 'ok'] });
    const broken = {
      label: 'a',
      open: () => {
        throw new FdpassError('config', 'not a route');
      },
    };
    const race = world.race([broken, ...world.list()]);
    await world.clock.runAll();
    expect(race.winner?.name).to.equal('b');
    world.expectClean(race.winner);
  });
});
