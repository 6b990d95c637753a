import type { TraceEvent } from '@fdpass/core';
import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { WaitingLine } from './waiting-line.js';

const ROUTE: TraceEvent = { event: 'route', target: 'host:22', reason: 'rule 1', chain: 'corp' };

describe('the line for whoever waits for a dial', () => {
  let clock: VirtualClock;
  let line: WaitingLine;
  let said: string[];
  beforeEach(() => {
    clock = new VirtualClock();
    said = [];
    line = new WaitingLine({ show: (text) => said.push(text), clear: () => said.push('-') }, clock);
  });

  it('comes after a second and is removed when the connection is there', async () => {
    line.hear(ROUTE);
    await clock.advance(999);
    expect(said).to.deep.equal([]);
    await clock.advance(1);
    line.hear({ event: 'note', text: 'nobody is told of notes' });
    expect(said).to.deep.equal(['fdpass: connecting to host:22 through corp ...']);
    line.hear({ event: 'handed-over', as: 'relay' });
    expect(said.slice(1)).to.deep.equal(['-']);
  });

  it('says at once why a dial is made again, the first time', async () => {
    const retry = (reason: string): TraceEvent => ({ event: 'retry', reason, inMs: 1000, tries: 1, times: 4 });
    line.hear(ROUTE);
    line.hear(retry('connection refused'));
    line.hear(retry('no route to host'));
    await clock.advance(5000);
    expect(said).to.deep.equal(['fdpass: connecting to host:22 through corp: connection refused; trying again ...']);
    line.hear({ event: 'output', text: 'words of a child' });
    line.hear(retry('connection refused'));
    expect(said.slice(1)).to.deep.equal(['-']);
  });

  it('names a program that is run for the dial, and then the route again', async () => {
    line.hear(ROUTE);
    line.hear({ event: 'run', program: '"vpn"' });
    await clock.advance(5000);
    line.hear({ event: 'run-ended', program: '"vpn"', ms: 5000 });
    await clock.advance(5000);
    line.hear({ event: 'handed-over', as: 'descriptor' });
    const shown = said.filter((text) => text !== '-');
    expect(shown).to.deep.equal(['fdpass: running "vpn" ...', 'fdpass: connecting to host:22 through corp ...']);
    expect(said.at(-1)).to.equal('-');
  });

  it('names a condition that is asked, and then the route', async () => {
    line.hear({ event: 'condition', condition: 'whether gate.example:443 can be reached' });
    await clock.advance(1000);
    line.hear({ event: 'condition-answer', condition: 'x', ms: 1000, holds: true, found: 'can be reached' });
    line.hear(ROUTE);
    await clock.advance(1000);
    line.hear({ event: 'handed-over', as: 'descriptor' });
    expect(said).to.deep.equal([
      'fdpass: asking whether gate.example:443 can be reached ...',
      '-',
      'fdpass: connecting to host:22 through corp ...',
      '-',
    ]);
  });

  const LAST: readonly TraceEvent[] = [
    { event: 'output', text: 'words of a child' },
    { event: 'asking', for: 'the password' },
    { event: 'failed', error: 'no' },
    { event: 'handed-over', as: 'descriptor' },
  ];
  for (const event of LAST) {
    it(`does not come any more after "${event.event}"`, async () => {
      line.hear(ROUTE);
      line.hear(event);
      await clock.advance(5000);
      expect([said, clock.pending]).to.deep.equal([['-'], 0]);
    });
  }
});
