import { expect } from 'chai';
import { HandClock } from '../ground/hand-clock.spec.helper.js';
import type { TraceEvent } from '../ground/trace.js';
import { KeptWinners, lastFirst, noWinners, type Winners } from './winners.js';

const KEEP_MS = 1000;

describe('winners of earlier races', () => {
  let clock: HandClock;
  let network: string;
  let winners: Winners;
  beforeEach(() => {
    [clock, network] = [new HandClock(), 'home'];
    winners = new KeptWinners(clock, () => network, KEEP_MS);
  });

  it('are known by their key, until the time is over', () => {
    winners.of('key').won('b');
    clock.advance(KEEP_MS - 1);
    expect([winners.of('key').last, winners.of('other key').last]).to.deep.equal(['b', undefined]);
    clock.advance(1);
    expect(winners.of('key').last).to.equal(undefined);
  });

  it('are not kept longer because they have won again, so that a better one gets another chance', () => {
    winners.of('key').won('b');
    clock.advance(KEEP_MS - 1);
    winners.of('key').won('b');
    clock.advance(1);
    expect(winners.of('key').last).to.equal(undefined);
  });

  it('are replaced by another winner', () => {
    winners.of('key').won('b');
    clock.advance(KEEP_MS - 1);
    winners.of('key').won('c');
    clock.advance(1);
    expect(winners.of('key').last).to.equal('c');
  });

  it('are known in the network they have won in', () => {
    winners.of('key').won('b');
    network = 'office';
    expect(winners.of('key').last).to.equal(undefined);
    winners.of('key').won('c');
    expect(winners.of('key').last).to.equal('c');
    network = 'home';
    expect(winners.of('key').last).to.equal(undefined);
  });

  it('are kept as long as the caller says', () => {
    winners.of('key', 5000).won('b');
    clock.advance(4999);
    expect([winners.of('key', 5000).last, winners.of('key').last]).to.deep.equal(['b', undefined]);
    winners.of('never', 0).won('b');
    expect([winners.of('never', 0).last, winners.of('never', 5000).last]).to.deep.equal([undefined, undefined]);
  });

  it('are forgotten, the oldest first, when there are very many', () => {
    for (let index = 0; index <= 10_000; index++) winners.of(`key ${index}`).won('b');
    const known = [0, 1, 10_000].map((index) => winners.of(`key ${index}`).last);
    expect(known).to.deep.equal([undefined, 'b', 'b']);
  });

  it('are not remembered by a program that makes one dial', () => {
    noWinners.of('key', 5000).won('b');
    expect(noWinners.of('key', 5000).last).to.equal(undefined);
  });

  const ORDERS: readonly (readonly [last: string | undefined, order: string, note?: string])[] = [
    [undefined, 'abc'],
    ['a', 'abc'],
    ['c', 'cab', 'c goes first: it worked last time'],
    ['gone', 'abc'],
  ];
  for (const [last, order, note] of ORDERS) {
    it(`are tried first: ${last} of abc gives ${order}`, () => {
      const events: TraceEvent[] = [];
      const trace = (event: TraceEvent): void => void events.push(event);
      const candidates = [{ label: 'a' }, { label: 'b' }, { label: 'c' }];
      const context = { signal: new AbortController().signal, trace };
      const ordered = lastFirst(candidates, { last, won() {} }, context);
      expect(ordered.map(({ label }) => label).join('')).to.equal(order);
      expect(events).to.deep.equal(note === undefined ? [] : [{ event: 'note', text: note }]);
    });
  }
});
