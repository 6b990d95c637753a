import { type Duplex, PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { DialContext, Dialer } from '../dial/dialer.js';
import { systemClock } from '../ground/clock.js';
import { rejection } from '../ground/rejection.spec.helper.js';
import type { Target } from '../ground/target.js';
import { noTrace } from '../ground/trace.js';
import { StrategyRegistry } from '../strategy/registry.js';
import type { Strategy } from '../strategy/strategy.js';
import { buildChain, type ChainScope } from './chain.js';
import type { NamedHop } from './hop.js';

const TARGET: Target = { host: 'host.example', port: 22 };

/** Records the path a dial takes: a proxy asks its forward for its own address, the first hop opens a stream. */
class Path {
  readonly steps: string[] = [];

  opener(name: string): Strategy {
    const dial: Dialer['dial'] = async (target) => {
      this.steps.push(`${name} opens ${target.host}`);
      return new PassThrough();
    };
    return { name, opensSockets: true, create: () => ({ dial }) };
  }

  proxy(name: string): Strategy {
    const strategy: Strategy<{ url?: string }> = {
      name,
      schemes: [name],
      create: ({ url }, forward) => ({
        dial: async (target, context) => {
          const host = url === undefined ? name : new URL(url).hostname;
          const stream = await forward.dial({ host, port: 1 }, context);
          this.steps.push(`${name} asks ${host} for ${target.host}`);
          return stream;
        },
      }),
    };
    return strategy as Strategy;
  }
}

function scopeOf(strategies: readonly Strategy[], hops: Record<string, unknown> = {}): ChainScope {
  const registry = new StrategyRegistry();
  for (const strategy of strategies) registry.register(strategy);
  const named = new Map<string, NamedHop>(Object.entries(hops).map(([name, spec]) => [name, { spec, baseDir: '/' }]));
  return { registry, hops: named, socketDefaults: {}, defaultStrategy: 'net' };
}

function context(signal = new AbortController().signal): DialContext {
  return { signal, trace: noTrace, clock: systemClock };
}

describe('chains', () => {
  it('dial each hop through the one before it, in travel order, the first proxy by the default strategy', async () => {
    const path = new Path();
    const scope = scopeOf([path.opener('net'), path.proxy('one'), path.proxy('two')], { far: 'two://far' });
    const chain = await buildChain(['one://near', 'far'], '/', scope);
    await chain.dialer.dial(TARGET, context());
    expect(path.steps).to.deep.equal(['net opens near', 'one asks near for far', 'two asks far for host.example']);
    expect(chain.hops.map((hop) => hop.label)).to.deep.equal(['one://near', 'far (two://far)']);
  });

  it('begin with the strategy that opens sockets, if one is named', async () => {
    const path = new Path();
    const scope = scopeOf([path.opener('net'), path.opener('other'), path.proxy('one')]);
    await (await buildChain(['other', 'one'], '/', scope)).dialer.dial(TARGET, context());
    expect(path.steps).to.deep.equal(['other opens one', 'one asks one for host.example']);
  });

  it('compile nested routes from the place where they stand', async () => {
    const path = new Path();
    const first: Strategy<{ routes: readonly unknown[] }> = {
      name: 'first-of',
      create: ({ routes }, _, host) => host.route(routes[0]),
    };
    const scope = scopeOf([path.opener('net'), path.proxy('one'), path.proxy('two'), first as Strategy]);
    await (await buildChain(['one', { firstOf: ['two', 'net'] }], '/', scope)).dialer.dial(TARGET, context());
    expect(path.steps).to.deep.equal(['net opens one', 'one asks one for two', 'two asks two for host.example']);
    const wrong = await rejection(buildChain(['one', { firstOf: ['net'] }], '/', scope));
    expect(wrong.message).to.match(/can only be the first hop/);
  });

  it('refuse a hop that contains itself in nested routes, however deep', async () => {
    const first: Strategy<{ routes: readonly unknown[] }> = {
      name: 'first-of',
      create: ({ routes }, _, host) => host.route(routes[0]),
    };
    const scope = scopeOf([new Path().opener('net'), first as Strategy], {
      loop: { firstOf: [{ firstOf: ['pool'] }] },
      pool: ['loop'],
      twice: { firstOf: ['net'] },
    });
    const error = await rejection(buildChain('loop', '/', scope));
    expect([error.code, error.message]).to.deep.equal([
      'config',
      'the hop "loop" contains itself: loop -> pool -> loop',
    ]);
    await buildChain({ firstOf: [{ firstOf: ['twice'] }, 'twice'] }, '/', scope);
  });

  const bad: readonly (readonly [what: string, use: unknown, message: RegExp])[] = [
    ['an unknown word', 'onne', /"onne" is neither a hop of this config nor a strategy/],
    ['an unknown scheme', 'gopher://x', /unknown URL scheme "gopher"/],
    ['an opener that is not first', ['one', 'net'], /net opens sockets itself/],
    ['an empty chain', [], /a chain without a hop/],
    ['a mapping without a strategy', { url: 'x', b: 1 }, /names no strategy/],
    ['a number', 7, /7 is no hop/],
    ['nothing', undefined, /nothing is no hop/],
    ['a hop that contains itself', 'loop', /contains itself: loop -> pool -> loop/],
  ];
  for (const [what, use, message] of bad) {
    it(`refuse ${what}`, async () => {
      const path = new Path();
      const scope = scopeOf([path.opener('net'), path.proxy('one')], { loop: 'pool', pool: ['one', 'loop'] });
      const error = await rejection(buildChain(use, '/', scope));
      expect(error.message).to.match(message);
      expect(error.code).to.equal('config');
    });
  }

  it('give options to the schema, frozen, and say which option of which hop is wrong', async () => {
    let seen: unknown;
    const picky: Strategy<{ deep: { a: number } }> = {
      name: 'picky',
      optionsSchema: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: (value) =>
            'deep' in (value as object)
              ? { value: value as { deep: { a: number } } }
              : { issues: [{ message: 'is missing', path: ['deep', { key: 0 }] }] },
        },
      },
      create: (options) => {
        seen = options;
        return { dial: () => Promise.resolve(new PassThrough()) };
      },
    };
    const scope = scopeOf([new Path().opener('net'), picky as Strategy]);
    await buildChain({ strategy: 'picky', deep: { a: 1 } }, '/', scope);
    expect(seen).to.be.frozen;
    expect((seen as { deep: object }).deep).to.be.frozen;
    const error = await rejection(buildChain('picky', '/', scope));
    expect([error.message, error.hop]).to.deep.equal(['option "deep.0": is missing', 'picky']);
  });
});

