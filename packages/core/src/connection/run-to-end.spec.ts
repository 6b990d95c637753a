import { getEventListeners } from 'node:events';
import { realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  expectDescriptorsBack,
  expectNoneLeft,
  killMarked,
  markedEnvironment,
  markedProcesses,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { timedOut } from '../ground/clock.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { caught, refusal } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { type RunRequest, runToEnd } from './run-to-end.js';

const sh = (script: string): readonly string[] => ['sh', '-c', script];

describe('a program that does something for a dial', () => {
  const folder = temporaryFolder();
  const { env, marker } = markedEnvironment();
  const environment = { ...process.env, ...env };
  let baseDir: string;
  let events: TraceEvent[];
  let clock: HandClock;
  let controller: AbortController;

  before(() => {
    baseDir = realpathSync(folder.path);
  });
  after(() => folder.remove());
  beforeEach(() => {
    events = [];
    clock = new HandClock();
    controller = new AbortController();
  });
  afterEach(async () => {
    expect([clock.pending, getEventListeners(controller.signal, 'abort')]).to.deep.equal([0, []]);
    await expectNoneLeft(() => markedProcesses(marker));
  });
  expectDescriptorsBack();

  function run(argv: readonly string[], options: Partial<RunRequest> = {}, onOutput = () => {}): Promise<void> {
    const trace = (event: TraceEvent): void => {
      events.push(event);
      if (event.event === 'output') onOutput();
    };
    return runToEnd({ argv, baseDir, environment, ...options }, { signal: controller.signal, trace, clock });
  }

  const output = (): string[] => events.flatMap((event) => (event.event === 'output' ? event.text : []));
  const names = (): string[] => events.map(({ event }) => event);

  it('has what it says on both streams reported, and runs in the folder of the config, without stdin', async () => {
    writeFileSync(join(baseDir, 'ours'), 'found\n');
    await run(sh('pwd; cat; cat ours >&2; printf "no line feed"'));
    expect(output()).to.deep.equal([baseDir, 'found', 'no line feed']);
    expect(names()).to.deep.equal(['run', 'output', 'output', 'output', 'run-ended']);
  });

  it('starts no shell', async () => {
    await run(['echo', '$HOME; `id`', '%h']);
    expect(output()).to.deep.equal(['$HOME; `id` %h']);
  });

  const FAILURES: readonly (readonly [what: string, argv: readonly string[], error: RegExp])[] = [
    ['a status', sh('echo first; echo why >&2; exit 3'), /^unreachable: "sh" ended with status 3: why$/],
    ['a status and no word', sh('exit 3'), /^unreachable: "sh" ended with status 3$/],
    ['a signal', sh('kill -TERM $$'), /^unreachable: "sh" ended with SIGTERM$/],
    ['no such program', ['./none'], /^config: cannot run ".*\/none": no such file or directory; check that it is/],
    ['a word with a NUL byte', ['echo', 'a\0b'], /^config: cannot run the program: a word is empty or has a NUL byte/],
  ];
  for (const [what, argv, error] of FAILURES) {
    it(`fails by ${what}`, async () => {
      const failure = run(argv);
      const { message, hint } = (await caught(failure)) as { message: string; hint?: string };
      expect(`${await refusal(failure)}${hint === undefined ? '' : `; ${hint}`}`).to.match(error);
      expect(events.at(-1)).to.deep.include({ event: 'run-failed', reason: message });
    });
  }

  it('is killed with what it has started when its time is over', async () => {
    const script = sh('sleep 1000 & echo started; sleep 1000');
    const running = run(script, { timeoutMs: 5000 }, () => clock.advance(5000));
    expect(await refusal(running)).to.equal('timeout: "sh" has not ended within 5 s: started');
  });

  it('is killed with what it has started when the dial is aborted, whose reason is passed on', async () => {
    const reason = new Error('enough');
    const running = run(sh('sleep 1000 & echo started; sleep 1000'), {}, () => controller.abort(reason));
    expect(await caught(running)).to.equal(reason);
  });

  it('is named when the time of the dial is over', async () => {
    const waiting = refusal(run(sh('echo ready; exec sleep 60'), {}, () => controller.abort(timedOut(30_000))));
    expect(await waiting).to.match(/^timeout: timed out after 30 s: "sh" has not ended$/);
  });

  it('is not started for a dial that was aborted before', async () => {
    controller.abort(new Error('enough'));
    expect(await caught(run(['true']))).to.equal(controller.signal.reason);
    expect(events).to.deep.equal([]);
  });

  it('leaves in the background what it wants to, and is not waited for', async () => {
    await run(sh('sleep 1000 & echo up'));
    expect(output()).to.deep.equal(['up']);
    const left = (): string[] => markedProcesses(marker).filter((entry) => entry.includes('sleep 1000'));
    let found = left();
    for (; found.length === 0; found = left()) await new Promise(setImmediate); // in the middle of execve(2) it has no command line
    expect(found).to.have.length(1);
    killMarked(marker);
  });
});
