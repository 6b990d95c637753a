import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { type HostAddress, type Resolver, shareLookups } from './resolver.js';

const NEVER = new AbortController().signal;
const ADDRESS: HostAddress = { family: 4, host: '192.0.2.1' };

/** A resolver that answers when it is told to. */
function byHand(): { resolve: Resolver; asked: string[]; answer(error?: Error): void } {
  const asked: string[] = [];
  const waiting: ((error?: Error) => void)[] = [];
  return {
    asked,
    answer: (error) => {
      for (const settle of waiting.splice(0)) settle(error);
    },
    resolve(host, family) {
      asked.push(`${host} ${family}`);
      return new Promise((done, fail) => waiting.push((error) => (error ? fail(error) : done([ADDRESS]))));
    },
  };
}

describe('shared look-ups', () => {
  it('ask once for what is wanted at the same time, and again later', async () => {
    const { resolve, asked, answer } = byHand();
    const shared = shareLookups(resolve);
    const same = [1, 2, 3].map(() => shared('a.example', 4, NEVER));
    const others = [shared('a.example', 6, NEVER), shared('b.example', 4, NEVER)];
    expect(asked).to.deep.equal(['a.example 4', 'a.example 6', 'b.example 4']);
    answer();
    expect(await Promise.all([...same, ...others])).to.deep.equal(Array.from({ length: 5 }, () => [ADDRESS]));
    const again = shared('a.example', 4, NEVER);
    expect(asked).to.have.length(4);
    answer();
    await again;
  });

  it('fail for all, and are asked again after', async () => {
    const { resolve, asked, answer } = byHand();
    const shared = shareLookups(resolve);
    const both = [1, 2].map(() => shared('a.example', 4, NEVER).catch((error: Error) => error.message));
    answer(new Error('no answer'));
    expect(await Promise.all(both)).to.deep.equal(['no answer', 'no answer']);
    void shared('a.example', 4, NEVER);
    expect(asked).to.have.length(2);
    answer();
  });

  it('let each caller go by its own signal', async () => {
    const { resolve, answer } = byHand();
    const shared = shareLookups(resolve);
    const controller = new AbortController();
    const gone = shared('a.example', 4, controller.signal).catch((error: unknown) => error);
    const stays = shared('a.example', 4, NEVER);
    const reason = new Error('changed my mind');
    controller.abort(reason);
    expect(await gone).to.equal(reason);
    answer();
    expect(await stays).to.deep.equal([ADDRESS]);
    expect(getEventListeners(controller.signal, 'abort')).to.have.length(0);
  });
});