describe('guarded dialers', () => {
  function build(dial: Dialer['dial']): Promise<Dialer> {
    const strategy: Strategy = { name: 'net', opensSockets: true, create: () => ({ dial }) };
    return buildChain('net', '/', scopeOf([strategy])).then((chain) => chain.dialer);
  }

  it('end with their signal even if the strategy does not, and destroy a stream that comes late', async () => {
    let finish: (stream: Duplex) => void = () => {};
    const dialer = await build(() => new Promise((resolve) => (finish = resolve)));
    const controller = new AbortController();
    const reason = new Error('enough');
    const failed = dialer.dial(TARGET, context(controller.signal)).catch((error: unknown) => error);
    controller.abort(reason);
    expect(await failed).to.equal(reason);
    const late = new PassThrough();
    finish(late);
    await new Promise(setImmediate);
    expect(late.destroyed).to.equal(true);
  });

  it('turn what a strategy throws into an error that names the hop', async () => {
    for (const dial of [
      () => Promise.reject(new TypeError('oops')),
      () => {
        throw new TypeError('oops');
      },
    ]) {
      const error = await rejection((await build(dial)).dial(TARGET, context()));
      expect([error.code, error.hop, error.message]).to.deep.equal(['internal', 'net', 'the strategy failed: oops']);
    }
  });

  it('refuse what is no stream and what is no dialer', async () => {
    const error = await rejection((await build(() => Promise.resolve(42 as never))).dial(TARGET, context()));
    expect(error.message).to.match(/gave no stream/);
    const strategy = { name: 'net', opensSockets: true, create: () => undefined as never };
    expect((await rejection(buildChain('net', '/', scopeOf([strategy])))).message).to.match(/made no dialer/);
  });
});
