import { getEventListeners } from 'node:events';
import { type Duplex, PassThrough } from 'node:stream';
import { expect } from 'chai';
import * as v from 'valibot';
import type { Connection } from '../connection/connection.js';
import { StreamConnection } from '../connection/stream.js';
import { type Chain, type DialContext, type Dialer, ownConnection } from '../dial/dialer.js';
import { FdpassError, isFdpassError } from '../ground/errors.js';
import { refusal, rejection } from '../ground/rejection.spec.helper.js';
import type { Target } from '../ground/target.js';
import { noTrace, type Trace } from '../ground/trace.js';
import { routeList } from '../options/values.js';
import { StrategyRegistry } from '../strategy/registry.js';
import type { Strategy } from '../strategy/strategy.js';
import { buildChain, type ChainScope, type HopSummary } from './chain.js';
import type { NamedHop } from './hop.js';
import { DEFAULT_SERVICES } from './strategy-host.js';

const TARGET: Target = { host: 'host.example', port: 22 };

/** Records the path a dial takes: a proxy asks its forward for its own address, the first hop opens a stream. */
class Path {
  readonly steps: string[] = [];

  opener(name: string): Strategy {
    const dial: Dialer['dial'] = async (target) => {
      this.steps.push(`${name} opens ${target.host}`);
      return new PassThrough();
    };
    return { name, firstOnly: true, create: () => ({ dial }) };
  }

  proxy(name: string): Strategy {
    const strategy: Strategy<{ url?: string }> = {
      name,
      schemes: [name],
      create: ({ url }, { forward }) => ({
        dial: async (target, context) => {
          const host = url === undefined ? name : new URL(url).hostname;
          const connection = await forward.dial({ host, port: 1 }, context);
          this.steps.push(`${name} asks ${host} for ${target.host}`);
          return connection;
        },
      }),
    };
    return strategy as Strategy;
  }
}

function scopeOf(strategies: readonly Strategy[], hops: Readonly<Record<string, unknown>> = {}): ChainScope {
  const registry = new StrategyRegistry();
  for (const strategy of strategies) registry.register(strategy);
  const named = new Map<string, NamedHop>(Object.entries(hops).map(([name, spec]) => [name, { spec, baseDir: '/' }]));
  return {
    registry,
    hops: named,
    socketDefaults: {},
    tlsDefaults: {},
    defaultStrategy: 'net',
    services: DEFAULT_SERVICES,
  };
}

function context(signal = new AbortController().signal): DialContext {
  return { signal, trace: noTrace };
}

