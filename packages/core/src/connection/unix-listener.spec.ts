import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { loadSys } from '../sys/koffi.js';
import type { Sys } from '../sys/sys.js';
import type { DescriptorConnection } from './descriptor.js';
import { listenAtPath, UnixListener } from './unix-listener.js';

describe('a listener at a unix socket', () => {
  const sys = loadSys();
  let folder: string;
  let path: string;
  let listener: UnixListener;
  let accepted: DescriptorConnection[];
  let clients: Socket[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fdpass-listener-'));
    path = join(folder, 'socket');
    accepted = [];
    clients = [];
  });

  afterEach(async () => {
    listener.close();
    for (const connection of accepted) connection.destroy();
    for (const client of clients) {
      client.destroy();
      if (!client.closed) await new Promise((resolve) => client.once('close', resolve));
    }
    rmSync(folder, { recursive: true });
  });

  expectDescriptorsBack();

  function listenWith(calls: Partial<Sys> = {}): void {
    const all = { ...sys, ...calls };
    listener = new UnixListener(listenAtPath(path, 128, all), all, (connection) => accepted.push(connection));
  }

  /** Connects, and resolves to whether it was let in. */
  async function come(): Promise<boolean> {
    const before = accepted.length;
    const client = connect(path)
      .on('error', () => {})
      .resume();
    clients.push(client);
    while (accepted.length === before && !client.readableEnded && !client.destroyed) await new Promise(setImmediate);
    return accepted.length > before;
  }

  function systemError(code: string): Error {
    return Object.assign(new Error(code), { code });
  }

  /** accept(2) that fails with these errors before it does what it does. */
  function acceptAfter(...codes: string[]): Pick<Sys, 'accept'> {
    return {
      accept(fd) {
        const code = codes.shift();
        if (code !== undefined) throw systemError(code);
        return sys.accept(fd);
      },
    };
  }

  it('gives connections that read and write, close-on-exec and non-blocking', async () => {
    listenWith();
    expect(await come()).to.equal(true);
    const [connection] = accepted;
    clients[0]?.write('words');
    expect(String(await connection?.read(5, 'words'))).to.equal('words');
    await connection?.write(Buffer.from('answer'));
    expect(sys.isNonBlocking(connection?.descriptor ?? -1)).to.equal(true);
  });

  it('takes all who come at the same time', async () => {
    listenWith();
    for (let count = 0; count < 100; count++) clients.push(connect(path));
    while (accepted.length < 100) await new Promise(setImmediate);
    expect(new Set(accepted.map(({ descriptor }) => descriptor)).size).to.equal(100);
  });

  it('goes on at once after a client that has gone before it was accepted', async () => {
    const turns: number[] = [];
    let turn = 0;
    let isOver = false;
    const countTurns = (): void => {
      turn += 1;
      if (!isOver) setImmediate(countTurns);
    };
    countTurns();
    const { accept } = acceptAfter('ECONNABORTED');
    listenWith({
      accept(fd) {
        turns.push(turn);
        return accept(fd);
      },
    });
    expect(await come()).to.equal(true);
    isOver = true;
    const [failed = 0, next = Number.POSITIVE_INFINITY] = turns;
    expect(next - failed, 'turns of the event loop, of which the wait after other failures has thousands').to.be.below(
      10,
    );
  });

  for (const code of ['EMFILE', 'ENFILE']) {
    it(`turns a client away when no descriptor is left (${code}), and takes the next`, async () => {
      listenWith(acceptAfter(code));
      expect([await come(), await come()]).to.deep.equal([false, true]);
    });
  }

  it('tries again after any other failure', async () => {
    listenWith(acceptAfter('ENOMEM'));
    expect(await come()).to.equal(true);
  });

  it('tries again if it could not wait for clients', async () => {
    let failures = 1;
    const poll: Sys['poll'] = (fd, options) => {
      const poller = sys.poll(fd, options);
      return {
        until: (what) => poller.until(what),
        wait: (what, waiter) => (failures-- > 0 ? waiter.failed(systemError('ENOSPC')) : poller.wait(what, waiter)),
        close: (reason) => poller.close(reason),
      };
    };
    const fd = listenAtPath(path, 128, sys);
    listener = new UnixListener(fd, { ...sys, poll }, (connection) => accepted.push(connection));
    expect(await come()).to.equal(true);
  });

  it('takes nobody once it is closed, even among those who wait', async () => {
    listenWith();
    const all = [...Array(10)].map(() => connect(path).on('error', () => {}));
    clients.push(...all);
    listener.close();
    listener.close();
    await Promise.all(all.map((client) => new Promise((resolve) => client.once('close', resolve))));
    expect(accepted).to.have.length(0);
  });

  it('stops in the middle when a client makes it close', async () => {
    let calls = 0;
    const accept: Sys['accept'] = (fd) => {
      calls += 1;
      return sys.accept(fd);
    };
    const all = { ...sys, accept };
    listener = new UnixListener(listenAtPath(path, 128, all), all, (connection) => {
      connection.destroy();
      listener.close();
    });
    clients.push(
      ...[...Array(10)].map(() =>
        connect(path)
          .on('error', () => {})
          .resume(),
      ),
    );
    await Promise.all(clients.map((client) => new Promise((resolve) => client.once('close', resolve))));
    expect(calls).to.equal(1);
  });

  it('gives back what it has kept for a client that it turns away', function () {
    if (process.platform !== 'linux') this.skip();
    const kept = (): number =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/null';
        } catch {
          return false; // of the look itself
        }
      }).length;
    const before = kept();
    listenWith();
    expect(kept()).to.equal(before + 1);
    listener.close();
    expect(kept()).to.equal(before);
  });

  it('says why it cannot listen, and leaves nothing open', () => {
    listenWith();
    expect(() => listenAtPath(path, 128, sys)).to.throw(/EADDRINUSE/);
    expect(() => listenAtPath(`/${'x'.repeat(200)}`, 128, sys)).to.throw(/longer than/);
  });
});
