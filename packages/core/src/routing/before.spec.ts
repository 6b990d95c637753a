import { readFileSync, realpathSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { expectDescriptorsBack, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { StreamConnection } from '../connection/stream.js';
import { TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import { FdpassError, formatError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { caught, rejection } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import type { Strategy } from '../strategy/strategy.js';
import type { DialOptions, Router } from './router.js';

/* `before` of a rule: real programs, and a network of which each try fails as often as the test says. */

const sh = (script: string): readonly string[] => ['sh', '-c', script];
/** Leaves a line. */
const COUNT = sh('echo "$0 $@" >> log') as [string, string, string];

describe('what a rule runs before its dials', () => {
  const folder = temporaryFolder();
  let baseDir: string;
  let clock: HandClock;
  let events: TraceEvent[];
  let failures: number;
  let dials: number;

  before(() => {
    baseDir = realpathSync(folder.path);
  });
  after(() => folder.remove());
  beforeEach(() => {
    clock = new HandClock();
    events = [];
    failures = 0;
    dials = 0;
  });
  afterEach(() => expect(clock.pending).to.equal(0));
  expectDescriptorsBack();

  const net: Strategy = {
    name: 'net',
    firstOnly: true,
    create: () => ({
      async dial(_, { signal }) {
        dials++;
        if (failures === Number.POSITIVE_INFINITY)
          return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
        if (dials <= failures) throw new FdpassError('unreachable', 'refused');
        return new StreamConnection(new PassThrough(), { clock });
      },
    }),
  };

  async function routerOf(rule: object): Promise<Router> {
    const config = { content: { rules: [{ use: 'net', ...rule }] }, baseDir };
    const { router } = await loadFramework({ strategies: [net], defaultStrategy: 'net', config }, (container) => {
      container.register(TOKENS.clock, { useValue: clock });
    });
    return router;
  }

  async function dial(rule: object, options: DialOptions = {}, more: { readonly alias?: string } = {}): Promise<void> {
    const router = await routerOf(rule);
    const route = await router.route({ host: 'host.example', port: 2222, user: 'me', ...more });
    const trace = (event: TraceEvent): void => void events.push(event);
    (await router.dial(route, { trace, ...options })).destroy();
  }

  const logOf = (name: string): string[] => readFileSync(`${baseDir}/${name}`, 'utf8').split('\n').filter(Boolean);
  const output = (): string[] => events.flatMap((event) => (event.event === 'output' ? event.text : []));

  it('runs in the folder of the config, is told the target, and its words are shown', async () => {
    await dial({ before: [...sh('pwd; echo "$@" >&2'), '0', '%h', '%p', '%r', '%n', '100%%'] }, {}, { alias: 'nas' });
    expect(output()).to.deep.equal([baseDir, 'host.example 2222 me nas 100%']);
    expect(dials).to.equal(1);
  });

  it('runs once for all tries of a dial, and again for the next dial', async () => {
    failures = 2;
    const rule = { before: [...COUNT, 'once'], retry: { times: 3, backoff: '1ms' } };
    const passing = dial(rule);
    while (dials < 3) {
      await new Promise(setImmediate);
      clock.advance(1);
    }
    await passing;
    expect(logOf('log')).to.deep.equal(['once ']);
    await dial(rule);
    expect(logOf('log')).to.have.length(2);
  });

  it('does not run for a dial that it has been run for', async () => {
    const router = await routerOf({ before: ['./none'] });
    const route = await router.route({ host: 'h', port: 1 });
    (await router.dial(route, { isPrepared: true })).destroy();
    expect(dials).to.equal(1);
  });

  const FAILED: readonly (readonly [what: string, before: unknown, error: RegExp])[] = [
    [
      'fails',
      sh('echo no tunnel >&2; exit 1'),
      /^host\.example:2222: rule 1 \(.*\): before: "sh" ended with status 1: no tunnel$/,
    ],
    ['is not there', ['./none'], /^host\.example:2222: rule 1 \(.*\): before: cannot run ".*none": no such file/],
    [
      'has a token without a value',
      ['echo', '%n'],
      /: rule 1 \(.*\): option "before": %n is not known; run fdpass with/,
    ],
  ];
  for (const [what, command, error] of FAILED) {
    it(`that ${what} ends the dial before it has begun`, async () => {
      const failure = await rejection(dial({ before: command, retry: 3 }));
      expect(formatError(failure)).to.match(error);
      expect(dials).to.equal(0);
    });
  }

  /** Lets time pass as soon as the program says something. */
  const passing = (ms: number): DialOptions => ({
    trace: (event) => {
      if (event.event === 'output') clock.advance(ms);
    },
  });

  it('has a limit of its own', async () => {
    const before = { command: sh('echo started; exec sleep 1000'), timeout: '10s' };
    const failure = await rejection(dial({ before, timeout: '1s' }, passing(10_000)));
    expect(formatError(failure)).to.match(/: before: "sh" has not ended within 10 s: started; give it more time/);
    expect(dials).to.equal(0);
  });

  it('takes no time from the dial', async () => {
    failures = Number.POSITIVE_INFINITY;
    const dialling = dial({ before: ['echo', 'started'], timeout: '10s' }, passing(9000));
    while (dials === 0) await new Promise(setImmediate);
    expect(clock.now()).to.equal(9000);
    clock.advance(9999);
    expect(clock.pending).to.equal(1);
    clock.advance(1);
    expect((await rejection(dialling)).message).to.contain('timed out after 10 s');
  });

  it('has no more time than the caller gives for both', async () => {
    const before = { command: sh('echo started; exec sleep 1000'), timeout: '10s' };
    const failure = await rejection(dial({ before }, { ...passing(2000), timeoutMs: 2000 }));
    expect(failure.message).to.contain('timed out after 2 s');
    failures = Number.POSITIVE_INFINITY;
    const dialling = dial({ before: ['echo', 'started'] }, { ...passing(1500), timeoutMs: 2000 });
    while (dials === 0) await new Promise(setImmediate);
    clock.advance(500);
    expect((await rejection(dialling)).message).to.contain('timed out after 500 ms');
  });

  it('ends with the dial, whose reason is passed on', async () => {
    const { signal, abort } = ((controller) => ({
      signal: controller.signal,
      abort: (why: Error) => controller.abort(why),
    }))(new AbortController());
    const reason = new Error('enough');
    const trace = ({ event }: TraceEvent): void => void (event === 'output' && abort(reason));
    expect(await caught(dial({ before: sh('echo started; exec sleep 1000') }, { signal, trace }))).to.equal(reason);
    expect(dials).to.equal(0);
  });

  const EXPLAINED: readonly (readonly [before: unknown, words: string])[] = [
    [['/opt/vpn', 'hush'], 'runs /opt/vpn first, once for each dial, for at most 60 s'],
    [['hush', 'hush'], 'runs a command first, once for each dial, for at most 60 s'],
    [{ command: ['./vpn', 'hush'], timeout: 0 }, 'runs ./vpn first, once for each dial'],
  ];
  for (const [command, words] of EXPLAINED) {
    it(`is told by explain: ${words}`, async () => {
      const router = await routerOf({ before: command });
      const { decisions } = await router.explain(await router.route({ host: 'h', port: 1 }));
      expect(decisions).to.deep.equal([words]);
    });
  }

  const WRONG: readonly (readonly [what: string, before: unknown, message: RegExp])[] = [
    ['a text', 'vpn up', /before: must be a list: the program and its arguments; or a mapping/],
    ['an empty list', [], /before: an empty list is not a command/],
    ['a word that is not a text', ['vpn', 1], /before\[1\]: before: must be a text/],
    [
      'a command with an unknown token',
      ['echo', '%x'],
      /before: has an unknown token: use %h, %p, %r and %n, and %% for/,
    ],
    ['a mapping without a command', { timeout: 1 }, /before\.command: "before" needs "command"/],
    [
      'an unknown key',
      { command: ['vpn'], time: 1 },
      /"before" needs "command", and has no keys but command, timeout, /,
    ],
  ];
  for (const [what, command, message] of WRONG) {
    it(`is not ${what}`, async () => {
      expect((await rejection(routerOf({ before: command }))).message).to.match(message);
    });
  }
});
