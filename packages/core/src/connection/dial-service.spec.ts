import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { PassThrough } from 'node:stream';
import { expectDescriptorsBack, expectNoneLeft, run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FdpassError } from '../ground/errors.js';
import { caught, refusal } from '../ground/rejection.spec.helper.js';
import { formatHostPort, type Target } from '../ground/target.js';
import { recvFd } from '../sys/descriptors.js';
import { loadSys } from '../sys/koffi.js';
import type { Connection } from './connection.js';
import { DescriptorConnection } from './descriptor.js';
import { type DialService, serveDial } from './dial-service.js';
import { tcpPair } from './socket-pair.spec.helper.js';
import { StreamConnection, toConnection } from './stream.js';

const sys = loadSys();

/** What the program got: a descriptor, or none, and its exit status. */
interface Got {
  readonly fd: number | undefined;
  readonly status: number;
}

/** Runs the command as ssh does, with one end of a socketpair as its stdout. */
async function ask(service: DialService, host: string, port = '22'): Promise<Got> {
  const [ours, theirs] = sys.socketpair();
  const program = spawn('/bin/sh', ['-c', `exec ${service.command} ${host} ${port}`], {
    stdio: ['ignore', theirs, 'ignore'],
  });
  sys.close(theirs);
  const ended = once(program, 'exit') as Promise<[number]>;
  const fd = await recvFd(ours).catch(() => undefined);
  sys.close(ours);
  return { fd, status: (await ended)[0] };
}

describe('the dial that a program asks for', () => {
  const asked: string[] = [];
  let service: DialService;
  beforeEach(() => void asked.splice(0));
  afterEach(() => service.close());
  expectDescriptorsBack();

  async function serve(dial: () => Promise<Connection>): Promise<void> {
    service = await serveDial((target: Target) => {
      asked.push(formatHostPort(target.host, target.port));
      return dial();
    }, sys);
  }

  const socketOf = (): string => service.command.split(' ').at(-1) ?? '';

  it('gives it the descriptor, which blocks; ours is closed then', async () => {
    const { ours, theirs } = await tcpPair();
    const connection = toConnection(ours);
    await serve(async () => connection);
    const { fd = -1, status } = await ask(service, 'Host.Example');
    await service.served;
    expect([status, service.isBridged, asked]).to.deep.equal([0, false, ['host.example:22']]);
    expect(connection.descriptor).to.equal(undefined);
    expect(sys.isNonBlocking(fd)).to.equal(false);
    sys.setNonBlocking(fd, true);
    const passed = new DescriptorConnection(fd, sys);
    await passed.write(Buffer.from('hello'));
    expect(String((await once(theirs, 'data'))[0])).to.equal('hello');
    passed.destroy();
    await once(theirs.resume(), 'end');
    theirs.destroy();
  });

  it('copies the bytes of a stream, until either side ends', async () => {
    for (const whoEnds of ['program', 'stream']) {
      const far = new PassThrough(); // gives back what it gets
      await serve(async () => new StreamConnection(far));
      const { fd = -1, status } = await ask(service, 'host.example');
      expect([status, service.isBridged]).to.deep.equal([0, true]);
      sys.setNonBlocking(fd, true);
      const passed = new DescriptorConnection(fd, sys);
      await passed.write(Buffer.from('hello'));
      expect(String(await passed.read(5, 'the echo'))).to.equal('hello');
      const closed = once(far, 'close');
      if (whoEnds === 'stream') {
        far.destroy();
        expect(await refusal(passed.read(1, 'more'))).to.match(/the connection closed/);
      }
      passed.destroy();
      await closed;
      service.close();
    }
  });

  it('can fail: the error is ours, and the program exits when the service ends', async () => {
    await serve(() => Promise.reject(new FdpassError('unreachable', 'nobody is there')));
    const waiting = ask(service, 'host.example');
    expect(await refusal(service.served)).to.equal('unreachable: nobody is there');
    service.close();
    expect(await waiting).to.deep.equal({ fd: undefined, status: 1 });
  });

  const WRONG: Readonly<Record<string, string>> = {
    'a host that is an option': `${JSON.stringify(['-oProxyCommand=x', '22'])}\n`,
    'a host with a command in it': `${JSON.stringify(['$(id)', '22'])}\n`,
    'a port that is none': `${JSON.stringify(['host.example', '0'])}\n`,
    'what is no list': '{}\n',
    'what is no JSON': 'host.example 22\n',
    'a line without end': 'x'.repeat(2000),
    nothing: '',
  };
  for (const [what, line] of Object.entries(WRONG)) {
    it(`dials nothing for ${what}`, async () => {
      await serve(() => expect.fail('dialled'));
      const client = connect(socketOf()).on('error', () => {}); // what was not read resets it
      const closed = new Promise((resolve) => client.once('close', resolve));
      client.resume().end(line);
      expect(await caught(service.served)).to.be.instanceOf(Error);
      expect(asked).to.deep.equal([]);
      service.close();
      await closed;
    });
  }

  it('is one', async () => {
    await serve(() => new Promise(() => {}));
    const first = connect(socketOf());
    await once(first, 'connect');
    first.write('["host.example","22"]\n');
    await expectNoneLeft(() => (asked.length === 1 ? [] : ['not dialled yet']));
    expect(await caught(once(connect(socketOf()), 'connect')))
      .to.have.property('code')
      .that.matches(/ECONNREFUSED|ENOENT/);
    service.close();
    await once(first.resume(), 'close');
  });

  it('ends with the service, also while the program waits', async () => {
    await serve(() => new Promise(() => {}));
    const waiting = ask(service, 'host.example');
    await expectNoneLeft(() => (asked.length === 1 ? [] : ['not asked yet']));
    service.close();
    expect(await waiting).to.deep.equal({ fd: undefined, status: 1 });
    service.close();
  });

  it('has a folder that only we can enter, and that is removed', async () => {
    await serve(() => new Promise(() => {}));
    const folder = dirname(socketOf());
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
    service.close();
    expect(existsSync(folder)).to.equal(false);
  });

  describe('in a process of its own', () => {
    const folder = temporaryFolder();
    after(() => folder.remove());

    /** Serves in a process, which then prints the command. */
    function serving(then: string): string {
      const modules = ['dial-service.js', '../sys/koffi.js'].map((path) => new URL(path, import.meta.url).href);
      return `
const [{ serveDial }, { loadSys }] = await Promise.all(${JSON.stringify(modules)}.map((path) => import(path)));
const { command } = await serveDial(() => new Promise(() => {}), loadSys());
console.log(command.split(' ').at(-1));
${then}`;
    }

    it('leaves no folder when that exits or a signal ends it', async () => {
      for (const end of ['process.exit()', "process.kill(process.pid, 'SIGTERM')"]) {
        const { stdout } = await run(process.execPath, ['--input-type=module', '-e', serving(end)], {
          env: { TMPDIR: folder.path },
        });
        expect(dirname(dirname(stdout.trim()))).to.equal(folder.path);
        expect(readdirSync(folder.path)).to.deep.equal([]);
      }
    });

    it('takes another place where TMPDIR is too long for a socket, or missing', async () => {
      for (const TMPDIR of [`${folder.path}/${'x'.repeat(100)}`, `${folder.path}/none`]) {
        const args = ['--input-type=module', '-e', serving('process.exit()')];
        const { stdout } = await run(process.execPath, args, { env: { TMPDIR } });
        expect(stdout).to.match(/^(\/var)?\/tmp\/fdpass-\w+\/dial\n$/);
      }
    });
  });
});
