import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expectNoneLeft, markedEnvironment, markedProcesses, run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';

const moduleAt = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);

/** A shell, a child of it, and an orphan: what it has started in the background before it exits. */
const FAMILY = '(sleep 1000 & sleep 1000) & sleep 1000 & echo ready >&2; sleep 1000; true';

const NEVER = 'new AbortController().signal';

/** Programs of ours that start a child, each with the environment and the folder of the config that it is for. */
const STARTS: Readonly<Record<string, string>> = {
  'a program that becomes a connection': `
import { spawnConnection } from ${moduleAt('spawn.js')};
import { systemClock } from ${moduleAt('../ground/clock.js')};
const context = { signal: ${NEVER}, clock: systemClock, trace: () => console.log('ready') };
const opening = spawnConnection({ argv: ['sh', '-c', FAMILY], baseDir: '/', patienceMs: 0x7fffffff }, context);
console.error('started');
await opening;`,
  'a program that does something for a dial': `
import { runToEnd } from ${moduleAt('run-to-end.js')};
import { systemClock } from ${moduleAt('../ground/clock.js')};
const trace = ({ event }) => event === 'output' && console.log('ready');
const running = runToEnd({ argv: ['sh', '-c', FAMILY], baseDir: '/' }, { signal: ${NEVER}, clock: systemClock, trace });
console.error('started');
await running;`,
  'a program that prints a password': `
import { readFirstLine } from ${moduleAt('../proxy/first-line.js')};
const argv = ['sh', '-c', FAMILY + '; exec 2>&1'];
const reading = readFirstLine({ argv, baseDir: '/' }, 'it', ${NEVER});
console.log('started');
await reading;`,
};

describe('a child of a dial', () => {
  const folder = temporaryFolder();
  const { env, marker } = markedEnvironment();
  after(() => folder.remove());
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  /** Runs a program of ours until its child is there, and the program knows. */
  async function startProgram(start: string) {
    const source = `const FAMILY = ${JSON.stringify(FAMILY)};
process.stdin.once('data', () => process.exit(3));
process.on('SIGUSR2', () => { throw new Error('unexpected'); });
${start}`;
    const args = ['--input-type=module', '-e', source];
    const program = spawn(process.execPath, args, { env: { ...process.env, ...env }, stdio: 'pipe' });
    const ended = once(program, 'exit');
    const said = [program.stdout, program.stderr].map((stream) => once(createInterface(stream), 'line'));
    await Promise.race([Promise.all(said), ended]);
    return { program, ended };
  }

  for (const [what, start] of Object.entries(STARTS)) {
    for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGKILL'] as const) {
      it(`${what}: is killed with all it has started when ${signal} ends us`, async () => {
        const { program, ended } = await startProgram(start);
        expect(markedProcesses(marker).length).to.be.greaterThan(3);
        program.kill(signal);
        expect(await ended).to.deep.equal([null, signal]);
        await expectNoneLeft(() => markedProcesses(marker));
      });
    }

    it(`${what}: is killed with all it has started when we exit, or fail`, async () => {
      const exiting = await startProgram(start);
      exiting.program.stdin.write('exit\n');
      expect(await exiting.ended).to.deep.equal([3, null]);
      await expectNoneLeft(() => markedProcesses(marker));
      const failing = await startProgram(start);
      failing.program.kill('SIGUSR2');
      expect(await failing.ended).to.deep.equal([1, null]);
    });
  }

  it('goes on when our process ends after the dial', async () => {
    const source = `
import { spawnConnection } from ${moduleAt('spawn.js')};
import { systemClock } from ${moduleAt('../ground/clock.js')};
const context = { signal: ${NEVER}, clock: systemClock, trace: () => {} };
const request = { argv: ['sh', '-c', 'exec 2>&-; sleep 1000 & echo $!; wait'], baseDir: '/' };
const connection = await spawnConnection(request, context);
console.log(String(await connection.readThrough((soFar) => (soFar.at(-1) === 10 ? 0 : 1), 20, 'its id')));
process.kill(process.pid, 'SIGKILL');`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', source], { env });
    const pid = Number(stdout);
    await expectNoneLeft(() => markedProcesses(marker).filter((entry) => !/sleep 1000|sh -c exec/.test(entry)));
    expect(markedProcesses(marker).map((entry) => Number.parseInt(entry, 10))).to.include(pid);
    for (const entry of markedProcesses(marker)) process.kill(Number.parseInt(entry, 10), 'SIGKILL');
  });

  it('finds no program and no file in the directory that we are in, whatever PATH says', async () => {
    const [clone, config] = ['clone', 'config'].map((name) => join(realpathSync(folder.path), name)) as [
      string,
      string,
    ];
    for (const [place, word] of [
      [clone, 'stranger'],
      [config, 'friend'],
    ] as const) {
      mkdirSync(join(place, 'bin'), { recursive: true });
      for (const name of ['tool', 'bin/tool', 'script']) {
        writeFileSync(join(place, name), `#!/bin/sh\necho ${word} in "$(pwd)"\n`);
        chmodSync(join(place, name), 0o755);
      }
    }
    const source = `
import { readFirstLine } from ${moduleAt('../proxy/first-line.js')};
for (const argv of [['~/tool'], ['./tool'], ['bin/tool'], ['tool'], ['sh', 'script'], ['sh', '-c', 'tool']])
  for (const PATH of ['.', '', 'bin:', ':bin', 'bin'])
    console.log(await readFirstLine({ argv, baseDir: ${JSON.stringify(config)}, environment: { HOME: ${JSON.stringify(config)}, PATH: PATH + ':/usr/bin:/bin' } }, argv.join(' '), ${NEVER}));`;
    const { stdout, stderr } = await run(process.execPath, ['--input-type=module', '-e', source], { cwd: clone, env });
    expect(stderr).to.equal('');
    expect(new Set(stdout.trim().split('\n'))).to.deep.equal(new Set([`friend in ${config}`]));
  });
});
