import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import {
  AbortSource,
  type AbortState,
  abortStateOf,
  Cancellable,
  type Listening,
  listenForAbort,
  onAbort,
} from './abortable.js';

const reason = new Error('enough');

describe('an abort controller of our own', () => {
  it('says the same as its signal, before and after', () => {
    const abortable = new AbortSource();
    const { signal } = abortable;
    expect(signal).to.be.instanceOf(AbortSignal);
    expect(abortable.signal).to.equal(signal);
    expect([abortable.aborted, signal.aborted]).to.deep.equal([false, false]);
    abortable.throwIfAborted();
    abortable.abort(reason);
    abortable.abort(new Error('too late'));
    expect([abortable.aborted, signal.aborted]).to.deep.equal([true, true]);
    expect([abortable.reason, signal.reason]).to.deep.equal([reason, reason]);
    expect(() => abortable.throwIfAborted()).to.throw(reason);
  });

  it('has a signal that has aborted where it is asked for only then', () => {
    const abortable = new AbortSource();
    abortable.abort(reason);
    expect(abortable.signal.reason).to.equal(reason);
  });

  it('tells its listeners once, through the signal too, which then has no listener of its own', () => {
    const abortable = new AbortSource();
    const heard: string[] = [];
    onAbort(abortable, () => heard.push('itself'));
    onAbort(abortable.signal, () => heard.push('signal'));
    onAbort(abortable, () => heard.push('released'))();
    expect(getEventListeners(abortable.signal, 'abort')).to.deep.equal([]);
    abortable.abort(reason);
    abortable.abort(reason);
    onAbort(abortable, () => heard.push('late'));
    expect(heard).to.deep.equal(['itself', 'signal', 'late']);
  });

  it('tells its listeners in order, but none that has been stopped, not even by one before it', () => {
    const abortable = new AbortSource();
    const heard: string[] = [];
    const listen = (name: string): Listening => listenForAbort(abortable, () => heard.push(name));
    const [one, two] = [listen('one'), listen('two')];
    listenForAbort(abortable, () => [last, two].forEach((listening) => void listening.stop()));
    listen('three');
    const last = listen('last');
    one.stop();
    one.stop();
    abortable.abort(reason);
    last.stop();
    expect(heard).to.deep.equal(['two', 'three']);
  });

  it('goes on telling the others where a listener stops itself, or listens again', () => {
    const abortable = new AbortSource();
    const heard: unknown[] = [];
    const itself = listenForAbort(abortable, () => itself.stop());
    listenForAbort(abortable, () => listenForAbort(abortable, (again) => heard.push(again)));
    listenForAbort(abortable, () => heard.push('last'));
    abortable.abort(reason);
    expect(heard).to.deep.equal([reason, 'last']);
  });
});

describe('listening for an abort', () => {
  it('happens once, or at once, or not at all', () => {
    const reasons: unknown[] = [];
    const listen = (signal: AbortSignal | undefined): (() => void) => onAbort(signal, (reason) => reasons.push(reason));
    const controller = new AbortController();
    listen(controller.signal);
    listen(controller.signal)();
    listen(undefined)();
    controller.abort('one');
    expect(reasons).to.deep.equal(['one']);
    listen(controller.signal)();
    expect(reasons).to.deep.equal(['one', 'one']);
    expect(getEventListeners(controller.signal, 'abort').length).to.equal(0);
  });
});

describe('the source of another copy of this package', () => {
  it('is heard, and left', async () => {
    // A query makes the loader load it again.
    const other: typeof import('./abortable.js') = await import(`${new URL('abortable.js', import.meta.url)}?copy`);
    expect(other.AbortSource).to.not.equal(AbortSource);
    const source = other.makeAbortable();
    const heard: unknown[] = [];
    onAbort(source, (reason) => heard.push(reason));
    onAbort(source, (reason) => heard.push(reason))();
    source.abort('enough');
    expect(heard).to.deep.equal(['enough']);
    expect(getEventListeners(source.signal, 'abort').length).to.equal(0);
  });
});

describe('a context whose signal is made when it is wanted', () => {
  class Context extends Cancellable {
    readonly more: string;

    constructor(state: AbortState) {
      super(state);
      this.more = 'more';
    }
  }

  it('has one signal, which a copy has too', () => {
    const abortable = new AbortSource();
    const context = new Context(abortable);
    const copy = { ...context };
    expect(copy.signal).to.equal(abortable.signal).and.to.equal(context.signal);
    expect(Object.create(context).signal).to.equal(abortable.signal);
    expect(Object.keys(copy).sort()).to.deep.equal(['more', 'signal']);
  });

  it('says what its signal says, as does a copy with another signal', () => {
    const abortable = new AbortSource();
    const other = new AbortController();
    const context = new Context(abortable);
    expect(abortStateOf(context)).to.equal(abortable);
    expect(abortStateOf({ ...context, signal: other.signal })).to.equal(other.signal);
    expect(abortStateOf(new Context(other.signal))).to.equal(other.signal);
    expect(new Context(other.signal).signal).to.equal(other.signal);
  });

  it('says what a signal says that takes its place, however a plugin has put it there', () => {
    const { signal } = new AbortController();
    const context = (): Context => new Context(new AbortSource());
    const cases: Record<string, Context> = {
      'set in place': Object.assign(context(), { signal }),
      'in an object that inherits': Object.create(context(), { signal: { value: signal } }),
      'set in an object that inherits': Object.assign(Object.create(context()), { signal }),
      'in a proxy': new Proxy(context(), { get: (of, key) => (key === 'signal' ? signal : Reflect.get(of, key)) }),
      'in a copy with the same prototype': Object.assign(Object.create(Context.prototype), context(), { signal }),
    };
    for (const [what, changed] of Object.entries(cases)) {
      expect(changed.signal, what).to.equal(signal);
      expect(abortStateOf(changed), what).to.equal(signal);
    }
  });

  it('keeps its signal when an object that inherits from it gets another', () => {
    const abortable = new AbortSource();
    const context = new Context(abortable);
    Object.assign(Object.create(context), { signal: AbortSignal.abort() });
    expect(abortStateOf(context)).to.equal(abortable);
    expect(context.signal).to.equal(abortable.signal);
  });
});
