import { expect } from 'chai';
import { isPending, promiseOf } from './promise-of.js';
import { caught } from './rejection.spec.helper.js';

describe('the promise of a call', () => {
  it('is the one that the call gives', () => {
    const given = Promise.resolve(1);
    expect(promiseOf(() => given)).to.equal(given);
  });

  it('resolves to what the call gives if that is no promise', async () => expect(await promiseOf(() => 1)).to.equal(1));

  it('rejects with what the call throws', async () => {
    const error = new Error('at once');
    const thrown = promiseOf(() => {
      throw error;
    });
    expect(await caught(thrown)).to.equal(error);
  });
});

describe('what may be there already', () => {
  it('is told from what is to come, also where a program has put another class in the place of Promise', () => {
    const { Promise: Original } = globalThis;
    const native = (async () => ({}))();
    try {
      globalThis.Promise = class {} as unknown as PromiseConstructor;
      expect([isPending(native), isPending({})]).to.deep.equal([true, false]);
    } finally {
      globalThis.Promise = Original;
    }
    class Other extends Promise<object> {}
    expect(isPending(Other.resolve({}))).to.equal(true);
  });
});
