import { expect } from 'chai';
import { systemClock } from '../ground/clock.js';
import { formatError, isFdpassError } from '../ground/errors.js';
import type { TraceEvent } from '../ground/trace.js';
import { allowedFamily, literalAddress, lookUp } from './look-up.js';
import type { Resolver } from './resolver.js';

const NEVER = new AbortController().signal;

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isFdpassError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  throw new Error('not refused');
}

describe('look-up', () => {
  async function traced(
    resolve: Resolver,
    signal: AbortSignal = NEVER,
  ): Promise<{ readonly outcome: unknown; readonly events: readonly TraceEvent[] }> {
    const events: TraceEvent[] = [];
    const context = { signal, trace: (event: TraceEvent) => void events.push(event) };
    const clock = { now: () => 7, after: systemClock.after };
    const outcome = await lookUp('host.example', 4, context, { clock, resolve }).catch((error: unknown) =>
      formatError(error),
    );
    return { outcome, events };
  }

  it('traces the addresses', async () => {
    const addresses = [{ family: 4, host: '192.0.2.1' }] as const;
    const { outcome, events } = await traced(() => Promise.resolve(addresses));
    expect(outcome).to.equal(addresses);
    expect(events).to.deep.equal([
      { event: 'look-up', host: 'host.example', family: 4 },
      { event: 'resolve', host: 'host.example', family: 4, ms: 0, addresses: ['192.0.2.1'] },
    ]);
  });

  it('traces why there is none, and takes an empty answer for that', async () => {
    const { outcome, events } = await traced(() => Promise.resolve([]));
    expect(outcome).to.equal('cannot look up host.example: no IPv4 address; check the spelling');
    const reason = 'no IPv4 address';
    expect(events).to.deep.equal([
      { event: 'look-up', host: 'host.example', family: 4 },
      { event: 'resolve', host: 'host.example', family: 4, ms: 0, addresses: [], reason },
    ]);
  });

  it('traces no answer after an abort', async () => {
    const { outcome, events } = await traced(() => Promise.reject(new Error('enough')), AbortSignal.abort());
    expect(outcome).to.contain('enough');
    expect(events).to.deep.equal([{ event: 'look-up', host: 'host.example', family: 4 }]);
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
