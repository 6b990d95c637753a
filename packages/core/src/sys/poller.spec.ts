import { execFileSync } from 'node:child_process';
import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { caught } from '../ground/rejection.spec.helper.js';
import { systemError } from './fake-sys.spec.helper.js';
import { loadSys } from './koffi.js';
import { makePoller, type PollCallback, type PollCalls, type StartPolling } from './poller.js';
import { Pollers } from './pollers.js';
import type { Poller, Sys } from './sys.js';

/** More pollers than a process has before it makes a set. */
const MANY = 20;

/** The kinds of pollers that the system calls make, after so many. */
const KINDS: Readonly<Record<string, (fd: number, sys: Sys) => Poller>> = {
  'with a handle of its own': (fd, sys) => sys.poll(fd, { isShared: true }),
  'in a set with others': (fd, sys) => sys.poll(fd),
};

describe('waiting for a descriptor', () => {
  const sys = loadSys();
  before(() => {
    const made = sys.socketpair();
    for (let count = 0; count < MANY; count++) sys.poll(made[0]).close();
    for (const fd of made) sys.close(fd);
  });
  const open: number[] = [];
  const pair = (): [number, number] => {
    const made = sys.socketpair();
    open.push(...made);
    return made;
  };
  afterEach(() => {
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack();

  const fill = (fd: number): void => {
    sys.setNonBlocking(fd, true);
    expect(() => {
      for (;;) sys.send(fd, Buffer.alloc(65_536), 0);
    }).to.throw(/EAGAIN/);
  };

  function readAll(fd: number): number {
    try {
      return sys.recv(fd, Buffer.alloc(1 << 20), sys.platform.constants.MSG_DONTWAIT);
    } catch {
      return 0;
    }
  }

  for (const [kind, poll] of Object.entries(KINDS)) {
    it(`resolves for each event that it waits for, both at once too (${kind})`, async () => {
      const [one, other] = pair();
      const poller = poll(one, sys);
      fill(one);
      const order: string[] = [];
      const readable = poller.until('readable').then(() => order.push('readable'));
      const writable = poller.until('writable').then(() => order.push('writable'));
      sys.send(other, Buffer.from('x'), 0);
      await readable;
      for (let read = 1; read > 0; ) read = readAll(other);
      await writable;
      expect(order).to.deep.equal(['readable', 'writable']);
      poller.close();
    });

    it(`finds an event that was there before, and the same one again (${kind})`, async () => {
      const [one, other] = pair();
      const poller = poll(one, sys);
      sys.send(other, Buffer.from('x'), 0);
      await poller.until('readable');
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      await poller.until('readable');
      poller.close();
    });

    it(`resolves all waits when the connection is reset (${kind})`, async () => {
      const [one, other] = pair();
      fill(one);
      sys.send(other, Buffer.from('x'), 0);
      expect(sys.recv(one, Buffer.alloc(1), 0)).to.equal(1);
      const poller = poll(one, sys);
      const waits = (['readable', 'writable', 'closed'] as const).map((what) => poller.until(what));
      sys.close(open.splice(open.indexOf(other), 1)[0] as number); // with bytes unread, which is a reset
      await Promise.all(waits);
      poller.close();
    });

    it(`ends with a reason when the poller is closed (${kind})`, async () => {
      const [one] = pair();
      const reason = new Error('enough');
      const poller = poll(one, sys);
      const waits = [caught(poller.until('readable')), caught(poller.until('closed'))];
      poller.close(reason);
      poller.close(new Error('a second time'));
      expect(await Promise.all(waits)).to.deep.equal([reason, reason]);
      expect(await caught(poller.until('readable'))).to.equal(reason);
    });
  }

  it('ends with the reason of a signal that aborts', async () => {
    const [one] = pair();
    const reason = new Error('enough');
    const controller = new AbortController();
    const waiting = caught(sys.wait(one, 'readable', controller.signal));
    controller.abort(reason);
    expect(await waiting).to.equal(reason);
    expect(await caught(sys.wait(one, 'readable', controller.signal))).to.equal(reason);
  });

  // libuv ends the process for a second handle on one descriptor, whoever has the first. So these run in a child.
  const programs: readonly (readonly [what: string, program: string])[] = [
    [
      'by several pollers for one descriptor',
      `const pollers = [sys.poll(one), sys.poll(one), sys.poll(one)];
       const waits = [pollers[0].until('readable'), pollers[1].until('readable'), pollers[2].until('writable')];
       await waits[2];
       sys.send(other, Buffer.from('x'), 0);
       await Promise.all(waits);
       for (const poller of pollers) poller.close();
       const again = sys.poll(one);
       await again.until('readable');
       again.close();`,
    ],
    [
      'while a socket of Node reads from the descriptor',
      `const { Socket } = await import('node:net');
       const socket = new Socket({ fd: one }).resume();
       const waits = [sys.wait(one, 'writable'), sys.poll(one, { isShared: true }).until('writable')];
       await Promise.all(waits);
       socket.destroy();`,
    ],
    [
      'with nothing else that would run the jobs of promises',
      `const poller = sys.poll(one);
       await poller.until('writable');
       for (let count = 0; count < 3; count++) {
         sys.send(other, Buffer.from('x'), 0);
         await poller.until('readable');
         sys.recv(one, Buffer.alloc(1), 0);
       }`,
    ],
  ];
  function run(program: string, before: number): string {
    const start = `
      const { loadSys } = await import(${JSON.stringify(new URL('koffi.js', import.meta.url).href)});
      const sys = loadSys();
      const [one, other] = sys.socketpair();
      for (let count = 0; count < ${before}; count++) sys.poll(one).close();`;
    const args = ['--input-type=module', '--eval', `${start}${program}`];
    return execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 20_000 });
  }
  for (const [what, program] of programs) {
    for (const before of [0, MANY]) {
      it(`can be done ${what}, after ${before} others`, () => {
        expect(run(`${program}process.stdout.write('done', () => process.exit());`, before)).to.equal('done');
      });
    }
  }

  it('does not keep a process alive when nobody waits in the set', () => {
    expect(run("await sys.poll(one).until('writable'); process.stdout.write('done');", MANY)).to.equal('done');
  });

  it('lets other work go on while many in the set are ready', async () => {
    const pollers = Array.from({ length: 200 }, () => {
      const [one, other] = pair();
      sys.send(other, Buffer.from('x'), 0);
      return sys.poll(one);
    });
    let settled = 0;
    const waits = pollers.map((poller) => poller.until('readable').then(() => void settled++));
    await Promise.any(waits);
    await new Promise(setImmediate);
    expect(settled).to.be.within(1, 199);
    await Promise.all(waits);
    for (const poller of pollers) poller.close();
  });

  it('forgets a descriptor that was closed while it was in the set', async () => {
    const [one] = pair();
    const gone = sys.poll(one);
    await gone.until('writable');
    sys.close(open.splice(open.indexOf(one), 1)[0] as number);
    const again = pair(); // with the same number
    expect(again).to.include(one);
    gone.close();
    const poller = sys.poll(one);
    await poller.until('writable');
    poller.close();
  });

  it('waits in the set for a descriptor that an earlier poller has left there', async () => {
    const [one, other] = pair();
    const earlier = sys.poll(one);
    await earlier.until('writable');
    earlier.close();
    sys.send(other, Buffer.from('x'), 0);
    const poller = sys.poll(one);
    await poller.until('readable');
    const closed = poller.until('closed');
    sys.shutdown(other, 1);
    await closed;
    poller.close();
  });

  it('waits with a handle where no descriptor is left for a set', async () => {
    const { calls, log, fire } = byHand();
    const fail = (): never => {
      throw systemError('EMFILE');
    };
    const epoll = { create: fail, add: fail, change: fail, remove: fail, take: fail };
    const { poll } = new Pollers(calls, epoll);
    for (let count = 0; count < MANY; count++) poll(1000);
    const poller = poll(1000);
    const wait = poller.until('readable');
    expect(log).to.deep.equal(['poll 1000', 'start readable']);
    fire({ readable: true });
    await wait;
    poller.close();
  });

  it('leaves a shared descriptor as it was: blocking or not', async () => {
    for (const mode of [false, true]) {
      const [one] = pair();
      sys.setNonBlocking(one, mode);
      await sys.wait(one, 'writable');
      const poller = sys.poll(one, { isShared: true });
      await poller.until('writable');
      expect(sys.isNonBlocking(one)).to.equal(mode);
      poller.close();
    }
  });

  it('notices that the other side has closed', async () => {
    const [one, other] = pair();
    const closed = sys.wait(one, 'closed');
    sys.shutdown(other, 1);
    await closed;
  });
});

