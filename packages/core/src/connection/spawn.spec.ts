import { execFileSync } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { type Clock, systemClock, timedOut } from '../ground/clock.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { caught, refusal } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { describeFd } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';
import type { Connection } from './connection.js';
import { readToEnd } from './socket-pair.spec.helper.js';
import { type SpawnRequest, spawnConnection } from './spawn.js';

const PASS = fileURLToPath(new URL('pass.spec.helper.js', import.meta.url));
const HAS_PROC = existsSync('/proc/self/fd');

const sh = (script: string): readonly string[] => ['sh', '-c', script];

/** Whether a process is there; one that has ended and that nobody has asked after is not. */
function isAlive(pid: number): boolean {
  try {
    if (!HAS_PROC) return process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function untilGone(pids: readonly number[]): Promise<void> {
  while (pids.some(isAlive)) await new Promise(setImmediate);
}

/** The regular files that this process has open in `folder`, or that have no name any more. */
function openFiles(folder: string): string[] {
  if (!HAS_PROC) return [];
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => link.startsWith(folder) || /fdpass-[\w-]+ \(deleted\)$/.test(link));
}

describe('a program as a connection', () => {
  let folder: string;
  let events: TraceEvent[];
  let controller: AbortController;

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'fdpass-spawn-')));
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => {
    events = [];
    controller = new AbortController();
  });
  afterEach(() => {
    expect(openFiles(folder)).to.deep.equal([]);
    expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([]);
  });
  expectDescriptorsBack();

  function run(
    argv: readonly string[],
    options: Partial<SpawnRequest> = {},
    more: { readonly clock?: Clock; readonly onOutput?: (text: string) => void } = {},
  ): Promise<Connection> {
    const trace = (event: TraceEvent): void => {
      events.push(event);
      if (event.event === 'output') more.onOutput?.(event.text);
    };
    const context = { signal: controller.signal, trace, clock: more.clock ?? systemClock };
    return spawnConnection({ argv, baseDir: folder, ...options }, context);
  }

  const output = (): string[] => events.flatMap((event) => (event.event === 'output' ? event.text : []));

  /** What the program says until it ends. */
  async function wordsOf(argv: readonly string[], options: Partial<SpawnRequest> = {}): Promise<string> {
    const stream = (await run(argv, options)).toStream();
    const words = await readToEnd(stream);
    stream.destroy(); // its other half is open, and Node 24 leaves it so
    return words;
  }

  describe('that speaks', () => {
    it('has both directions and their ends, over a descriptor', async () => {
      const connection = await run(['cat'], { patienceMs: 0 });
      expect(describeFd(connection.descriptor ?? -1, loadSys())).to.include({ family: 'unix', type: 'stream' });
      const stream = connection.toStream();
      stream.end('there and back');
      expect(await readToEnd(stream)).to.equal('there and back');
      stream.destroy();
    });

    it('is connected with its first byte, which is not taken', async () => {
      const connection = await run(sh('echo ready; cat'), {}, { clock: new HandClock() });
      expect(String(await connection.peek(0))).to.match(/^r/);
      expect(String(await connection.read(6, 'its greeting'))).to.equal('ready\n');
      await connection.write(Buffer.from('echo'));
      expect(String(await connection.read(4, 'the echo'))).to.equal('echo');
      connection.destroy();
    });

    it('has three descriptors, and of ours only what every program inherits', async function () {
      if (!HAS_PROC) this.skip();
      const words = (await wordsOf(sh('ls /proc/$$/fd'))).trim().split('\n');
      expect(words.filter((fd) => Number(fd) <= 2)).to.have.members(['0', '1', '2']);
      const O_CLOEXEC = 0o2000000;
      const flagsOf = (fd: string): string =>
        /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '';
      const more = words.filter((fd) => Number(fd) > 2);
      expect(more.filter((fd) => (Number.parseInt(flagsOf(fd), 8) & O_CLOEXEC) !== 0)).to.deep.equal([]);
    });

    it('can end: what it has said is there to be read', async () => {
      expect(await wordsOf(['echo', 'all of it'])).to.equal('all of it\n');
    });
  });

  describe('that says nothing', () => {
    for (const [patienceMs, after] of [
      [undefined, 1000],
      [30_000, 30_000],
    ] as const) {
      it(`is taken for connected after ${after} ms${patienceMs === undefined ? ', the default' : ''}`, async () => {
        const clock = new HandClock();
        let isConnected = false;
        const running = run(['cat'], patienceMs === undefined ? {} : { patienceMs }, { clock });
        running.then(
          () => (isConnected = true),
          () => {},
        );
        while (clock.pending === 0) await new Promise(setImmediate);
        clock.advance(after - 1);
        for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
        expect(isConnected).to.equal(false);
        clock.advance(1);
        const connection = await running;
        expect(clock.pending).to.equal(0);
        connection.destroy();
      });
    }

    it('is connected at once with a patience of 0', async () => {
      const clock = new HandClock();
      const connection = await run(['cat'], { patienceMs: 0 }, { clock });
      expect(clock.pending).to.equal(0);
      connection.destroy();
    });
  });

  describe('that fails', () => {
    const failures: readonly (readonly [what: string, argv: readonly string[], message: string | RegExp])[] = [
      [
        'with a status',
        sh('echo first >&2; echo "no: route" >&2; exit 3'),
        'unreachable: "sh" ended with status 3 before anything came through it: no: route',
      ],
      ['without a word', ['false'], 'unreachable: "false" ended with status 1 before anything came through it'],
      [
        'by a signal',
        sh('printf "last words" >&2; kill -TERM $$'),
        'unreachable: "sh" ended with SIGTERM before anything came through it: last words',
      ],
      ['because it is not there', ['no-such-program'], /^config: cannot run the program: no such file/],
      ['because it is not in the folder', ['./gone'], /^config: cannot run "\/.*\/gone": no such file/],
      ['because it has no name', [''], /^config: cannot run the program: a word is empty/],
      ['because an argument cannot be one', ['echo', 'a\0b'], /^config: cannot run the program: a word .*NUL byte/],
    ];
    for (const [what, argv, message] of failures) {
      it(`says why: ${what}`, async () => {
        const clock = new HandClock();
        const said = await refusal(run(argv, {}, { clock }));
        if (typeof message === 'string') expect(said).to.equal(message);
        else expect(said).to.match(message);
        expect(clock.pending).to.equal(0);
      });
    }

    it('keeps nothing of the arguments in the error, nor the name of the program', async () => {
      const error = await run(['no-such-hush', 'hush'], {}).catch((thrown: unknown) => thrown);
      expect(inspect(error)).to.contain('ENOENT').and.not.contain('hush');
    });

    it('says why: because it is not executable', async () => {
      writeFileSync(join(folder, 'data'), '');
      expect(await refusal(run(['./data']))).to.match(/^config: cannot run "\/.*\/data": permission denied/);
    });

    for (const name of ['gone', 'data/gone']) {
      it(`says why: because its folder is not there, ${name}`, async () => {
        const baseDir = join(folder, name);
        expect(await refusal(run(['true'], { baseDir }))).to.match(
          /^config: cannot run the program in \/.*gone: (no such file|something on the way)/,
        );
      });
    }

    it('has its stderr reported line by line, in whole characters', async () => {
      const long = 'ä'.repeat(5000); // more than is read at once, and an odd byte before it
      await refusal(run(sh(`printf 'x${long}\\nsecond' >&2; exit 1`)));
      expect(output()).to.deep.equal([`x${long}`, 'second']);
    });

    it('has only its end of a long stderr in the error', async () => {
      const said = await refusal(run(sh('head -c 100000 /dev/zero | tr "\\0" "x" >&2; exit 1')));
      expect(said).to.match(/: x+$/);
      expect(said.length).to.be.lessThan(3000);
    });
  });

  describe('that passes a descriptor', () => {
    let server: Server;
    let port: number;
    before(async () => {
      server = createServer((client) => client.on('error', () => {}).end('banner'));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ({ port } = server.address() as AddressInfo);
    });
    after(() => server.close());
    const pass = (...args: readonly unknown[]): readonly string[] => [process.execPath, PASS, ...args.map(String)];

    it('gives that', async () => {
      const connection = await run(pass('socket', port), { passesDescriptor: true });
      expect(describeFd(connection.descriptor ?? -1, loadSys()).peer).to.have.property('port', port);
      const stream = connection.toStream();
      expect(await readToEnd(stream)).to.equal('banner');
      stream.destroy();
    });

    const failures: readonly (readonly [what: string, argv: readonly string[], message: RegExp])[] = [
      ['passes none', ['true'], /^protocol: closed without passing a descriptor$/],
      ['passes none and says why', sh('echo refused >&2'), /^protocol: closed without passing a descriptor: refused$/],
      ['says something instead', ['echo', 'hello'], /^protocol: sent data but no descriptor$/],
      ['passes a file', pass('file'), /^protocol: the descriptor that was passed is not a socket$/],
      ['is not there', ['no-such-program'], /^config: cannot run the program: no such file/],
    ];
    for (const [what, argv, message] of failures) {
      it(`fails when it ${what}`, async () => {
        expect(await refusal(run(argv, { passesDescriptor: true }))).to.match(message);
      });
    }

    it('has to exit; when the dial is aborted before that, the descriptor is closed', async () => {
      const accepted = once(server, 'connection');
      const running = run(pass('stay', port), { passesDescriptor: true });
      const [client] = await accepted;
      const reason = new Error('enough');
      setImmediate(() => controller.abort(reason));
      expect(await caught(running)).to.equal(reason);
      while (!client.resume().destroyed) await new Promise(setImmediate);
    });
  });

  describe('in its folder', () => {
    before(() => {
      mkdirSync(join(folder, 'bin'));
      for (const name of ['here', 'bin/there']) {
        writeFileSync(join(folder, name), '#!/bin/sh\necho "$0 in $(pwd)"\n');
        chmodSync(join(folder, name), 0o700);
      }
    });
    let home: string | undefined;
    beforeEach(() => {
      home = process.env['HOME'];
    });
    afterEach(() => {
      if (home === undefined) delete process.env['HOME'];
      else process.env['HOME'] = home;
    });

    it('runs there', async () => {
      expect(await wordsOf(['pwd'])).to.equal(`${folder}\n`);
    });

    it('is found there if its name has a slash', async () => {
      expect(await wordsOf(['./here'])).to.equal(`${folder}/here in ${folder}\n`);
      expect(await wordsOf(['bin/there'])).to.equal(`${folder}/bin/there in ${folder}\n`);
      expect(await refusal(run(['here']))).to.match(/^config: cannot run the program/); // that would be one of PATH
    });

    it('is found in the home folder', async () => {
      process.env['HOME'] = join(folder, 'bin');
      expect(await wordsOf(['~/there'])).to.equal(`${folder}/bin/there in ${folder}\n`);
    });
  });

  describe('without a log', () => {
    const TMPDIR = process.env['TMPDIR'];
    const here = process.cwd();
    afterEach(() => {
      process.chdir(here);
      if (TMPDIR === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = TMPDIR;
    });

    for (const temporary of ['/proc/none', '/proc', '/dev/null', '.']) {
      it(`says what it says, though TMPDIR is ${temporary}`, async () => {
        mkdirSync(join(folder, 'current'), { recursive: true });
        process.chdir(join(folder, 'current'));
        process.env['TMPDIR'] = temporary;
        let whereItWrites = '';
        const onOutput = (): void => {
          whereItWrites = openFiles('/').join();
        };
        await run(sh('echo words >&2; exit 3'), {}, { onOutput }).catch(() => {});
        expect(output()).to.deep.equal(['words']);
        expect(whereItWrites)
          .to.match(/fdpass-[\w-]+ \(deleted\)/)
          .and.not.contain(join(folder, 'current'));
      });
    }
  });

  describe('with a log', () => {
    it('has its stderr there, from before the connection and after it; only what is new is reported', async () => {
      const log = join(folder, 'both.log');
      writeFileSync(log, 'older\n');
      const stream = (await run(sh('echo early >&2; echo ready; read line; echo late >&2'), { log })).toStream();
      stream.end('go\n');
      expect(await readToEnd(stream)).to.equal('ready\n');
      stream.destroy();
      expect(readFileSync(log, 'utf8')).to.equal('older\nearly\nlate\n');
      expect(output()).to.deep.equal(['early']);
    });

    it('that cannot be written says so, and starts nothing', async () => {
      const log = join(folder, 'gone/it.log');
      expect(await refusal(run(sh(`touch ${join(folder, 'started')}`), { log }))).to.equal(
        `config: cannot write the log ${log}: no such file or directory`,
      );
      expect(existsSync(join(folder, 'started'))).to.equal(false);
    });

    it('can be read by its owner alone, whatever the umask', async () => {
      const log = join(folder, 'new.log');
      const mask = process.umask(0);
      try {
        (await run(sh('echo private >&2; exec cat'), { log })).destroy();
      } finally {
        process.umask(mask);
      }
      expect(statSync(log).mode & 0o777).to.equal(0o600);
    });

    it('that is not a file is refused at once: a named pipe, with and without a reader, and a folder', async () => {
      const log = join(folder, 'pipe');
      execFileSync('mkfifo', [log]);
      const refused = `config: cannot write the log ${log}: it is not a file`;
      expect(await refusal(run(sh('exec cat'), { log }))).to.equal(refused);
      const reader = openSync(log, constants.O_RDONLY | constants.O_NONBLOCK);
      expect(await refusal(run(sh('exec cat'), { log }))).to.equal(refused);
      closeSync(reader);
      expect(await refusal(run(sh('exec cat'), { log: folder }))).to.match(
        /^config: cannot write the log .*: it is a folder/,
      );
    });

    it('blocks for the program that writes it', async function () {
      if (!HAS_PROC) this.skip();
      const words = await wordsOf(sh('cat /proc/self/fdinfo/2'), { log: join(folder, 'mode.log') });
      const { O_NONBLOCK = 0 } = constants;
      expect(Number.parseInt(/flags:\s+(\d+)/.exec(words)?.[1] ?? '', 8) & O_NONBLOCK).to.equal(0);
    });

    it('that is a device has it too', async () => {
      expect(await refusal(run(sh('echo lost >&2; exit 3'), { log: '/dev/null' }))).to.match(
        /ended with status 3 .* it$/,
      );
    });
  });

  describe('and its processes', () => {
    /** Says the ids of the shell and of a process that it has started, then waits. */
    const FAMILY = 'sleep 1000 & echo $$ $! >&2; sleep 1000';
    const pidsIn = (text: string): number[] => text.split(' ').map(Number);

    it('are all killed when the dial is aborted', async () => {
      const reason = new Error('enough');
      let pids: readonly number[] = [];
      const onOutput = (text: string): void => {
        pids = pidsIn(text);
        setImmediate(() => controller.abort(reason));
      };
      expect(await caught(run(sh(FAMILY), { patienceMs: 60_000 }, { onOutput }))).to.equal(reason);
      expect(pids).to.have.length(2);
      await untilGone(pids);
    });

    it('are named by the error when the time of the dial is over', async () => {
      const waiting = refusal(run(sh('sleep 60 & echo ready >&2; wait'), { patienceMs: 60_000 }));
      while (output().length === 0) await new Promise(setImmediate);
      controller.abort(timedOut(30_000));
      expect(await waiting).to.match(/^timeout: timed out after 30 s: nothing has come through "sh"$/);
    });

    it('are all killed when whoever listens to its output aborts, in that very moment', async () => {
      const reason = new Error('enough');
      for (const script of [
        FAMILY,
        `printf "$$ " >&2; sleep 1000 & printf $! >&2; echo ready; sleep 1000`, // reported when it is over
      ]) {
        controller = new AbortController();
        let pids: readonly number[] = [];
        const onOutput = (text: string): void => {
          pids = pidsIn(text);
          controller.abort(reason);
        };
        expect(await caught(run(sh(script), { patienceMs: 60_000 }, { onOutput }))).to.equal(reason);
        expect(pids).to.have.length(2);
        await untilGone(pids);
      }
    });

    it('are all killed when it does not do what it must', async () => {
      const script = 'sleep 1000 & echo $$ $! >&2; echo not a descriptor; sleep 1000';
      expect(await refusal(run(sh(script), { passesDescriptor: true }))).to.match(/^protocol: sent data/);
      await untilGone(pidsIn(output()[0] ?? ''));
    });

    it('do not start if the dial was aborted before', async () => {
      const reason = new Error('before');
      controller.abort(reason);
      expect(await caught(run(sh(`touch ${join(folder, 'started')}`)))).to.equal(reason);
      expect(existsSync(join(folder, 'started'))).to.equal(false);
    });

    it('go on after an abort when the dial is over, and end when our side closes', async () => {
      const connection = await run(sh('echo $$; exec cat'));
      const pid = Number(await connection.readThrough((soFar) => (soFar.at(-1) === 0x0a ? 0 : 1), 20, 'its id'));
      controller.abort();
      await connection.write(Buffer.from('still there'));
      expect(String(await connection.read(11, 'the echo'))).to.equal('still there');
      expect(isAlive(pid)).to.equal(true);
      connection.destroy();
      await untilGone([pid]);
    });

    it('have a session of their own, and with "terminal" ours', async function () {
      if (!HAS_PROC) this.skip();
      const sessionOf = (stat: string): number => Number(stat.split(') ')[1]?.split(' ')[3]);
      const ours = sessionOf(readFileSync('/proc/self/stat', 'latin1'));
      const alone = sessionOf(await wordsOf(['cat', '/proc/self/stat']));
      expect(alone).to.be.greaterThan(0).and.not.equal(ours);
      expect(sessionOf(await wordsOf(['cat', '/proc/self/stat'], { terminal: true }))).to.equal(ours);
    });

    it('with "terminal": the program is killed when the dial is aborted', async () => {
      let pid = 0;
      const onOutput = (text: string): void => {
        pid = Number(text);
        setImmediate(() => controller.abort());
      };
      const running = run(sh('echo $$ >&2; exec sleep 1000'), { terminal: true, patienceMs: 60_000 }, { onOutput });
      expect(await caught(running)).to.equal(controller.signal.reason);
      await untilGone([pid]);
    });
  });
});
