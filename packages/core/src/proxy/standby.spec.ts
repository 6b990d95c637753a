import { expectDescriptorsBack } from '@fdpass/test-lab';
import { expect } from 'chai';
import { DescriptorConnection } from '../connection/descriptor.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { loadSys } from '../sys/koffi.js';
import { KeptConnections, noStandby, type Prepared, type StandbyRequest } from './standby.js';

describe('connections that are made in advance', () => {
  const sys = loadSys();
  let clock: HandClock;
  let kept: KeptConnections;
  /** The proxy's ends, in the order in which they were made. */
  let proxy: number[];
  beforeEach(() => {
    clock = new HandClock();
    kept = new KeptConnections(clock);
    proxy = [];
  });
  afterEach(async () => {
    kept.clear();
    for (const fd of proxy.splice(0)) if (fd !== -1) sys.close(fd);
    await settle();
    expect(clock.pending).to.equal(0);
  });
  expectDescriptorsBack();

  const open = async (): Promise<Prepared<string>> => {
    const [ours, theirs] = sys.socketpair();
    sys.setNonBlocking(ours, true);
    const greeting = `number ${proxy.push(theirs)}`;
    return { connection: new DescriptorConnection(ours, sys), greeting };
  };

  function take(more: Partial<StandbyRequest<string>> = {}): string | undefined {
    const taken = kept.take({ key: 'a', count: 2, open, ...more });
    taken?.connection.destroy();
    return taken?.greeting;
  }

  /** Until connections have been made, and events of them have been delivered. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  const hangUp = (index: number): void => {
    sys.close(proxy[index] ?? -1);
    proxy[index] = -1;
  };

  it('are not there for the first dial, and then as many as are wanted, each once', async () => {
    expect(take()).to.equal(undefined);
    await settle();
    expect(proxy).to.have.length(2);
    expect([take(), take(), take()]).to.deep.equal(['number 1', 'number 2', undefined]);
    await settle();
    expect(proxy).to.have.length(4);
    expect(take()).to.equal('number 3');
  });

  it('are made once the dial that takes one has had its turn', async () => {
    take();
    await settle();
    expect([take(), proxy.length]).to.deep.equal(['number 1', 2]);
    await settle();
    expect(proxy).to.have.length(3);
  });

  it('are not there in a process that does not stay', () => {
    expect(noStandby.take({ key: 'a', count: 2, open })).to.equal(undefined);
    expect(proxy).to.deep.equal([]);
  });

  it('do not serve another key', async () => {
    take();
    await settle();
    expect(take({ key: 'b', count: 0 })).to.equal(undefined);
    expect(take()).to.equal('number 1');
  });

  it('are not used when the proxy has closed them or said something, noticed or not', async () => {
    take({ count: 4 });
    await settle();
    hangUp(0);
    await settle();
    hangUp(1); // nobody has noticed that yet
    sys.send(proxy[2] ?? -1, Buffer.from('too slow'), 0);
    expect(take()).to.equal('number 4');
  });

  it('are made again ten seconds after the proxy has closed them', async () => {
    take({ count: 1 });
    await settle();
    hangUp(0);
    await settle();
    clock.advance(9999);
    await settle();
    expect(proxy).to.have.length(1);
    clock.advance(1);
    await settle();
    expect(take()).to.equal('number 2');
  });

  it('are replaced after fifty seconds, before the proxy closes them', async () => {
    take({ count: 1 });
    await settle();
    clock.advance(50_000);
    await settle();
    expect(take()).to.equal('number 2');
    expect(sys.isAtEnd(proxy[0] ?? -1)).to.equal(true);
  });

  it('that cannot be made are tried again after ten seconds, and no more once nobody has asked for five minutes', async () => {
    let tries = 0;
    const fail = (): Promise<never> => {
      tries += 1;
      return Promise.reject(new Error('refused'));
    };
    take({ count: 1, open: fail });
    await settle();
    for (let seconds = 0; seconds < 600; seconds += 10) {
      clock.advance(10_000);
      await settle();
    }
    expect([tries, clock.pending]).to.deep.equal([30, 0]);
  });

  it('are given up with what is on its way when they are cleared', async () => {
    let wasAborted = false;
    const never = (signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          wasAborted = true;
          reject(signal.reason);
        });
      });
    take();
    take({ key: 'b', count: 1, open: never });
    await settle();
    kept.clear();
    expect([wasAborted, proxy.map((fd) => sys.isAtEnd(fd))]).to.deep.equal([true, [true, true]]);
    expect(take()).to.equal(undefined);
  });

  it('that arrive too late are closed', async () => {
    let arrive = (): void => {};
    const late = async (): Promise<Prepared<string>> => {
      await new Promise<void>((resolve) => {
        arrive = resolve;
      });
      return open();
    };
    take({ count: 1, open: late });
    await settle();
    kept.clear();
    arrive();
    await settle();
    expect(sys.isAtEnd(proxy[0] ?? -1)).to.equal(true);
  });
});
