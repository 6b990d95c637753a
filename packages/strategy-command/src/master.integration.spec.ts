import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Connection, Dialer, TraceEvent } from '@fdpass/core';
import { encodeMuxPacket, MUX_MSG_HELLO, MUX_VERSION } from '@fdpass/core/sockets';
import {
  expectNoDescriptorLeft,
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  openDescriptors,
  requirePeers,
  type Sshd,
  startSshd,
} from '@fdpass/test-lab';
import { contextOf, Greeter, refusedPort, testHost, VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { jump } from './index.js';

/** A jump host to which the user's ssh has a connection that it shares. */
describe('a jump through a shared connection of ssh (ControlMaster)', () => {
  const { env: mark, marker } = markedEnvironment();
  let bastion: Sshd;
  let greeter: Greeter;
  let config: string;
  let controlPath: string;
  let master: ChildProcess | undefined;
  /** What the program is kept alive for. */
  let held: Promise<unknown>[];
  let events: TraceEvent[];

  before(async function () {
    requirePeers(this, 'ssh', 'sshd');
    bastion = await startSshd();
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    config = join(bastion.folder, 'config');
    controlPath = join(bastion.folder, 'master');
    writeFileSync(config, bastion.configBlock('bastion', { ControlPath: controlPath }), { mode: 0o600 });
  });
  after(async () => {
    await greeter?.close();
    await bastion?.close();
  });
  let opened: string[];
  beforeEach(() => {
    [held, events, opened] = [[], [], openDescriptors()];
  });
  afterEach(async () => {
    await killMaster();
    rmSync(controlPath, { force: true });
    await Promise.all(held);
    await expectNoneLeft(() => markedProcesses(marker));
    await expectNoDescriptorLeft(opened);
  });

  async function startMaster(): Promise<void> {
    master = spawn('ssh', ['-F', config, '-M', '-N', 'bastion'], { stdio: 'ignore' });
    while (!existsSync(controlPath)) await new Promise(setImmediate);
  }

  async function killMaster(): Promise<void> {
    const ending = master;
    master = undefined;
    if (ending === undefined) return;
    const ended = once(ending, 'exit');
    ending.kill('SIGKILL');
    await ended;
  }

  function dial(port: number, isHolding = true, signal?: AbortSignal): Promise<Connection> {
    const keepAlive = (work: Promise<unknown>): void => void held.push(work);
    const lifetime = { keepAlive: isHolding ? keepAlive : undefined };
    const clock = new VirtualClock(); // the master has all the time that it needs
    const host = testHost({ clock, lifetime, environment: { ...process.env, ...mark }, isFirst: true });
    const options = { hosts: ['bastion'], sshOptions: ['-F', config], patience: 20_000 };
    const dialer = jump.create(options, host) as Dialer;
    return dialer.dial({ host: '127.0.0.1', port }, contextOf(signal, events)) as Promise<Connection>;
  }

  const notes = (): unknown[] => events.flatMap((event) => (event.event === 'note' ? [event['text']] : []));
  const greetingOf = async (connection: Connection): Promise<string> => String(await connection.read(7, 'a greeting'));

  it('needs no process, and ends with the connection', async () => {
    await startMaster();
    const connection = await dial(greeter.port);
    expect(await greetingOf(connection)).to.equal('SSH-2.0');
    expect([markedProcesses(marker), held.length, typeof connection.descriptor]).to.deep.equal([[], 1, 'number']);
    connection.destroy();
    await held[0];
  });

  it('breaks when the master dies', async () => {
    await startMaster();
    const connection = await dial(greeter.port);
    await greetingOf(connection);
    await killMaster();
    await connection.readThrough(() => 1, 1000, 'the rest').catch(() => {});
    await held[0];
    connection.destroy();
  });

  const others: readonly (readonly [what: string, prepare: () => Promise<unknown>, isHolding: boolean])[] = [
    ['there is no master', async () => {}, true],
    ['the master was killed, and has left its socket', () => startMaster().then(() => killMaster()), true],
    ['the program ends after the hand-over', startMaster, false],
  ];
  for (const [what, prepare, isHolding] of others) {
    it(`is made by ssh -W where ${what}`, async () => {
      await prepare();
      const connection = await dial(greeter.port, isHolding);
      expect(await greetingOf(connection)).to.equal('SSH-2.0');
      expect(markedProcesses(marker).filter((line) => line.includes(' -W '))).to.have.length(1);
      expect([notes(), held]).to.deep.equal([[], []]);
      connection.destroy();
    });
  }

  it('is tried by ssh -W if the master refuses, which tells why', async () => {
    await startMaster();
    const refused = await dial(await refusedPort()).catch(String);
    expect(refused).to.match(/"ssh" ended with status 255.*(refused|failed)/s);
    expect(notes()).to.deep.equal(['the shared connection of ssh refuses: Session open refused by peer; running ssh']);
  });

  it('is given up on abort while the master waits for the target', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const silent = createServer((client) => {
      client.on('error', () => {}).write(encodeMuxPacket(MUX_MSG_HELLO, MUX_VERSION));
      client.on('data', (bytes: Buffer) => bytes.includes('127.0.0.1') && controller.abort(reason));
    });
    await once(silent.listen(controlPath), 'listening');
    const failed = await dial(greeter.port, true, controller.signal).catch((error: unknown) => error);
    expect([failed, held]).to.deep.equal([reason, []]);
    silent.close();
    await once(silent, 'close');
  });
});
