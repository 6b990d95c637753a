import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { loadSys } from '@fdpass/core/sockets';
import { type Finished, makePipe, run, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** What a log does to a dial: nothing, however it fails. */
describe('logs', () => {
  const folder = temporaryFolder();
  let server: ScriptedServer;
  before(async () => {
    server = await startScriptedServer((line) => line.send('hello\n'));
  });
  after(async () => {
    await server.close();
    folder.remove();
  });

  const dialling = (args: readonly string[]): string[] => [
    FDRECV_BIN,
    process.execPath,
    FDPASS_BIN,
    ...args,
    '127.0.0.1',
    String(server.port),
  ];

  /** Runs fdpass as ssh does, and says which descriptor it passed. */
  function dial(args: readonly string[]): Promise<Finished> {
    return run(process.execPath, dialling(args), { env: NO_CONFIG });
  }

  const expectPassed = ({ status, stdout }: Pick<Finished, 'status' | 'stdout'>): void => {
    expect([status, stdout.slice(0, 11)]).to.deep.equal([0, 'inet stream']);
  };

  /** The same with a stderr of the test's own. */
  async function dialOnto(stderr: number, args: readonly string[]): Promise<void> {
    const env = { ...process.env, ...NO_CONFIG };
    const child = spawn(process.execPath, dialling(args), { env, stdio: ['ignore', 'pipe', stderr] });
    const ended = once(child, 'exit');
    const stdout = await text(child.stdout as Readable);
    const [status] = (await ended) as [number | null];
    expectPassed({ status, stdout });
  }

  describe('on stderr', () => {
    const states: Readonly<Record<string, () => readonly number[]>> = {
      'a pipe whose reader has exited'() {
        const [reader, writer] = makePipe();
        closeSync(reader);
        return [writer];
      },
      'a pipe that is full'() {
        const [reader, writer] = makePipe();
        const sys = loadSys();
        for (const size of [4096, 1]) while (sys.isWritable(writer, 0)) writeSync(writer, Buffer.alloc(size));
        return [writer, reader];
      },
      'a socket that is full'() {
        const sys = loadSys();
        const [writer, reader] = sys.socketpair();
        while (sys.isWritable(writer, 0)) sys.send(writer, Buffer.alloc(4096), sys.platform.constants.MSG_DONTWAIT);
        return [writer, reader];
      },
      'a full disk': () => [openSync('/dev/full', 'w')],
    };
    for (const [what, make] of Object.entries(states)) {
      for (const verbosity of ['-v', '-vv']) {
        it(`cost nothing: ${what}, ${verbosity}`, async () => {
          const [stderr = -1, ...others] = make();
          try {
            await dialOnto(stderr, [verbosity]);
          } finally {
            for (const fd of [stderr, ...others]) closeSync(fd);
          }
        });
      }
    }

    it('keep the exit status of an error that nobody can be told', async () => {
      const [reader, writer] = makePipe();
      closeSync(reader);
      const env = { ...process.env, ...NO_CONFIG };
      const args = [FDPASS_BIN, '-vv', '127.0.0.1', '1'];
      const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', writer] });
      expect(
        await once(
          child.on('error', () => {}),
          'exit',
        ),
      ).to.deep.equal([69, null]);
      closeSync(writer);
    });
  });

  describe('in a file', () => {
    it('can be read by their owner alone, whatever the umask', async () => {
      const log = join(folder.path, 'new.log');
      const mask = process.umask(0);
      try {
        expectPassed(await dial(['--log', log]));
      } finally {
        process.umask(mask);
      }
      expect(statSync(log).mode & 0o777).to.equal(0o600);
      expect(readFileSync(log, 'utf8')).to.match(/fdpass started, pid \d+\n.* handed-over as=descriptor/s);
    });

    it('are appended to a file that is there, which keeps its mode', async () => {
      const log = join(folder.path, 'old.log');
      writeFileSync(log, 'older\n', { mode: 0o640 });
      expectPassed(await dial(['--log', log]));
      expect(statSync(log).mode & 0o777).to.equal(0o640);
      expect(readFileSync(log, 'utf8')).to.match(/^older\n/);
    });

    it('that are full are given up with one line', async () => {
      const ended = await dial(['--log', '/dev/full']);
      expectPassed(ended);
      expect(ended.stderr).to.equal('fdpass: the log /dev/full ends here: no space left on the device\n');
    });

    it('say that stderr could not be written', async () => {
      const log = join(folder.path, 'both.log');
      const stderr = openSync('/dev/full', 'w');
      await dialOnto(stderr, ['-vv', '--log', log]);
      closeSync(stderr);
      expect(readFileSync(log, 'utf8').match(/stderr is given up: no space left on the device/g)).to.have.length(1);
    });
  });

  describe('in what is not a file', () => {
    const expectRefusal = (ended: Finished, path: string): void => {
      expect(ended.status).to.equal(64);
      expect(ended.stderr).to.contain(`cannot write the log ${path}: it is not a file; choose another file with --log`);
    };

    it('are refused: a named pipe, with and without a reader', async () => {
      const path = join(folder.path, 'pipe');
      execFileSync('mkfifo', [path]);
      expectRefusal(await dial(['--log', path]), path);
      const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        expectRefusal(await dial(['--log', path]), path);
      } finally {
        closeSync(reader);
      }
    });

    it('are refused: a socket', async () => {
      const path = join(folder.path, 'socket');
      const listening = createServer().listen(path);
      await new Promise((resolve) => listening.once('listening', resolve));
      try {
        expectRefusal(await dial(['--log', path]), path);
      } finally {
        await new Promise((resolve) => listening.close(resolve));
      }
    });
  });
});
