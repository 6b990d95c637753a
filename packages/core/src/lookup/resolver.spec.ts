import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { systemClock } from '../ground/clock.js';
import { formatError, isFdpassError } from '../ground/errors.js';
import { rejection as failure } from '../ground/rejection.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import {
  allowedFamily,
  createResolver,
  isNoAddress,
  type Lookup,
  literalAddress,
  lookUp,
  type Resolver,
  systemResolver,
} from './resolver.js';

const NEVER = new AbortController().signal;

function failing(code: string): Lookup {
  return (_host, _options, done) => done(Object.assign(new Error(code), { code }), []);
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isFdpassError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('not refused');
}

describe('resolver', () => {
  it('finds names of /etc/hosts through the system', async () => {
    const addresses = await systemResolver('localhost', 0, NEVER);
    expect(addresses.map(({ host }) => host)).to.satisfy(
      (hosts: string[]) => hosts.includes('127.0.0.1') || hosts.includes('::1'),
    );
  });

  it('tells of names that do not exist', async () => {
    const error = await failure(systemResolver('no..such', 0, NEVER)); // an empty label never leaves this machine
    expect(error.code).to.equal('unknown-host');
  });

  it('asks for all addresses in the system order, and drops those that come twice', async () => {
    let asked: unknown;
    const resolve = createResolver((host, options, done) => {
      asked = [host, options];
      done(
        null,
        ['192.0.2.2', '192.0.2.1', '192.0.2.2'].map((address) => ({ address, family: 4 })),
      );
    });
    const addresses = await resolve('host.example', 4, NEVER);
    expect(asked).to.deep.equal(['host.example', { family: 4, all: true, verbatim: true }]);
    expect(addresses).to.deep.equal([
      { family: 4, host: '192.0.2.2' },
      { family: 4, host: '192.0.2.1' },
    ]);
  });

  const failures: readonly (readonly [errno: string, family: 0 | 4 | 6, line: string, noAddress: boolean])[] = [
    ['ENOTFOUND', 0, 'cannot look up host.example: no such host; is the name spelt right?', true],
    ['ENOTFOUND', 6, 'cannot look up host.example: no IPv6 address; is the name spelt right?', true],
    ['EAI_ADDRFAMILY', 4, 'cannot look up host.example: no IPv4 address; is the name spelt right?', true],
    [
      'EAI_AGAIN',
      0,
      'cannot look up host.example: temporary failure in name resolution; is the name server reachable?',
      false,
    ],
    [
      'EAI_FAIL',
      0,
      'cannot look up host.example: the resolver failed (EAI_FAIL); are the name servers in order?',
      false,
    ],
  ];
  for (const [errno, family, line, noAddress] of failures) {
    it(`puts ${errno} for family ${family} in words`, async () => {
      const error = await failure(createResolver(failing(errno))('host.example', family, NEVER));
      expect([formatError(error), error.code, isNoAddress(error)]).to.deep.equal([line, 'unknown-host', noAddress]);
    });
  }

  it('takes an empty answer for none, and a lack of descriptors for what it is', async () => {
    const empty = await failure(createResolver((_host, _options, done) => done(null, []))('host.example', 0, NEVER));
    expect([empty.code, isNoAddress(empty)]).to.deep.equal(['unknown-host', true]);
    expect((await failure(createResolver(failing('EMFILE'))('host.example', 0, NEVER))).code).to.equal('internal');
  });

  it('ends at once when aborted, with the reason, and ignores the late answer', async () => {
    const controller = new AbortController();
    let answer: () => void = () => {};
    const resolve = createResolver((_host, _options, done) => {
      answer = () => done(null, [{ address: '192.0.2.1', family: 4 }]);
    });
    const looking = resolve('host.example', 4, controller.signal).catch((error: unknown) => error);
    const reason = new Error('enough');
    controller.abort(reason);
    expect(await looking).to.equal(reason);
    answer();
  });

  it('asks nothing when aborted before, and lets go of its signal when done', async () => {
    const asked: string[] = [];
    const resolve = createResolver((host, _options, done) => {
      asked.push(host);
      done(null, [{ address: '192.0.2.1', family: 4 }]);
    });
    const reason = new Error('enough');
    expect(await resolve('a.example', 4, AbortSignal.abort(reason)).catch((error: unknown) => error)).to.equal(reason);
    const { signal } = new AbortController();
    await resolve('b.example', 4, signal);
    expect([asked, getEventListeners(signal, 'abort')]).to.deep.equal([['b.example'], []]);
  });
});

describe('look-up', () => {
  async function traced(
    resolve: Resolver,
  ): Promise<{ readonly outcome: unknown; readonly events: readonly TraceEvent[] }> {
    const events: TraceEvent[] = [];
    const context = {
      signal: NEVER,
      clock: { now: () => 7, after: systemClock.after },
      trace: (event: TraceEvent) => void events.push(event),
    };
    const outcome = await lookUp('host.example', 4, context, resolve).catch((error: unknown) => formatError(error));
    return { outcome, events };
  }

  it('traces the addresses', async () => {
    const addresses = [{ family: 4, host: '192.0.2.1' }] as const;
    const { outcome, events } = await traced(() => Promise.resolve(addresses));
    expect(outcome).to.equal(addresses);
    expect(events).to.deep.equal([
      { event: 'resolve', host: 'host.example', family: 4, ms: 0, addresses: ['192.0.2.1'] },
    ]);
  });

  it('traces why there is none, and takes an empty answer for that', async () => {
    const { outcome, events } = await traced(() => Promise.resolve([]));
    expect(outcome).to.equal('cannot look up host.example: no IPv4 address; is the name spelt right?');
    const reason = 'cannot look up host.example: no IPv4 address';
    expect(events).to.deep.equal([{ event: 'resolve', host: 'host.example', family: 4, ms: 0, addresses: [], reason }]);
  });
});

describe('literal addresses', () => {
  it('are told from names', () => {
    expect(literalAddress('192.0.2.1')).to.deep.equal({ family: 4, host: '192.0.2.1' });
    expect(literalAddress('fe80::1%eth0', 6)).to.deep.equal({ family: 6, host: 'fe80::1%eth0' });
    expect(literalAddress('host.example', 4)).to.equal(undefined);
  });

  it('are refused if their family is not allowed', () => {
    expect(refusal(() => literalAddress('::1', 4))).to.equal(
      'unknown-host ::1 is an IPv6 address, and this hop uses IPv4 only',
    );
  });
});

describe('allowed family', () => {
  it('is the one of the options or of the source address', () => {
    expect(allowedFamily(undefined, undefined)).to.equal(0);
    expect(allowedFamily('any', '192.0.2.1')).to.equal(4);
    expect(allowedFamily(6, undefined)).to.equal(6);
    expect(allowedFamily(6, '2001:db8::1')).to.equal(6);
  });

  it('is refused if the two contradict each other', () => {
    expect(refusal(() => allowedFamily(6, '192.0.2.1'))).to.equal(
      'config bindAddress 192.0.2.1 is an IPv4 address, but family is 6',
    );
  });
});
