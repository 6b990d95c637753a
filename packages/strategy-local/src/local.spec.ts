import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { type Connection, FdpassError, fromSystemError, systemClock } from '@fdpass/core';
import { guardDialer } from '@fdpass/core/host';
import { findSys } from '@fdpass/core/sockets';
import { expectNoDescriptorLeft, openDescriptors, skip, temporaryFolder } from '@fdpass/test-lab';
import { contextOf, refusalOf, type Script, startScriptedServer, streamOf, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { type LocalOptions, local } from './index.js';
import { readLocalTarget } from './local-target.js';

async function readToEnd(value: Connection | Duplex): Promise<string> {
  const stream = streamOf(value);
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  stream.destroy(); // its other half may be open, and Node 24 leaves it so
  return text;
}

describe('local targets', () => {
  const table: readonly (readonly [host: string, place: object | undefined])[] = [
    ['unix/run/x', { kind: 'unix', path: '/run/x' }],
    ['unix%/run/x', { kind: 'unix', path: '/run/x' }],
    ['.host', { kind: 'unix', path: '/run/ssh-unix-local/socket' }],
    ['vsock/3', { kind: 'vsock', cid: 3 }],
    ['vsock%4294967295', { kind: 'vsock', cid: 4_294_967_295 }],
    ['vsock-mux/run/vm.sock', { kind: 'vsock-mux', path: '/run/vm.sock' }],
    ['vsock-mux%run/vm.sock', { kind: 'vsock-mux', path: '/run/vm.sock' }],
    ['host.example', undefined],
  ];
  for (const [host, place] of table) it(host, () => expect(readLocalTarget(host)).to.deep.equal(place));
  for (const host of ['vsock/x', 'vsock/4294967296', 'vsock/-1']) {
    it(`refuses ${host}`, () =>
      expect(() => readLocalTarget(host))
        .to.throw(/is not a vsock context id/)
        .with.property('code', 'usage'));
  }
});

describe('local paths', () => {
  const paths: readonly (readonly [written: string, opened: string])[] = [
    ['/run/x', '/run/x'],
    ['vm/x.sock', '/etc/fdpass/vm/x.sock'],
    ['~/x.sock', `${process.env['HOME']}/x.sock`],
    ['@abstract', '@abstract'],
  ];
  for (const [written, opened] of paths) {
    it(`${written} is ${opened}, whatever the current directory is`, async () => {
      const asked: unknown[] = [];
      const open = (address: unknown): Promise<never> => {
        asked.push(address);
        return Promise.reject(new FdpassError('unreachable', 'not here'));
      };
      const dialer = await local.create({ path: written }, testHost({ baseDir: '/etc/fdpass', open }));
      await refusalOf(dialer.dial({ host: 'anything.example', port: 22 }, contextOf()));
      expect(asked).to.deep.equal([{ path: opened }]);
    });
  }
});

describe('a virtual machine that cannot be reached', () => {
  const NONE = 'no virtual machine with CID 77; check that it is running, and its CID';
  const SILENT =
    'no virtual machine with CID 77 listens on port 22; check that its sshd listens on vsock, as systemd-ssh-generator sets it up';
  const reasons: readonly (readonly [errno: string, code: string, reason: string])[] = [
    ['ENODEV', 'unreachable', NONE], // the host of virtual machines
    ['ETIMEDOUT', 'unreachable', NONE], // a virtual machine, whose host is silent
    ['ENETUNREACH', 'unreachable', NONE],
    ['EHOSTUNREACH', 'unreachable', NONE],
    ['ECONNRESET', 'unreachable', SILENT],
    ['ECONNREFUSED', 'unreachable', SILENT],
    ['EACCES', 'permission', 'permission denied'],
  ];
  for (const [errno, code, reason] of reasons) {
    it(`is said so where connect() says ${errno}`, async () => {
      const open = async (): Promise<never> => {
        throw fromSystemError(Object.assign(new Error(errno), { code: errno }));
      };
      const dialer = await local.create({}, testHost({ open }));
      const refusal = await refusalOf(dialer.dial({ host: 'vsock/77', port: 22 }, contextOf()));
      expect(refusal).to.equal(`${code}: cannot connect to vsock 77, port 22: ${reason}`);
    });
  }
});

describe('local', () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'socket');
  let before: readonly string[];
  after(() => folder.remove());
  beforeEach(() => {
    before = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(before));

  async function dial(
    host: string,
    options: LocalOptions = {},
    signal = new AbortController().signal,
  ): Promise<Connection> {
    const dialer = await local.create(options, testHost());
    const { targets } = local;
    const guarded = guardDialer(dialer, { label: undefined, origin: 'local', targets, clock: systemClock });
    return guarded.dial({ host, port: 22 }, contextOf(signal));
  }

  async function withServer(script: Script, check: () => Promise<unknown>): Promise<void> {
    const server = await startScriptedServer(script, { path });
    try {
      await check();
    } finally {
      await server.close();
    }
  }

  it('connects to unix sockets, by name and by option', async () => {
    await withServer(
      async (line) => {
        await line.send('banner');
        line.end();
      },
      async () => {
        for (const connection of [await dial(`unix${path}`), await dial('anything.example', { path })]) {
          expect(connection.descriptor).to.be.a('number');
          expect(await readToEnd(connection)).to.equal('banner');
        }
      },
    );
    expect(await refusalOf(dial(`unix${path}`))).to.match(
      /^unreachable: cannot connect to .*socket: no such file or directory/,
    );
  });

  for (const deliver of ['in one segment', 'one byte at a time'] as const) {
    it(`asks a multiplexer for the port and takes exactly its answer, ${deliver}`, async () => {
      await withServer(
        async (line) => {
          expect(String(await line.takeThrough('\n'))).to.equal('CONNECT 22\n');
          const bytes = 'OK 1073741824\nSSH-2.0-guest\r\n';
          await (deliver === 'in one segment' ? line.send(bytes) : line.sendOneByOne(bytes));
          line.end();
        },
        async () => {
          for (const connection of [await dial(`vsock-mux${path}`), await dial('vm', { path, mux: true })]) {
            expect(connection.descriptor).to.be.a('number');
            expect(await readToEnd(connection)).to.equal('SSH-2.0-guest\r\n');
          }
        },
      );
    });
  }

  const refusals: readonly (readonly [what: string, script: Script, message: RegExp])[] = [
    ['closes', (line) => line.end(), /^unreachable: the connection closed before the monitor's answer/],
    [
      'says no',
      (line) => line.send('ERR no such port\n'),
      /^protocol: the monitor answered "ERR no such port" instead of OK/,
    ],
    [
      'never ends its line',
      (line) => line.send('x'.repeat(100)),
      /^protocol: the monitor's answer has no end within 64 bytes/,
    ],
  ];
  for (const [what, script, message] of refusals) {
    it(`says so when a multiplexer ${what}`, async () => {
      const play: Script = async (line) => {
        await line.takeThrough('\n');
        await script(line);
      };
      await withServer(play, async () => expect(await refusalOf(dial(`vsock-mux${path}`))).to.match(message));
    });
  }

  for (const name of ['machine/web', 'machine%web']) {
    it(`refuses ${name} in words`, async () => {
      expect(await refusalOf(dial(name))).to.equal(
        `usage: "${name}": fdpass does not ask systemd-machined for machines by name; write vsock/CID with the VSockCID that "machinectl show web" prints`,
      );
    });
  }

  it('says what it wanted instead', async () => {
    expect(await refusalOf(dial('host.example'))).to.match(
      /^config: .*"host.example" is not a unix socket or a virtual machine; write unix\/PATH/,
    );
  });

  it('connects to a virtual machine over loopback vsock', async function () {
    const family = findSys()?.platform.constants.AF_VSOCK;
    if (process.platform !== 'linux' || family === undefined) return skip(this, 'no vsock on this platform');
    const controller = new AbortController();
    // CID 1 is this machine itself, where the kernel has vsock_loopback; nothing listens, so it refuses at once.
    const timer = setTimeout(() => controller.abort(new Error('silence')), 1000);
    const answer = await refusalOf(dial('vsock/1', {}, controller.signal));
    clearTimeout(timer);
    if (answer === 'Error: silence' || !/reset|refused/.test(answer))
      return skip(this, `this kernel has no vsock loopback (${answer})`);
    expect(answer).to.match(/^unreachable: cannot connect to vsock 1, port 22/);
  });
});
