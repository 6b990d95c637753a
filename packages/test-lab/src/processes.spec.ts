import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import {
  descendants,
  expectNoDescriptorLeft,
  expectNoneLeft,
  killAll,
  killMarked,
  listeningSockets,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
  run,
} from './processes.js';

const { env, marker } = markedEnvironment();
const left = (): string[] => markedProcesses(marker);

describe('programs that are run to their end', () => {
  after(() => killMarked(marker));

  it('give what they said and how they ended', async () => {
    const script = 'cat; echo err >&2; exit 7';
    const result = await run('sh', ['-c', script], { input: Uint8Array.of(0, 0x80, 0xff) });
    expect(result).to.deep.equal({ status: 7, signal: null, stdout: '\0\x80\xff', stderr: 'err\n' });
    expect(await run('sh', ['-c', 'kill -TERM $$'])).to.include({ status: null, signal: 'SIGTERM' });
  });

  it('get their folder and environment, and no stdin unless there is input', async () => {
    const result = await run('sh', ['-c', 'pwd; echo $WORD; cat'], { cwd: '/', env: { WORD: 'said' } });
    expect(result.stdout).to.equal('/\nsaid\n');
  });

  it('are killed at the deadline with all they have started', async () => {
    const error = await run('sh', ['-c', 'sleep 1000 & sleep 1000'], { env, timeoutMs: 500 }).catch(String);
    expect(error).to.contain('did not end within 500 ms');
    await expectNoneLeft(left);
  });

  it('reject when there is no such program', async () => {
    expect(await run('/nowhere/program', []).catch(String)).to.contain('ENOENT');
  });
});

describe('what processes leave behind', () => {
  after(() => killMarked(marker));

  it('is seen by its mark, however detached, until it is killed', async () => {
    await run('sh', ['-c', 'setsid sleep 1000 </dev/null >/dev/null 2>&1 &'], { env });
    await until(() => /^\d+ sleep 1000$/.test(left().join()));
    const [entry = ''] = left();
    expect(await expectNoneLeft(left, 0).catch(String)).to.contain(`left behind: ${entry}`);
    killMarked('another mark');
    expect(left()).to.deep.equal([entry]);
    killMarked(marker);
    await expectNoneLeft(left);
  });

  it('is found below the process that started it, and ended', async () => {
    const child = spawn('sh', ['-c', 'sh -c "sleep 1000 & wait" & wait'], {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    });
    const pid = child.pid as number;
    await until(() => descendants(pid).length === 2);
    const found = descendants(pid);
    expect(found.map(({ parent }) => parent)).to.deep.equal([pid, found[0]?.pid]);
    killAll(found.map((each) => ({ ...each, started: 'another time' })));
    expect(descendants(pid)).to.deep.equal(found);
    killAll(found);
    await once(child, 'exit');
  });

  it('is seen as open descriptors', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    expect(listeningSockets(process.pid)).to.have.length(1);
    const before = openDescriptors();
    const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
    const [accepted] = (await once(server, 'connection')) as [Socket];
    const error = await expectNoDescriptorLeft(before, 0).catch(String);
    expect(error).to.match(/left behind: \d+ socket:\[\d+\]; \d+ socket:\[\d+\]$/);
    socket.destroy();
    accepted.destroy();
    await expectNoDescriptorLeft(before);
    await once(server.close(), 'close');
    expect(listeningSockets(process.pid)).to.deep.equal([]);
    expect(openDescriptors(process.pid).join()).to.contain('0 /dev/null');
  });
});

/** Waits until `isSo`, which it will be if the test passes. */
function until(isSo: () => boolean): Promise<void> {
  return expectNoneLeft(() => (isSo() ? [] : ['not there yet']));
}
