import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import type { Dialer } from '../dial/dialer.js';
import { TOKENS } from '../framework/framework.js';
import { loadFramework } from '../framework/load-framework.js';
import type { Clock } from '../ground/clock.js';
import { FdpassError, formatError, isFdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import { makeTarget } from '../ground/read-target.js';
import type { Strategy } from '../strategy/strategy.js';
import type { Router } from './router.js';

const TARGET = makeTarget({ host: 'host.example', port: 22 });

describe('Router', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-router-'));
  after(() => rmSync(folder, { recursive: true }));

  function strategy(name: string, dial: Dialer['dial']): Strategy {
    return { name, firstOnly: true, create: () => ({ dial }) };
  }

  async function router(
    text: string | undefined,
    dial: Dialer['dial'],
    clock: Clock = new HandClock(),
  ): Promise<Router> {
    const file = join(folder, 'config.yaml');
    if (text !== undefined) writeFileSync(file, text, { mode: 0o600 });
    const strategies = [strategy('net', dial), strategy('other', () => Promise.resolve(new PassThrough()))];
    const config = text === undefined ? (false as const) : { file };
    const loaded = await loadFramework({ strategies, defaultStrategy: 'net', config }, (container) =>
      container.register(TOKENS.clock, { useValue: clock }),
    );
    return loaded.router;
  }

  const never: Dialer['dial'] = () => new Promise(() => {});

  it('takes the first rule that matches, else the default strategy, and says why', async () => {
    const text =
      'defaults: { timeout: 7s }\nrules:\n  - { host: "*.net", use: other }\n  - { name: all, host: "*.example", use: net, timeout: 1s }\n';
    const route = await (await router(text, never)).route(TARGET);
    expect(route.reason).to.match(/^rule 2 "all" \(.*config\.yaml:4:5\)$/);
    expect([route.timeoutMs, route.chain.hops.map((hop) => hop.strategy)]).to.deep.equal([1000, ['net']]);
    const none = await (await router(text, never)).route(makeTarget({ host: 'h', port: 22 }));
    expect([none.reason, none.timeoutMs]).to.deep.equal(['no rule matches', 7000]);
    const bare = await (await router(undefined, never)).route(TARGET);
    expect([bare.reason, bare.timeoutMs]).to.deep.equal(['no configuration', 30_000]);
  });

  it('makes chains of its own with other services, by the same rules', async () => {
    const seen: unknown[] = [];
    const net: Strategy = {
      name: 'net',
      create: (_, { environment }) => {
        seen.push(environment['WORD']);
        return { dial: never };
      },
    };
    const content = { rules: [{ host: '*.example', timeout: 5, use: 'net' }] };
    const parts = { strategies: [net], defaultStrategy: 'net', config: { content, baseDir: '/' } };
    const { router: original } = await loadFramework(parts, (container) =>
      container.register(TOKENS.environment, { useValue: { WORD: 'old' } }),
    );
    const other = original.withServices({ environment: { WORD: 'new' } });
    for (const each of [original, other, original]) expect((await each.route(TARGET)).timeoutMs).to.equal(5000);
    expect(seen).to.deep.equal(['old', 'new']);
  });

  it('normalises a target before rules see it', async () => {
    const text = 'rules:\n  - { host: xn--bcher-kva.example, use: other }\n  - { use: net }\n';
    const rules = await router(text, never);
    const wanted = { host: 'Bücher.Example', port: 22 };
    for (const route of [await rules.route(wanted), await rules.routeVia(wanted, 'other', '/')]) {
      expect([route.target.host, route.chain.label]).to.deep.equal(['xn--bcher-kva.example', 'other']);
    }
    for (const route of [
      rules.route({ host: '－x', port: 22 }),
      rules.routeVia({ host: '－x', port: 22 }, 'net', '/'),
    ]) {
      expect(await route.catch(formatError)).to.match(/begins with a dash/);
    }
  });

  it('ends with its deadline, names the hop and what had been tried, and leaves no timer', async () => {
    const clock = new HandClock();
    const made = await router(
      'rules: [{ use: net }]',
      (_, { trace }) => {
        trace({ event: 'attempt', address: '[::1]:22' });
        trace({ event: 'attempt', address: '127.0.0.1:22' });
        trace({ event: 'attempt-failed', address: '127.0.0.1:22', ms: 0, reason: 'connection refused' });
        return new Promise(() => {});
      },
      clock,
    );
    const failed = made.dial(await made.route(TARGET), { timeoutMs: 2000 }).catch((error: unknown) => error);
    clock.advance(30_000);
    const error = await failed;
    expect(isFdpassError(error) && error.code).to.equal('timeout');
    expect(formatError(error)).to.match(
      /^host\.example:22: rule 1 \(.*config\.yaml:1:9\): net: timed out after 2 s \(\[::1\]:22 no answer, 127\.0\.0\.1:22 connection refused\); /,
    );
    expect(clock.pending).to.equal(0);
  });

  it('says what a strategy was waiting for when its deadline came, and does not name the one that nobody wrote', async () => {
    const clock = new HandClock();
    const dial: Dialer['dial'] = (_, { signal }) =>
      new Promise((_, reject) => {
        const says = (): void =>
          reject(new FdpassError('timeout', 'no reply came', { hint: 'check it', cause: signal.reason }));
        signal.addEventListener('abort', says);
      });
    const made = await router(undefined, dial, clock);
    const failed = made.dial(await made.route(TARGET), { timeoutMs: 2000 }).catch(formatError);
    clock.advance(2000);
    expect(await failed).to.equal('host.example:22: no configuration: no reply came; check it');
  });

  it('names a hop that the user wrote, even if it is the default strategy', async () => {
    const fails: Dialer['dial'] = () => Promise.reject(new FdpassError('unreachable', 'no way'));
    const made = await router('rules: [{ host: host.example, use: net }]', fails);
    const failure = async (host: string): Promise<string> =>
      made.dial(await made.route({ host, port: 22 })).then(() => 'connected', formatError);
    expect(await failure('host.example')).to.match(/^host\.example:22: rule 1 .*: net: no way$/);
    expect(await failure('other.example')).to.equal('other.example:22: no rule matches: no way');
    expect((await made.explain(await made.route({ host: 'o', port: 22 }))).route[0]?.label).to.equal('net');
  });

  it("rethrows the caller's own reason unchanged, even one that looks like ours", async () => {
    for (const reason of [new Error('mine'), new FdpassError('timeout', 'mine too')]) {
      const controller = new AbortController();
      const made = await router(undefined, never);
      const failed = made
        .dial(await made.route(TARGET), { signal: controller.signal })
        .catch((error: unknown) => error);
      controller.abort(reason);
      expect(await failed).to.equal(reason);
    }
  });

  it('has no deadline with a time-out of 0', async () => {
    const clock = new HandClock();
    const made = await router(undefined, () => Promise.resolve(new PassThrough()), clock);
    await made.dial(await made.route(TARGET), { timeoutMs: 0 });
    expect(clock.pending).to.equal(0);
  });

  it('builds a chain once, and again if that failed', async () => {
    const text = 'rules:\n  - { host: "*.example", use: whimsical }\n';
    const outcomes = [new Error('the key is not there yet'), undefined];
    let created = 0;
    const whimsical: Strategy = {
      name: 'whimsical',
      create() {
        const failure = outcomes[created++];
        if (failure !== undefined) throw failure;
        return { dial: never };
      },
    };
    const file = join(folder, 'whimsical.yaml');
    writeFileSync(file, text, { mode: 0o600 });
    const { router: rules } = await loadFramework({
      strategies: [whimsical],
      defaultStrategy: 'whimsical',
      config: { file },
    });
    for (const wanted of [TARGET, makeTarget({ host: 'h', port: 22 })]) {
      created = 0;
      const failure = await rules.route(wanted).catch((error: unknown) => error);
      expect(formatError(failure)).to.contain('the key is not there yet');
      const [one, other] = await Promise.all([rules.route(wanted), rules.route(wanted)]);
      expect(one.chain)
        .to.equal(other.chain)
        .and.to.equal((await rules.route(wanted)).chain);
      expect(created).to.equal(2);
    }
  });

  it('goes through hops named by hand, whatever the rules say', async () => {
    const made = await router('hops: { two: other }\nrules: [ { use: net } ]\n', never);
    const route = await made.routeVia(TARGET, ['two'], '/');
    expect([route.reason, route.chain.hops.map((hop) => hop.label)]).to.deep.equal(['--via', ['two (other)']]);
  });

  it('checks every rule and every hop, and collects the errors', async () => {
    const made = await router('hops: { bad: nope }\nrules: [ { use: also-nope }, { use: net } ]\n', never);
    const errors = await made.check();
    expect(errors.map((error) => error.summary)).to.deep.equal([
      'this word is neither a hop of this config nor a strategy',
      'this word is neither a hop of this config nor a strategy',
    ]);
  });
});
