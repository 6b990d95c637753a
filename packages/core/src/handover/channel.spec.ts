import { type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import type { Handover } from './channel.js';

/** A program that tells over stderr what it would do with its stdout. */
const PROGRAM = `
const { channelKind, openChannel } = await import(${JSON.stringify(new URL('channel.js', import.meta.url).href)});
const kind = channelKind(1);
const asked = process.argv[1] === 'nothing' ? undefined : process.argv[1];
let choice;
try { choice = openChannel({ as: asked }).as } catch (error) { choice = error.code + ': ' + error.message }
process.stderr.write(JSON.stringify([kind, choice]));`;

const program = (asked: Handover | 'nothing' = 'nothing'): string[] => [
  '--input-type=module',
  '--eval',
  PROGRAM,
  asked,
];

const fdOf = (socket: Socket): number => (socket as unknown as { _handle: { fd: number } })._handle.fd;

describe('choosing the hand-over', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-choose-'));
  const open: number[] = [];
  let sys: Sys;
  before(async () => {
    sys = loadSys();
  });
  afterEach(() => {
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack();
  after(() => rmSync(folder, { recursive: true }));

  const pair = (): [number, number] => {
    const made = sys.socketpair();
    open.push(...made);
    return made;
  };

  async function ask(stdin: number | 'ignore', stdout: number | 'pipe', asked?: Handover): Promise<unknown> {
    const stdio: StdioOptions = [stdin, stdout, 'pipe'];
    const child = spawn(process.execPath, program(asked), { stdio });
    const [said] = await Promise.all([text(child.stderr as NonNullable<typeof child.stderr>), once(child, 'close')]);
    return JSON.parse(said);
  }

  it('closes an output even if no descriptor is left', async () => {
    const code = `
import { openSync, writeSync } from 'node:fs';
const { channelKind, closeOutput } = await import(${JSON.stringify(new URL('channel.js', import.meta.url).href)});
const { loadSys } = await import(${JSON.stringify(new URL('../sys/koffi.js', import.meta.url).href)});
const sys = loadSys();
const before = channelKind(1);
try { for (;;) openSync('/', 'r'); } catch {}
closeOutput(1, sys);
writeSync(2, before + ' ' + channelKind(1));`;
    const args = ['-c', 'ulimit -n 64; exec "$0" --input-type=module --eval "$1" | cat', process.execPath, code];
    const child = spawn('/bin/sh', args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(said).to.equal('pipe closed');
  });

  it('passes the descriptor over a unix socket, as ssh gives it: one for both stdin and stdout', async () => {
    const [channel] = pair();
    expect(await ask(channel, channel)).to.deep.equal(['socket', 'descriptor']);
    expect(await ask('ignore', channel)).to.deep.equal(['socket', 'descriptor']);
  });

  it('relays over a unix socket if asked to, or if stdin is another one', async () => {
    const [channel, other] = pair();
    expect(await ask(channel, channel, 'relay')).to.deep.equal(['socket', 'relay']);
    expect(await ask(other, channel)).to.deep.equal(['socket', 'relay']);
    expect(await ask(other, channel, 'descriptor')).to.deep.equal(['socket', 'descriptor']);
    expect(await ask('ignore', 'pipe')).to.deep.equal(['socket', 'descriptor']); // Node's pipes are socket pairs
  });

  it('relays over a socket that the caller has written to, as libssh does, and leaves the bytes there', async () => {
    const [channel, caller] = pair();
    sys.send(caller, Buffer.from('SSH-2.0-libssh\r\n'), 0);
    expect(await ask(channel, channel)).to.deep.equal(['socket', 'relay']);
    expect(await ask(channel, channel, 'descriptor')).to.deep.equal(['socket', 'descriptor']);
    expect(sys.recv(channel, Buffer.alloc(100), 0)).to.equal(16);
    expect(await ask(channel, channel)).to.deep.equal(['socket', 'descriptor']);
  });

  it('relays over a pipe, over which no descriptor can go', async () => {
    const shell = async (asked?: Handover): Promise<unknown> => {
      const child = spawn('sh', ['-c', '{ "$0" "$@" | cat >/dev/null; } 2>&1', process.execPath, ...program(asked)]);
      const [said] = await Promise.all([text(child.stdout), once(child, 'close')]);
      return JSON.parse(said);
    };
    expect(await shell()).to.deep.equal(['pipe', 'relay']);
    expect(await shell('descriptor')).to.deep.equal([
      'pipe',
      'usage: stdout is not a unix socket, so no descriptor can be passed',
    ]);
  });

  it('relays over a socket that is not a unix socket', async () => {
    const server = createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1' });
    await once(socket, 'connect');
    try {
      expect(await ask('ignore', fdOf(socket))).to.deep.equal(['socket', 'relay']);
      expect(await ask('ignore', fdOf(socket), 'descriptor')).to.deep.equal([
        'socket',
        'usage: stdout is not a unix socket, so no descriptor can be passed',
      ]);
    } finally {
      socket.destroy();
      server.close();
      await once(server, 'close');
    }
  });

  const files: readonly (readonly [what: string, path: string, kind: string, refusal: string, relay: string])[] = [
    ['a file', join(folder, 'out'), 'file', 'usage: stdout is a file, to which no connection can be passed', 'relay'],
    [
      '/dev/null',
      '/dev/null',
      'closed',
      'usage: stdout is closed or /dev/null',
      'usage: stdout is closed or /dev/null',
    ],
  ];
  for (const [what, path, kind, refused, relayed] of files) {
    it(`refuses ${what}`, async () => {
      const fd = openSync(path, 'w');
      expect(await ask('ignore', fd)).to.deep.equal([kind, refused]);
      expect(await ask('ignore', fd, 'relay')).to.deep.equal([kind, relayed]);
      closeSync(fd);
    });
  }

  it('refuses a device that is not a terminal', async () => {
    const fd = openSync('/dev/zero', 'r+');
    expect(await ask('ignore', fd)).to.deep.equal(['other', 'usage: stdout is neither a socket nor a pipe']);
    closeSync(fd);
  });

  it('refuses a folder', async () => {
    const fd = openSync(folder, 'r');
    expect(await ask('ignore', fd)).to.deep.equal(['other', 'usage: stdout is neither a socket nor a pipe']);
    closeSync(fd);
  });

  it('refuses a closed stdout', async () => {
    const child = spawn('sh', ['-c', 'exec "$0" "$@" >&-', process.execPath, ...program()]);
    const [said] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(JSON.parse(said)).to.deep.equal(['closed', 'usage: stdout is closed or /dev/null']);
  });

  it('refuses a terminal, but relays to it if asked to', async function () {
    if (process.platform !== 'linux' || !existsSync('/usr/bin/script')) this.skip(); // script(1) of util-linux makes the terminal
    for (const [asked, choice] of [
      ['nothing', 'usage: stdout is a terminal, to which no connection can be passed'],
      ['relay', 'relay'],
    ] as const) {
      const said = join(folder, `said-${asked}`);
      const command = `"$NODE" --input-type=module --eval "$PROGRAM" ${asked} 2>"$SAID"`;
      const env = { ...process.env, NODE: process.execPath, PROGRAM, SAID: said, SHELL: '/bin/sh' };
      const child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'pipe'] });
      const [output] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
      expect(JSON.parse(readFileSync(said, 'utf8')), output).to.deep.equal(['terminal', choice]);
    }
  });
});