describe('a poller', () => {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  it('stays armed for the next wait, and disarms on an event that nobody waits for', async () => {
    const { log, calls, fire } = byHand();
    const poller = makePoller(calls, 1000, false);
    const first = poller.until('readable');
    fire({ readable: true });
    await first;
    const second = poller.until('readable');
    fire({ readable: true });
    await second;
    expect(log).to.deep.equal(['poll 1000', 'start readable']);
    fire({ readable: true });
    expect(log.splice(0).at(-1)).to.equal('stop');
    const third = poller.until('readable');
    fire({ readable: true });
    await third;
    poller.close();
    expect(log).to.deep.equal(['start readable', 'close handle']);
  });

  it('waits for what is still wanted when one of two events comes', async () => {
    const { log, calls, fire } = byHand();
    const poller = makePoller(calls, 1000, false);
    const settled: string[] = [];
    for (const what of ['readable', 'writable'] as const) void poller.until(what).then(() => settled.push(what));
    fire({ writable: true });
    await turn();
    expect([settled, log.at(-1)]).to.deep.equal([['writable'], 'start readable']);
    fire({}, -9); // an error of the descriptor, after which libuv has stopped the handle
    await turn();
    expect(settled).to.deep.equal(['writable', 'readable']);
    poller.close();
  });

  it('closes its handle before its copy, and settles nothing twice', async () => {
    const { log, calls, fire } = byHand();
    const poller = makePoller(calls, 1000, true);
    const wait = caught(poller.until('readable'));
    fire({ readable: true });
    poller.close(new Error('enough'));
    poller.close(new Error('a second time'));
    await wait;
    expect(log).to.deep.equal(['poll 100', 'start readable', 'close handle', 'close 100']);
  });

  it('fails where no descriptor is left for a copy, and waits once there is', async () => {
    const answers: (() => number)[] = [
      () => {
        throw systemError('EMFILE');
      },
      () => 100,
    ];
    const { log, calls, fire } = byHand(() => answers.shift()?.() ?? -1);
    const poller = makePoller(calls, 1000, true);
    expect(await caught(poller.until('readable'))).to.have.property('code', 'EMFILE');
    const wait = poller.until('readable');
    expect(log).to.deep.equal(['poll 100', 'start readable']);
    fire({ readable: true });
    await wait;
    poller.close();
  });
});

/** A poll handle whose events are fired by hand. */
function byHand(dup: (fd: number) => number = () => 100): {
  readonly log: string[];
  readonly calls: PollCalls;
  fire(ready: object, status?: number): void;
} {
  const log: string[] = [];
  let callback: PollCallback = () => {};
  const start = (events: object, react: PollCallback): void => {
    callback = react;
    log.push(`start ${Object.keys(events).sort().join('+')}`);
  };
  const handle = {
    start,
    stop: () => void log.push('stop'),
    close: () => void log.push('close handle'),
    ref() {},
    unref() {},
  };
  const startPolling: StartPolling = (fd, events, react) => {
    log.push(`poll ${fd}`);
    start(events, react);
    return handle;
  };
  const close = (fd: number): void => void log.push(`close ${fd}`);
  const isNonBlocking = (): boolean => true;
  const setNonBlocking = (fd: number, on: boolean): void => void log.push(`${on ? 'unblock' : 'block'} ${fd}`);
  const calls = { startPolling, dup, close, isNonBlocking, setNonBlocking };
  return { log, calls, fire: (ready, status = 0) => callback(status, ready) };
}
