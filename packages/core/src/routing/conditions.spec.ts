import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { expectNoneLeft, markedEnvironment, markedProcesses } from '@fdpass/test-lab';
import { expect } from 'chai';
import { useFolder } from '../config/folder.spec.helper.js';
import { type Framework, TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import { type ErrorCode, FdpassError, isFdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { makeTarget } from '../ground/read-target.js';
import { noTrace, type TraceEvent } from '../ground/trace.js';
import { SharedAnswers } from '../rules/answers.js';
import { profileFile, readProfile } from '../rules/profile.js';
import type { Strategy } from '../strategy/strategy.js';

const TARGET = makeTarget({ host: 'host.example', port: 22 });
const YES = { holds: true, found: 'can be reached' };
const [LOOPBACK = 'lo'] = Object.entries(networkInterfaces()).flatMap(([name, all]) =>
  all?.some(({ internal }) => internal) ? [name] : [],
);

describe('conditions of rules', () => {
  const folder = useFolder();
  const { env: mark, marker } = markedEnvironment();
  const environment = (): NodeJS.ProcessEnv => ({
    ...mark,
    PATH: process.env['PATH'] ?? '',
    XDG_STATE_HOME: folder.path('state'),
  });

  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  function setProfile(profile: string): void {
    const file = profileFile(environment()) as string;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, `${profile}\n`, { mode: 0o600 });
  }

  /** What becomes of a dial to a place: nothing listens at others. */
  type Places = Readonly<Record<string, 'open' | 'silent' | ErrorCode>>;

  /** A framework whose default strategy reaches these places and notes each dial. */
  async function load(
    rules: string,
    places: Places = {},
    clock = new HandClock(),
  ): Promise<Framework & { dialled: string[] }> {
    const dialled: string[] = [];
    const net: Strategy = {
      name: 'net',
      firstOnly: true,
      create: () => ({
        dial: async ({ host, port }) => {
          dialled.push(`${host}:${port}`);
          const fate = places[`${host}:${port}`] ?? 'unreachable';
          if (fate === 'silent') return new Promise(() => {});
          if (fate === 'open') return new PassThrough();
          throw new FdpassError(fate, `cannot connect to ${host}:${port}: ${fate}`);
        },
      }),
    };
    const file = folder.write('config.yaml', `rules:\n${rules}\n  - { name: last, use: net }\n`);
    const framework = await loadFramework(
      { strategies: [net], defaultStrategy: 'net', config: { file } },
      (container) => {
        container.register(TOKENS.clock, { useValue: clock });
        container.register(TOKENS.environment, { useValue: environment() });
      },
    );
    return { ...framework, dialled };
  }

  async function ruleFor(rules: string, places?: Places): Promise<string> {
    const { router } = await load(rules, places);
    return (await router.route(TARGET)).rule?.name ?? 'none';
  }

  const HERE: readonly (readonly [written: string, holds: boolean])[] = [
    [`interface: ${LOOPBACK}`, true],
    ['interface: nosuch0', false],
    [`interface: [nosuch0, ${LOOPBACK}]`, true],
    ['interface: "*"', true],
    [`interface: "!${LOOPBACK}"`, false],
    ['interface: "!nosuch0"', true],
    [`interface: ["*", "!${LOOPBACK}"]`, false],
    [`not: { interface: ${LOOPBACK} }`, false],
    ['not: { interface: nosuch0 }', true],
    ['profile: home', true],
    ['profile: [work, h*]', true],
    ['profile: work', false],
    ['profile: "!work"', true],
    ['profile: "!home"', false],
    ['not: { profile: home }', false],
    ['not: { profile: work }', true],
    ['not: { profile: work, interface: nosuch0 }', true],
    [`not: { profile: work, interface: ${LOOPBACK} }`, false], // each of them counts
    ['localNetwork: 127.0.0.0/8', true],
    ['not: { localNetwork: 127.0.0.0/8 }', false],
    ['not: { localNetwork: 255.255.255.255 }', true],
    ['reachable: "a.example:1"', true],
    ['reachable: "b.example:1"', false],
    ['reachable: "[2001:db8::1]:443"', true],
    ['reachable: ["b.example:1", "a.example:1"]', true],
    ['reachable: "!a.example:1"', false],
    ['reachable: "!b.example:1"', true],
    ['reachable: ["a.example:1", "!c.example:1"]', false],
    ['not: { reachable: "b.example:1" }', true],
    ['not: { reachable: "a.example:1" }', false],
    ['reachable: { address: "a.example:1", timeout: 100ms }', true],
    ['reachable: "gone.example:1"', false],
    ['exec: ["true"]', true],
    ['exec: ["false"]', false],
    ['not: { exec: ["false"] }', true],
    ['not: { exec: ["true"] }', false],
    ['exec: { command: [test, "%h:%p", "=", "host.example:22"], timeout: 20s }', true],
    ['exec: [test, "%p", "=", "23"]', false],
    ['exec: [test, -f, ./config.yaml]', true], // in the folder of the config
    ['exec: [./at-home]', true],
    ['exec: [test, "$(id)", "=", "$(id)"]', true], // no shell
  ];
  for (const [written, holds] of HERE) {
    it(`${written} ${holds ? 'holds' : 'does not hold'}`, async () => {
      setProfile('home');
      chmodSync(folder.write('at-home', '#!/bin/sh\nexit 0\n'), 0o755);
      const open = { 'a.example:1': 'open', 'c.example:1': 'open', '2001:db8::1:443': 'open' } as const;
      const places = { ...open, 'gone.example:1': 'unknown-host' } as const;
      expect(await ruleFor(`  - { name: first, ${written}, use: net }`, places)).to.equal(holds ? 'first' : 'last');
    });
  }

  it('without a profile in use no profile holds', async () => {
    expect(await ruleFor('  - { profile: "*", use: net }')).to.equal('last');
    expect(await ruleFor('  - { name: first, profile: "!home", use: net }')).to.equal('first');
  });

  it('refuse a profile that somebody else could have set', async () => {
    setProfile('home');
    const file = profileFile(environment()) as string;
    chmodSync(file, 0o666);
    expect(await outcome('  - { profile: home, use: net }')).to.match(
      /^config: cannot read the profile .* not yours alone/,
    );
    rmSync(file);
    symlinkSync('/etc/hostname', file);
    expect(await outcome('  - { profile: home, use: net }')).to.match(/^config: cannot read the profile/);
    expect(() => readProfile({ XDG_STATE_HOME: '/dev/null' })).not.to.throw();
  });

  /** The rule that is chosen, or the code and the text of the error. */
  async function outcome(rules: string, places?: Places): Promise<string> {
    return ruleFor(rules, places).catch((error: unknown) => {
      if (!isFdpassError(error)) throw error;
      return `${error.code}: ${error.summary}`;
    });
  }

  it('that cannot tell end the dial: the next rule could be a direct connection', async () => {
    const failures: readonly (readonly [written: string, expected: RegExp])[] = [
      ['exec: [/nonexistent/program]', /^config: cannot run the program of "exec": no such file/],
      ['not: { exec: [/nonexistent/program] }', /^config: cannot run the program of "exec"/],
      ['exec: [sh, -c, "kill -9 $$"]', /^config: the program of "exec" ended with SIGKILL/],
      ['exec: ["true", "%r"]', /^config: option "exec": %r is not known/],
      ['reachable: "wrong.example:1"', /^config: cannot connect to wrong/],
    ];
    for (const [written, expected] of failures)
      expect(await outcome(`  - { ${written}, use: net }`, { 'wrong.example:1': 'config' }), written).to.match(
        expected,
      );
  });

  it('are asked only if all that costs less holds, and once for a dial, whatever the limit and the sign', async () => {
    const { router, dialled } = await load(
      [
        '  - { host: other.example, reachable: "a.example:1", use: net }',
        '  - { interface: nosuch0, reachable: "a.example:1", use: net }',
        `  - { not: { interface: ${LOOPBACK} }, exec: [touch, ran], use: net }`,
        '  - { reachable: "b.example:1", exec: [touch, ran], use: net }',
        '  - { reachable: "!b.example:1", profile: home, use: net }',
        '  - { not: { reachable: { address: "c.example:1", timeout: 3s } }, reachable: "b.example:1", use: net }',
        '  - { exec: [sh, -c, "echo x >>count"], not: { exec: ["true"] }, use: net }',
        '  - { name: found, exec: [sh, -c, "echo x >>count"], use: net }',
      ].join('\n'),
    );
    const route = await router.route(TARGET);
    expect(route.rule?.name).to.equal('found');
    expect(dialled).to.deep.equal(['b.example:1']);
    const count = folder.path('count');
    expect([readFileSync(count, 'utf8'), existsSync(folder.path('ran'))]).to.deep.equal(['x\n', false]);
    expect(route.trials?.map(({ why }) => why)).to.deep.equal([
      'host',
      'interface',
      'not interface',
      'reachable',
      'profile',
      'reachable',
      'not exec',
      undefined,
    ]);
    await router.route(TARGET, { answers: route.answers }); // as the process that relays does
    await router.explain(route);
    expect([dialled.length, readFileSync(count, 'utf8')]).to.deep.equal([1, 'x\n']);
    await router.route(TARGET);
    expect([dialled.length, readFileSync(count, 'utf8')]).to.deep.equal([2, 'x\nx\n']);
  });

  it('have a limit: a silent place is not reachable, and a program that does not end is an error', async () => {
    const clock = new HandClock();
    const { router } = await load(
      '  - { name: first, reachable: { address: "s.example:1", timeout: 3s }, use: net }',
      { 's.example:1': 'silent' },
      clock,
    );
    const events: TraceEvent[] = [];
    const routing = router.route(TARGET, { trace: (event) => void events.push(event) });
    await clock.pass(2999);
    expect(events.map(({ event }) => event)).to.deep.equal(['condition']);
    await clock.pass(1);
    expect((await routing).rule?.name).to.equal('last');
    expect(events.at(-1)).to.deep.include({
      event: 'condition-answer',
      ms: 3000,
      holds: false,
      found: 'no answer within 3 s',
    });
    expect(clock.pending).to.equal(0);

    const slow = await load('  - { exec: { command: [sleep, "1000"], timeout: 2s }, use: net }', {}, clock);
    const failing = slow.router.route(TARGET).catch((error: unknown) => error);
    await clock.pass(2000);
    expect(await failing).to.deep.include({ code: 'timeout', summary: 'the program of "exec" did not end within 2 s' });
    expect(clock.pending).to.equal(0);
  });

  it('are asked again by a rule with more patience, in dials that share answers too', async () => {
    const clock = new HandClock();
    const slow = (timeout: string): string => `reachable: { address: "s.example:1", timeout: ${timeout} }`;
    const { router, dialled } = await load(
      `  - { name: hasty, ${slow('100ms')}, use: net }\n  - { name: patient, ${slow('3s')}, use: net }`,
      { 's.example:1': 'silent' },
      clock,
    );
    const shared = new SharedAnswers(clock, 5000);
    const routing = router.route(TARGET, { shared });
    await clock.pass(100);
    expect(dialled).to.have.length(2);
    await clock.pass(3000);
    const { trials, answers } = await routing;
    expect(trials?.map(({ rule, matched }) => [rule.name, matched])).to.deep.equal([
      ['hasty', false],
      ['patient', false],
      ['last', true],
    ]);
    await router.route(TARGET, { answers }); // as the process that relays does
    await router.route(TARGET, { shared });
    expect([dialled.length, clock.pending]).to.deep.equal([2, 0]);
  });

  it('give each limit of a program its due', async () => {
    const clock = new HandClock();
    const shared = new SharedAnswers(clock, 5000);
    const program = (timeout: string): string => `exec: { command: [sleep, "1000"], timeout: ${timeout} }`;
    const { router } = await load(
      `  - { host: host.example, ${program('1s')}, use: net }\n  - { ${program('2s')}, use: net }`,
      {},
      clock,
    );
    const failure = async (host: string, ms: number): Promise<unknown> => {
      const failing = router.route(makeTarget({ host, port: 22 }), { shared }).catch((error: unknown) => error);
      await clock.pass(ms);
      return failing;
    };
    expect(await failure('host.example', 1000))
      .to.have.property('summary')
      .that.matches(/within 1 s$/);
    expect(await failure('other.example', 2000))
      .to.have.property('summary')
      .that.matches(/within 2 s$/);
  });

  it('end with the dial that asks, whose reason is what is thrown', async () => {
    for (const written of ['exec: [sleep, "1000"]', 'reachable: "s.example:1"']) {
      const { router } = await load(`  - { ${written}, use: net }`, { 's.example:1': 'silent' });
      const abort = new AbortController();
      const reason = new Error('enough');
      const asked = new Promise<void>((resolve) => {
        router.route(TARGET, { signal: abort.signal, trace: () => resolve() }).catch(() => {});
      });
      await asked;
      const routing = router.route(TARGET, { signal: abort.signal, trace: noTrace }).catch((error: unknown) => error);
      abort.abort(reason);
      expect(await routing, written).to.equal(reason);
    }
  });

  it('are asked once for dials that share answers, until those are too old or forgotten', async () => {
    const clock = new HandClock();
    const shared = new SharedAnswers(clock, 5000);
    const { router, dialled } = await load(
      '  - { reachable: "a.example:1", use: net }',
      { 'a.example:1': 'open' },
      clock,
    );
    const route = (): Promise<unknown> => router.route(TARGET, { shared });
    await Promise.all([route(), route()]);
    clock.advance(4999);
    expect(await route()).to.have.nested.property('rule.index', 0);
    expect(dialled).to.have.length(1);
    clock.advance(1);
    await route();
    expect(dialled).to.have.length(2);
    shared.forget();
    expect(await route()).to.have.deep.property('answers', { 'reachable a.example:1': YES });
    expect(dialled).to.have.length(3);
  });

  it('are asked on for the dials that share answers when the one that asked ends', async () => {
    const clock = new HandClock();
    const shared = new SharedAnswers(clock, 5000);
    const { router } = await load('  - { reachable: "s.example:1", use: net }', { 's.example:1': 'silent' }, clock);
    const abort = new AbortController();
    const events: string[] = [];
    const trace = ({ event }: TraceEvent): void => void events.push(event);
    const first = router.route(TARGET, { shared, signal: abort.signal, trace }).catch((error: unknown) => error);
    const second = router.route(TARGET, { shared });
    while (clock.pending === 0) await new Promise(setImmediate);
    const reason = new Error('enough');
    abort.abort(reason);
    expect(await first).to.equal(reason);
    await clock.pass(1000);
    expect((await second).rule?.name).to.equal('last');
    expect([events, clock.pending]).to.deep.equal([['condition'], 0]);
  });

  it('are explained, and shown without what could be a secret', async () => {
    const { router } = await load(
      '  - { reachable: "a.example:1", profile: "!work", use: net }\n  - { exec: [/bin/sh, -c, "exit 0 # hunter2"], use: net }',
    );
    const explanation = await router.explain(await router.route(TARGET));
    expect(explanation.skipped).to.have.length(1);
    expect(explanation.skipped[0]?.conditions).to.deep.equal([
      { condition: 'profile', isNegated: false, wanted: ['!work'], holds: true, found: 'no profile is in use' },
      { condition: 'reachable', isNegated: false, wanted: ['a.example:1'], holds: false, found: 'unreachable' },
    ]);
    expect(explanation.conditions).to.deep.equal([
      { condition: 'exec', isNegated: false, wanted: ['/bin/sh', '***', '***'], holds: true, found: 'status 0' },
    ]);
  });

  it('are all asked by a check, but for what depends on the host', async () => {
    const { router } = await load(
      '  - { host: x, interface: nosuch0, use: net }\n  - { use: net }\n  - { exec: ["true", "%h"], use: net }\n  - { exec: [/nonexistent], use: net }',
    );
    const [first, second, third] = await router.checkConditions();
    expect([first?.rule, second?.rule, third?.rule]).to.deep.equal([1, 3, 4]);
    expect(first?.outcomes).to.deep.include({
      condition: 'interface',
      isNegated: false,
      wanted: ['nosuch0'],
      holds: false,
      found: 'not up',
    });
    expect(JSON.stringify(second?.outcomes)).to.contain('not asked: it depends on the host');
    expect(third?.outcomes).to.have.property('code', 'config');
  });

  it('are refused where they are wrong, with the place', async () => {
    const wrong: readonly (readonly [written: string, expected: RegExp])[] = [
      ['reachable: gateway', /config\.yaml:2:\d+: reachable: this is not a host and a port/],
      ['reachable: "2001:db8::1:443"', /not a host and a port/],
      ['reachable: "h:0"', /not a host and a port/],
      ['reachable: { timeout: 1s }', /a place needs "address"/],
      ['exec: ./at-home', /exec: must be a list: the program and its arguments/],
      ['exec: []', /an empty list is not a command/],
      ['interface: []', /an empty list matches nothing/],
      ['not: {}', /expected a condition/],
      ['not: { host: a }', /"not" has no/],
      ['profile: [a, 5]', /expected a text, not a number/],
    ];
    for (const [written, expected] of wrong) {
      const error = await load(`  - { ${written}, use: net }`).catch((failure: unknown) => failure);
      expect(String(error), written).to.match(expected);
    }
  });
});
