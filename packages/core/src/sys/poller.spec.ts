import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { caught } from '../ground/rejection.spec.helper.js';
import { loadSys } from './koffi.js';
import { expectDescriptorsBack } from './open-descriptors.spec.helper.js';

describe('waiting for a descriptor', () => {
  const sys = loadSys();
  const open: number[] = [];
  const pair = (): [number, number] => {
    const made = sys.socketpair();
    open.push(...made);
    return made;
  };
  afterEach(() => {
    for (const fd of open.splice(0)) sys.close(fd);
  });
  expectDescriptorsBack(3);

  const fill = (fd: number): void => {
    sys.setNonBlocking(fd, true);
    expect(() => {
      for (;;) sys.send(fd, Buffer.alloc(65_536), 0);
    }).to.throw(/EAGAIN/);
  };

  it('resolves for each event that it waits for, both at once too', async () => {
    const [one, other] = pair();
    const poller = sys.poll(one);
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

  function readAll(fd: number): number {
    try {
      return sys.recv(fd, Buffer.alloc(1 << 20), sys.platform.constants.MSG_DONTWAIT);
    } catch {
      return 0;
    }
  }

  it('can be done twice for one descriptor, which libuv alone would end the process for', () => {
    const program = `
      const { loadSys } = await import(${JSON.stringify(new URL('koffi.js', import.meta.url).href)});
      const sys = loadSys();
      const [one, other] = sys.socketpair();
      const waits = [sys.wait(one, 'readable'), sys.wait(one, 'readable'), sys.wait(one, 'writable')];
      setTimeout(() => sys.send(other, Buffer.from('x'), 0), 5);
      await Promise.all(waits);
      process.stdout.write('done');`;
    const said = execFileSync(process.execPath, ['--input-type=module', '--eval', program], { encoding: 'utf8' });
    expect(said).to.equal('done');
  });

  it('notices that the other side has closed', async () => {
    const [one, other] = pair();
    const closed = sys.wait(one, 'closed');
    sys.shutdown(other, 1);
    await closed;
  });

  it('ends with a reason when the poller is closed or the signal aborts', async () => {
    const [one] = pair();
    const reason = new Error('enough');
    const poller = sys.poll(one);
    const waits = [caught(poller.until('readable')), caught(poller.until('closed'))];
    poller.close(reason);
    poller.close(new Error('a second time'));
    expect(await Promise.all(waits)).to.deep.equal([reason, reason]);
    expect(await caught(poller.until('readable'))).to.equal(reason);
    const controller = new AbortController();
    const waiting = caught(sys.wait(one, 'readable', controller.signal));
    controller.abort(reason);
    expect(await waiting).to.equal(reason);
    expect(await caught(sys.wait(one, 'readable', controller.signal))).to.equal(reason);
  });

  it('does not spin on an event that nobody waits for', async () => {
    const [one, other] = pair();
    const poller = sys.poll(one);
    sys.send(other, Buffer.from('x'), 0);
    await poller.until('readable');
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { user, system } = process.cpuUsage(before);
    expect(user + system).to.be.below(60_000); // microseconds of the 100 ms
    await poller.until('readable'); // it is still there
    poller.close();
  });
});