describe('chains', () => {
  it('dial each hop through the one before it, in travel order, the first proxy by the default strategy', async () => {
    const path = new Path();
    const scope = scopeOf([path.opener('net'), path.proxy('one'), path.proxy('two')], { far: 'two://far' });
    const chain = await buildChain(['one://near', 'far'], { baseDir: '/' }, scope);
    await chain.dial(TARGET, context());
    expect(path.steps).to.deep.equal(['net opens near', 'one asks near for far', 'two asks far for host.example']);
    expect(chain.hops.map((hop) => hop.label)).to.deep.equal(['one://near', 'far (two://far)']);
  });

  it('begin with the strategy that opens sockets, if one is named', async () => {
    const path = new Path();
    const scope = scopeOf([path.opener('net'), path.opener('other'), path.proxy('one')]);
    await (await buildChain(['other', 'one'], { baseDir: '/' }, scope)).dial(TARGET, context());
    expect(path.steps).to.deep.equal(['other opens one', 'one asks one for host.example']);
  });

  it('compile nested routes from the place where they stand', async () => {
    const path = new Path();
    const first: Strategy<{ routes: readonly unknown[] }> = {
      name: 'first-of',
      shorthand: 'routes',
      create: ({ routes }, host) => host.route(routes[0]),
    };
    const scope = scopeOf([path.opener('net'), path.proxy('one'), path.proxy('two'), first as Strategy]);
    await (await buildChain(['one', { firstOf: ['two', 'net'] }], { baseDir: '/' }, scope)).dial(TARGET, context());
    expect(path.steps).to.deep.equal(['net opens one', 'one asks one for two', 'two asks two for host.example']);
    const wrong = await rejection(buildChain(['one', { firstOf: ['net'] }], { baseDir: '/' }, scope));
    expect(wrong.message).to.match(/can only be the first hop/);
  });

  it('refuse a hop that contains itself in nested routes, however deep', async () => {
    const first: Strategy<{ routes: readonly unknown[] }> = {
      name: 'first-of',
      shorthand: 'routes',
      create: ({ routes }, host) => host.route(routes[0]),
    };
    const scope = scopeOf([new Path().opener('net'), first as Strategy], {
      loop: { firstOf: [{ firstOf: ['pool'] }] },
      pool: ['loop'],
      twice: { firstOf: ['net'] },
    });
    const error = await rejection(buildChain('loop', { baseDir: '/' }, scope));
    expect([error.code, error.message]).to.deep.equal([
      'config',
      'the hop "loop" contains itself: loop -> pool -> loop',
    ]);
    await buildChain({ firstOf: [{ firstOf: ['twice'] }, 'twice'] }, { baseDir: '/' }, scope);
  });

  const bad: readonly (readonly [what: string, use: unknown, message: RegExp])[] = [
    ['an unknown word', 'onne', /"onne" is neither a hop of this config nor a strategy/],
    ['a URL that is not well formed, without its password', '"http://me:hush@p', /^this word is neither/],
    ['an unknown scheme', 'gopher://x', /^unknown URL scheme$/],
    ['an opener that is not first', ['one', 'net'], /net opens sockets itself/],
    ['an empty chain', [], /the chain has no hops/],
    ['a mapping without a strategy', { url: 'x', b: 1 }, /does not name a strategy/],
    ['a number', 7, /a number is not a hop/],
    ['nothing', undefined, /nothing is not a hop/],
    ['a hop that contains itself', 'loop', /contains itself: loop -> pool -> loop/],
  ];
  for (const [what, use, message] of bad) {
    it(`refuse ${what}`, async () => {
      const path = new Path();
      const scope = scopeOf([path.opener('net'), path.proxy('one')], { loop: 'pool', pool: ['one', 'loop'] });
      const error = await rejection(buildChain(use, { baseDir: '/' }, scope));
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
    await buildChain({ strategy: 'picky', deep: { a: 1 } }, { baseDir: '/' }, scope);
    expect(seen).to.be.frozen;
    expect((seen as { deep: object }).deep).to.be.frozen;
    const error = await rejection(buildChain('picky', { baseDir: '/' }, scope));
    expect([error.message, error.hop]).to.deep.equal(['option "deep.0": is missing', 'picky']);
  });

  it('give a strategy an option called __proto__ as that, not as the options in it', async () => {
    let seen: object = {};
    const open: Strategy = {
      name: 'open',
      create: (options) => {
        seen = options as object;
        return { dial: () => Promise.resolve(new PassThrough()) };
      },
    };
    const use: unknown = JSON.parse('{ "strategy": "open", "__proto__": { "a": 1 } }');
    await buildChain(use, { baseDir: '/' }, scopeOf([new Path().opener('net'), open]));
    expect([Object.keys(seen), 'a' in seen]).to.deep.equal([['__proto__'], false]);
  });
});

describe('guarded dialers', () => {
  function build(dial: Dialer['dial'], more: Partial<Strategy> = {}): Promise<Chain> {
    const strategy: Strategy = { name: 'net', firstOnly: true, create: () => ({ dial }), ...more };
    return buildChain('net', { baseDir: '/' }, scopeOf([strategy]));
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

  it('refuse what is not a connection and what is not a dialer', async () => {
    const error = await rejection((await build(() => Promise.resolve(42 as never))).dial(TARGET, context()));
    expect(error.message).to.match(/gave no connection/);
    const strategy = { name: 'net', firstOnly: true, create: () => undefined as never };
    expect((await rejection(buildChain('net', { baseDir: '/' }, scopeOf([strategy])))).message).to.match(
      /returned no dialer from create\(\)/,
    );
    for (const patienceMs of [Number.NaN, -1, '5s', null] as never[]) {
      const patient = {
        name: 'net',
        firstOnly: true,
        create: () => ({ dial: () => new Promise<never>(() => {}), patienceMs }),
      };
      expect((await rejection(buildChain('net', { baseDir: '/' }, scopeOf([patient])))).message).to.match(
        /returned a dialer whose patienceMs is not a number of milliseconds/,
      );
    }
  });

  it('destroy what was opened in a dial that rejects, and keep it if the dial succeeds', async () => {
    const opened: Duplex[] = [];
    const inner = (context: DialContext): Connection => {
      const stream = new PassThrough();
      opened.push(stream);
      return ownConnection(new StreamConnection(stream), { ...context });
    };
    const streams = (): boolean[] => opened.map(({ destroyed }) => destroyed);
    const failing = await build(async (_, context) => {
      for (let count = 0; count < 3; count++) inner(context);
      throw new Error('no');
    });
    await rejection(failing.dial(TARGET, context()));
    expect(streams()).to.deep.equal([true, true, true]);
    opened.length = 0;
    const good = await build(async (_, context) => inner(context));
    await good.dial(TARGET, context());
    expect(streams()).to.deep.equal([false]);
    opened.length = 0;
    const controller = new AbortController();
    const hanging = await build((_, context) => new Promise(() => inner(context)));
    const failed = hanging.dial(TARGET, context(controller.signal)).catch((error: unknown) => error);
    controller.abort(new Error('enough'));
    expect(streams()).to.deep.equal([true]); // at once, which ends whatever waits for it
    await failed;
  });

  it('destroy what is opened in a dial after that has failed', async () => {
    const late = new PassThrough();
    let arrive = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const net: Strategy = {
      name: 'net',
      firstOnly: true,
      create: () => ({ dial: () => arrived.then(() => late) }),
    };
    const hasty: Strategy = {
      name: 'hasty',
      create: (_, { forward }) => ({
        async dial(target, dialling) {
          void forward.dial(target, dialling); // nobody waits for it
          throw new Error('changed my mind');
        },
      }),
    };
    const chain = await buildChain(['net', 'hasty'], { baseDir: '/' }, scopeOf([net, hasty]));
    expect((await rejection(chain.dial(TARGET, context()))).message).to.match(/changed my mind/);
    arrive();
    await new Promise(setImmediate);
    expect(late.destroyed).to.equal(true);
  });

  it('destroy what is opened in a dial after that was aborted', async () => {
    let dialled: DialContext | undefined;
    const hanging = await build((_, dialling) => {
      dialled = dialling;
      return new Promise(() => {});
    });
    const controller = new AbortController();
    const failed = hanging.dial(TARGET, context(controller.signal)).catch((error: unknown) => error);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await failed).to.equal(reason);
    const late = new PassThrough();
    ownConnection(new StreamConnection(late), dialled ?? context());
    expect(late.destroyed).to.equal(true);
  });

  for (const moment of ['dial', 'dialled']) {
    it(`end with the reason if a listener aborts when it hears of "${moment}", and leave nothing open`, async () => {
      const controller = new AbortController();
      const reason = new Error('enough');
      const opened: PassThrough[] = [];
      const strategy: Strategy = {
        name: 'net',
        firstOnly: true,
        create: () => ({
          async dial() {
            opened.push(new PassThrough());
            return opened[0] as PassThrough;
          },
        }),
      };
      const chain = await buildChain('net', { baseDir: '/' }, scopeOf([strategy]));
      const trace: Trace = ({ event }) => event === moment && controller.abort(reason);
      const error = await chain.dial(TARGET, { signal: controller.signal, trace }).catch((caught: unknown) => caught);
      expect(error).to.equal(reason);
      expect(opened.filter(({ destroyed }) => !destroyed)).to.deep.equal([]);
      expect(opened).to.have.length(moment === 'dial' ? 0 : 1);
    });
  }

  it('reject even if a connection cannot be destroyed', async () => {
    const strategy: Strategy = {
      name: 'net',
      create: () => ({
        dial: async (_, dialling) => {
          const connection = new StreamConnection(new PassThrough());
          connection.destroy = () => {
            throw new Error('stuck');
          };
          ownConnection(connection, dialling);
          throw new Error('failed');
        },
      }),
    };
    const chain = await buildChain('net', { baseDir: '/' }, scopeOf([strategy]));
    expect(await refusal(chain.dial(TARGET, context()))).to.equal('Error: stuck');
  });

  it('name the innermost hop when a deadline passes, and leave no listener', async () => {
    const gateway = (name: string): Strategy => ({ name, create: (_, { forward }) => ({ dial: forward.dial }) });
    const silent: Strategy = { name: 'net', firstOnly: true, create: () => ({ dial: () => new Promise(() => {}) }) };
    const chain = await buildChain(
      ['net', 'one', 'two'],
      { baseDir: '/' },
      scopeOf([silent, gateway('one'), gateway('two')]),
    );
    const controller = new AbortController();
    const failed = rejection(chain.dial(TARGET, context(controller.signal)));
    controller.abort(new FdpassError('timeout', 'timed out'));
    expect((await failed).hop).to.equal('net');
    expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([]);
  });

  it('name the innermost hop when a deadline passes, whatever other dials of that hop have ended before', async () => {
    const hosts: Record<string, () => Promise<Duplex>> = {
      open: async () => new PassThrough(),
      closed: () => Promise.reject(new Error('closed')),
      rash: () => {
        throw new Error('at once');
      },
    };
    const net: Strategy = {
      name: 'net',
      firstOnly: true,
      create: () => ({ dial: ({ host }) => hosts[host]?.() ?? new Promise(() => {}) }),
    };
    const knocking: Strategy = {
      name: 'knocking',
      create: (_, { forward }) => ({
        async dial(target, dialling) {
          const knock = (host: string): Promise<unknown> => forward.dial({ ...target, host }, dialling);
          await Promise.allSettled([...Object.keys(hosts), 'unix/not-accepted'].map(knock));
          void forward.dial(target, dialling).catch(() => {});
          return new Promise(() => {}); // so it is core that has to find out which hop it was
        },
      }),
    };
    const chain = await buildChain(['net', 'knocking'], { baseDir: '/' }, scopeOf([net, knocking]));
    const controller = new AbortController();
    const failed = rejection(chain.dial(TARGET, context(controller.signal)));
    await new Promise(setImmediate); // the last one is silent
    controller.abort(new FdpassError('timeout', 'timed out'));
    expect((await failed).hop).to.equal('net');
  });

  it('end with their deadline where a hop dials with a signal of its own and ignores the one that it was given', async () => {
    const silent: Strategy = { name: 'net', firstOnly: true, create: () => ({ dial: () => new Promise(() => {}) }) };
    const deaf: Strategy = {
      name: 'deaf',
      create: (_, { forward }) => ({
        dial: (target, dialling) => forward.dial(target, { ...dialling, signal: new AbortController().signal }),
      }),
    };
    const chain = await buildChain(['net', 'deaf'], { baseDir: '/' }, scopeOf([silent, deaf]));
    const controller = new AbortController();
    const failed = rejection(chain.dial(TARGET, context(controller.signal)));
    controller.abort(new FdpassError('timeout', 'timed out'));
    expect((await failed).hop).to.equal('deaf');
  });

  it('leave no listener where a dial succeeds', async () => {
    const chain = await buildChain('net', { baseDir: '/' }, scopeOf([new Path().opener('net')]));
    const { signal } = new AbortController();
    (await chain.dial(TARGET, context(signal))).destroy();
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('leave no listener where a dial throws at once', async () => {
    const rash: Strategy = {
      name: 'net',
      create: () => ({
        dial: () => {
          throw new Error('at once');
        },
      }),
    };
    const chain = await buildChain('net', { baseDir: '/' }, scopeOf([rash]));
    const { signal } = new AbortController();
    expect((await rejection(chain.dial(TARGET, context(signal)))).message).to.match(/at once/);
    expect(getEventListeners(signal, 'abort')).to.deep.equal([]);
  });

  it('name the innermost hop inside routes that are tried in order when a deadline passes', async () => {
    const silent = (name: string): Strategy => ({
      name,
      firstOnly: true,
      create: (_, host) => ({
        dial: (_target, dialling) =>
          host.race(
            [{ label: name, open: () => new Promise(() => {}) }],
            { of: 'address', lost: () => new FdpassError('internal', 'not lost') },
            dialling,
          ),
      }),
    });
    const routes: Strategy<{ routes: readonly string[]; headStartMs?: number }> = {
      name: 'routes',
      shorthand: 'routes',
      async create({ routes, headStartMs = Number.POSITIVE_INFINITY }, host) {
        const chains = await Promise.all(routes.map((use) => host.route(use)));
        return {
          dial: (target, dialling) =>
            host.race(
              chains.map(({ label, dial }) => ({ label, headStartMs, open: (inner) => dial(target, inner) })),
              { of: 'route', lost: () => new FdpassError('internal', 'not lost') },
              dialling,
            ),
        };
      },
    };
    const scope = scopeOf([silent('net'), silent('one'), silent('two'), routes as Strategy]);
    const caught = async (use: unknown, reason: unknown, attempts = 1): Promise<unknown> => {
      const controller = new AbortController();
      const chain = await buildChain(use, { baseDir: '/' }, scope);
      let started = 0;
      const trace: Trace = ({ event }) => {
        if (event === 'attempt') started++;
      };
      const failed = chain.dial(TARGET, { signal: controller.signal, trace }).catch((error: unknown) => error);
      while (started < attempts) await new Promise((resolve) => setImmediate(resolve));
      controller.abort(reason);
      const error = await failed;
      expect(getEventListeners(controller.signal, 'abort')).to.deep.equal([]);
      return isFdpassError(error) ? `${error.hop}: ${error.message}` : error;
    };
    const deadline = new FdpassError('timeout', 'timed out');
    expect(await caught({ routes: ['one', 'two'] }, deadline)).to.equal('one: timed out');
    expect(await caught({ routes: [{ routes: ['two'] }] }, deadline)).to.equal('two: timed out');
    // Of several at once, none is the one that was caught.
    const atOnce = { strategy: 'routes', routes: ['one', 'two'], headStartMs: 0 };
    expect(await caught(atOnce, deadline, 2)).to.equal('routes: timed out');
    const own = new Error('enough');
    expect(await caught({ routes: ['one', 'two'] }, own)).to.equal(own);
  });

  const LABELS: readonly (readonly [use: unknown, label: string])[] = [
    ['net', 'net'],
    ['one://me:secret@p:1080', 'one://***@p:1080'],
    [['far', 'one://p'], 'far (two://far) -> one://p'],
    [{ strategy: 'net', bindInterface: 'eth1' }, 'net'],
    [{ strategy: 'net', host: '192.0.2.1' }, 'net 192.0.2.1'],
    [{ strategy: 'one', url: 'one://me:secret@p' }, 'one://***@p'],
    [{ one: { url: 'one://me:secret@p' } }, 'one://***@p'],
  ];
  for (const [use, label] of LABELS) {
    it(`show ${JSON.stringify(use)} as ${label}`, async () => {
      const path = new Path();
      const scope = scopeOf([path.opener('net'), path.proxy('one'), path.proxy('two')], { far: 'two://far' });
      expect((await buildChain(use, { baseDir: '/' }, scope)).label).to.equal(label);
    });
  }

  it('give a strategy no name of a kind that it does not accept', async () => {
    const dial: Dialer['dial'] = () => Promise.resolve(new PassThrough());
    const unix = { host: 'unix/run/socket', port: 22 };
    const error = await rejection((await build(dial)).dial(unix, context()));
    expect([error.code, error.hop, error.message]).to.deep.equal([
      'config',
      'net',
      'cannot reach "unix/run/socket": it is a unix socket',
    ]);
    (await (await build(dial, { targets: ['host', 'unix'] })).dial(unix, context())).destroy();
  });

  it('ask a strategy nothing about a name of a kind that it does not accept', async () => {
    const asked: string[] = [];
    const strategy: Strategy = {
      name: 'net',
      create: () => ({ dial: () => Promise.reject(new Error()), needsRelay: ({ host }) => asked.push(host) > 0 }),
    };
    const chain = await buildChain('net', { baseDir: '/' }, scopeOf([strategy]));
    expect(['host.example', 'unix/x'].map((host) => chain.needsRelay({ host, port: 1 }))).to.deep.equal([true, false]);
    expect(asked).to.deep.equal(['host.example']);
  });

  it('say whether a relay is certain, for each target', async () => {
    const strategy: Strategy = {
      name: 'net',
      firstOnly: true,
      create: () => ({ dial: () => Promise.reject(new Error()), needsRelay: ({ host }) => host === 'tls.example' }),
    };
    const chain = await buildChain('net', { baseDir: '/' }, scopeOf([strategy]));
    expect(['tls.example', 'host.example'].map((host) => chain.needsRelay({ host, port: 1 }))).to.deep.equal([
      true,
      false,
    ]);
  });

  it('say what their hops decide, for explain: asked of strategies that accept the name, through those that pass it on', async () => {
    const decider: Strategy = {
      name: 'net',
      firstOnly: true,
      create: () => ({ dial: () => Promise.reject(new Error()), explain: ({ host }) => [`decided for ${host}`] }),
    };
    const passing: Strategy = {
      name: 'gate',
      create: (_, { forward }) => ({
        dial: () => Promise.reject(new Error()),
        explain: () => forward.explain?.({ host: 'gate.example', port: 1 }) ?? [],
      }),
    };
    const explain = async (use: unknown, host: string): Promise<unknown> =>
      (await buildChain(use, { baseDir: '/' }, scopeOf([decider, passing]))).explain?.({ host, port: 1 });
    expect(await explain('net', 'host.example')).to.deep.equal(['decided for host.example']);
    expect(await explain('net', 'unix/x')).to.deep.equal([]);
    expect(await explain(['net', 'gate'], 'host.example')).to.deep.equal(['decided for gate.example']);
  });

  describe('say to people', () => {
    const fails = () => Promise.reject(new Error());
    /** Asks for the hops before it only where it needs them. */
    const gate: Strategy = {
      name: 'gate',
      create: (_, host) => ({ dial: fails, needsRelay: (target) => host.forward.needsRelay(target) }),
    };
    const choice: Strategy<{ routes: readonly unknown[] }> = {
      name: 'choice',
      shorthand: 'routes',
      optionsSchema: v.object({ routes: routeList }),
      async create({ routes }, host) {
        for (const use of [...routes, 'net']) await host.route(use).catch(() => {});
        return { dial: fails };
      },
    };
    const summaryOf = async (
      use: unknown,
      hops?: Readonly<Record<string, unknown>>,
    ): Promise<readonly HopSummary[]> => {
      const strategies = [new Path().opener('net'), gate, choice as Strategy];
      const chain = await buildChain(use, { baseDir: '/' }, scopeOf(strategies, hops ?? {}));
      chain.needsRelay(TARGET);
      return chain.summarize();
    };
    const net = { strategy: 'net', label: 'net', options: {} };
    const reachedThrough = { strategy: 'net', label: 'net' };

    it('that the default strategy reaches the first one, if that asks for it', async () => {
      expect(await summaryOf('gate')).to.deep.equal([{ strategy: 'gate', label: 'gate', options: {}, reachedThrough }]);
      expect(await summaryOf(['net', 'gate'])).to.deep.equal([net, { strategy: 'gate', label: 'gate', options: {} }]);
      expect(await summaryOf({ choice: ['net'] })).to.not.have.nested.property('[0].reachedThrough');
    });

    it('which routes are in them, named hops resolved, and where those were written', async () => {
      const hops = { corp: ['net', 'gate'] };
      const [{ routes } = { routes: undefined }] = await summaryOf({ choice: ['corp', 'gate', 'no-such-hop'] }, hops);
      expect(routes).to.deep.equal([
        {
          at: ['routes', 0],
          hops: [
            { ...net, label: 'corp (net)' },
            { strategy: 'gate', label: 'corp (gate)', options: {} },
          ],
        },
        { at: ['routes', 1], hops: [{ strategy: 'gate', label: 'gate', options: {} }] },
        { hops: [net] },
      ]);
    });
  });

  it('turn what needsRelay() throws into an error that names the hop', async () => {
    const strategy: Strategy = {
      name: 'net',
      firstOnly: true,
      create: () => ({
        dial: () => Promise.reject(new Error()),
        needsRelay() {
          throw new TypeError('oops');
        },
      }),
    };
    const chain = await buildChain('net', { baseDir: '/' }, scopeOf([strategy]));
    const asking = async (): Promise<boolean> => chain.needsRelay(TARGET);
    const error = await rejection(asking());
    expect([error.code, error.hop, error.message]).to.deep.equal(['internal', 'net', 'the strategy failed: oops']);
  });

  it('leave no rejection unhandled when create() fails after it has asked for a wrong route', async () => {
    const unhandled: unknown[] = [];
    const listener = (reason: unknown): void => void unhandled.push(reason);
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', listener);
    const strategy: Strategy = {
      name: 'careless',
      create(_, host) {
        void host.route('no-such-hop');
        throw new Error('and gave up');
      },
    };
    const error = await rejection(
      buildChain('careless', { baseDir: '/' }, scopeOf([new Path().opener('net'), strategy])),
    );
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
    process.removeAllListeners('unhandledRejection');
    for (const other of others) process.on('unhandledRejection', other);
    expect([error.message, unhandled]).to.deep.equal(['the strategy failed to start: and gave up', []]);
  });

  it('load the schema of a strategy only if a hop has options', async () => {
    let loads = 0;
    const strategy: Strategy<{ a?: number }> = {
      name: 'lazy',
      firstOnly: true,
      optionsSchema: async () => {
        loads++;
        return {
          '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { a?: number } }) },
        };
      },
      create: () => ({ dial: () => Promise.resolve(new PassThrough()) }),
    };
    const scope = scopeOf([new Path().opener('net'), strategy as Strategy]);
    await buildChain('lazy', { baseDir: '/' }, scope);
    expect(loads).to.equal(0);
    await buildChain({ strategy: 'lazy', a: 1 }, { baseDir: '/' }, scope);
    expect(loads).to.equal(1);
  });
});
