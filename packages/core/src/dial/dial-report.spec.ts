import { expect } from 'chai';
import { timedOut } from '../ground/clock.js';
import { FdpassError } from '../ground/errors.js';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { type DialReport, reportDial } from './dial-report.js';
import type { DialContext } from './dialer.js';

const TARGET = { host: 'host.example', port: 22 };

/** A dial of a route that the hops of a test report in. */
class World {
  readonly events: TraceEvent[] = [];
  readonly clock = new HandClock();
  readonly abort = new AbortController();
  readonly context: DialContext = { signal: this.abort.signal, trace: (event) => void this.events.push(event) };

  start(hop: string, outer: DialContext = this.context): DialReport {
    return this.startOf(hop, outer) as DialReport;
  }

  startOf(hop: string | undefined, outer: DialContext): DialReport | undefined {
    return reportDial(outer, outer, { hop, target: TARGET, clock: this.clock });
  }

  /** The events without what every hop has in common. */
  get said(): unknown[] {
    return this.events.map(({ event, within, ...details }) => {
      const { hop, parent, ms, reason, text } = details as Record<string, unknown>;
      const words = [event, hop, parent && `in ${parent}`, ms !== undefined && `${ms} ms`, reason, text];
      return `${within?.id ?? '-'}@${within?.depth ?? '-'} ${words.filter(Boolean).join(' ')}`;
    });
  }
}

const note = (text: string): TraceEvent => ({ event: 'note', text });

describe('the report of a dial', () => {
  it('says when a hop starts and how long it took, and marks what happens in between', () => {
    const world = new World();
    const { context, dialled } = world.start('proxy');
    world.clock.advance(5);
    context.trace(note('inside'));
    world.clock.advance(2);
    dialled();
    expect(world.events[0]).to.deep.equal({
      event: 'dial',
      hop: 'proxy',
      target: 'host.example:22',
      within: { id: 1, depth: 0 },
    });
    expect(world.said).to.deep.equal(['1@0 dial proxy', '1@0 note inside', '1@0 dialled proxy 7 ms']);
  });

  it('nests and counts, and gives what a connection reports later to the hop that uses it', () => {
    const world = new World();
    const outer = world.start('second');
    const inner = world.start('first', outer.context);
    inner.context.trace(note('by the first'));
    inner.dialled();
    inner.context.trace(note('over the connection of the first'));
    const other = world.start('third', { ...outer.context });
    other.failed(new FdpassError('unreachable', 'no', { hop: 'third' }));
    outer.dialled();
    expect(world.said).to.deep.equal([
      '1@0 dial second',
      '2@1 dial first in 1',
      '2@1 note by the first',
      '2@1 dialled first 0 ms',
      '1@0 note over the connection of the first',
      '3@1 dial third in 1',
      '3@1 dial-failed third 0 ms no',
      '1@0 dialled second 0 ms',
    ]);
  });

  it('is silent about a hop without a name: what happens inside it belongs to the outer one', () => {
    const world = new World();
    const outer = world.start('proxy');
    const implied = world.startOf(undefined, outer.context);
    const { context } = implied ?? outer; // as the dial of the hop takes it
    context.trace(note('inside'));
    world.start('deeper', context).dialled();
    implied?.dialled();
    expect(world.said).to.deep.equal([
      '1@0 dial proxy',
      '1@0 note inside',
      '2@1 dial deeper in 1',
      '2@1 dialled deeper 0 ms',
    ]);
  });

  it('is not made for a hop without a name, nor where nobody listens', () => {
    const world = new World();
    const quiet = { ...world.context, trace: Object.assign(() => {}, { isQuiet: true }) };
    expect([world.startOf(undefined, world.context), world.startOf('proxy', quiet)]).to.deep.equal([
      undefined,
      undefined,
    ]);
    expect(world.said).to.deep.equal([]);
  });

  it('says at once that it was cancelled, and nothing afterwards', () => {
    const world = new World();
    const { context, failed } = world.start('proxy');
    world.clock.advance(3);
    world.abort.abort(new Error('enough'));
    expect(world.said).to.deep.equal(['1@0 dial proxy', '1@0 dial-cancelled proxy 3 ms']);
    failed(world.abort.signal.reason);
    context.trace(note('late'));
    expect(world.said.slice(2)).to.deep.equal(['-@- note late']);
  });

  it('leaves it to the error to say what a deadline has caught', () => {
    const world = new World();
    const { failed } = world.start('proxy');
    world.abort.abort(timedOut(5));
    expect(world.said).to.deep.equal(['1@0 dial proxy']);
    failed(new FdpassError('timeout', 'no reply came'));
    expect(world.said.slice(1)).to.deep.equal(['1@0 dial-failed proxy 0 ms no reply came']);
  });
});
