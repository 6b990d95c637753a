import { expect } from 'chai';
import { FdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { guardDialer } from './guard.js';

describe('the guard of a strategy', () => {
  it('gives it a context that marks what it reports as its own', async () => {
    const events: TraceEvent[] = [];
    const dialer = guardDialer(
      {
        dial(_target, { trace }) {
          trace({ event: 'note', text: 'inside' });
          throw new FdpassError('unreachable', 'no');
        },
      },
      { label: 'proxy', origin: 'the strategy', clock: new HandClock() },
    );
    const { signal } = new AbortController();
    const failed = dialer.dial({ host: 'host.example', port: 22 }, { signal, trace: (event) => events.push(event) });
    expect(await failed.catch((error: unknown) => error)).to.include({ code: 'unreachable', hop: 'proxy' });
    const marked = events.map(({ event, within }) => `${event} in ${within?.id}`);
    expect(marked).to.deep.equal(['dial in 1', 'note in 1', 'dial-failed in 1']);
  });
});
