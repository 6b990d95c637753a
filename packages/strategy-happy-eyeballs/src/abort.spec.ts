import { expect } from 'chai';
import { FakeNetwork, type World } from './fake-network.spec.js';

describe('happy eyeballs aborted', () => {
  const world: World = {
    aaaa: [60, ['6a', '6b']],
    a: [5, ['4a', '4b']],
    hosts: { '4a': [30, 'ECONNREFUSED'], '6b': [2000, 'ok'], '4b': [300, 'ETIMEDOUT'] },
  };

  it('before it begins: opens nothing', async () => {
    const network = new FakeNetwork(world);
    network.controller.abort(new Error('enough'));
    expect(await network.dial().catch((error: unknown) => error)).to.equal(network.controller.signal.reason);
    expect(network.log).to.deep.equal([]);
  });

  it('during the look-ups: sets no timer for answers that come late all the same', async () => {
    const network = new FakeNetwork(world);
    const { resolve } = network;
    const deaf: typeof resolve = (host, family) => resolve(host, family, new AbortController().signal);
    Object.assign(network, { resolve: deaf });
    const dialling = network.dial().catch((error: unknown) => error);
    network.controller.abort('enough');
    expect(await dialling).to.equal('enough');
    await network.clock.advance(5);
    expect(network.clock.pending).to.equal(1); // the AAAA answer to come, and no resolution delay
    await network.clock.runAll();
    expect(network.tries()).to.deep.equal([]);
    network.expectClean(undefined);
  });

  it('during the resolution delay: ends that', async () => {
    const network = new FakeNetwork(world);
    const dialling = network.dial().catch((error: unknown) => error);
    await network.clock.advance(10); // IPv4 has its answer and waits for IPv6's
    const before = network.clock.pending;
    network.controller.abort('enough');
    expect(await dialling).to.equal('enough');
    expect(network.clock.pending).to.equal(before - 1);
  });

  it('at every moment: ends at once with the reason and leaves nothing', async () => {
    for (let moment = 0; moment < 1200; moment += 5) {
      const network = new FakeNetwork(world);
      let outcome: unknown;
      network.dial({ attemptTimeout: 700 }).catch((error: unknown) => (outcome = error));
      await network.clock.advance(moment);
      const reason = new Error(`enough at ${moment}`);
      network.controller.abort(reason);
      await network.clock.advance(0);
      expect(outcome, `at ${moment} ms`).to.equal(reason);
      network.expectClean(undefined);
      const tries = network.tries();
      await network.clock.runAll(); // what is left is the look-ups, which cannot be interrupted
      expect(network.tries()).to.deep.equal(tries);
    }
  });

  it('by whoever listens, at any event: hands out no connection and leaves nothing', async () => {
    let isAborted = true;
    for (let at = 0; isAborted; at++) {
      const network = new FakeNetwork(world);
      const reason = new Error(`enough at event ${at}`);
      const { push } = network.events;
      network.events.push = (...events) => {
        const length = push.apply(network.events, events);
        if (length > at) network.controller.abort(reason);
        return length;
      };
      const dialling = network.dial({ attemptTimeout: 700 }).catch((error: unknown) => error);
      await network.clock.runAll();
      isAborted = network.controller.signal.aborted;
      const outcome = await dialling;
      if (isAborted) expect(outcome, `at event ${at}`).to.equal(reason);
      else expect(at).to.be.greaterThan(8);
      network.expectClean([...network.connections.values()].find((connection) => connection === outcome));
      expect(network.clock.pending).to.equal(0);
    }
  });
});
