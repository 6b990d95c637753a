import { expect } from 'chai';
import { optionsOf } from './fake-routes.spec.js';
import { race } from './race.js';

describe('race: options', () => {
  it('takes a mapping with a strategy for a hop, even if that has a "use"', () => {
    const hop = { strategy: 'hosts', hosts: ['a'], use: 'vpn' };
    expect(optionsOf(race, { routes: [hop, ['x', 'y'], { use: hop }] }).routes).to.deep.equal([
      { use: hop },
      { use: ['x', 'y'] },
      { use: hop },
    ]);
  });

  it('takes delays with a unit, and 0 without one', () => {
    const given = { routes: [{ use: 'a', delay: '0' }], stagger: ' 1.5s', grace: 0 };
    expect(optionsOf(race, given)).to.deep.equal({ routes: [{ use: 'a', delay: 0 }], stagger: 1500, grace: 0 });
  });

  const WRONG: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{}, /routes/],
    [{ routes: [] }, /at least one route/],
    [{ routes: [{ use: 'a', delay: 'soon' }] }, /must be a duration/],
    [{ routes: [{ use: 'a', delya: '1s' }] }, /delya/],
    [{ routes: ['a'], stagger: 100 }, /needs a unit; write 100ms or 100s/],
    [{ routes: ['a'], stagger: '0.25' }, /needs a unit; write 0\.25ms or 0\.25s/],
    [{ routes: ['a'], grace: 2 }, /needs a unit; write 2ms or 2s/],
    [{ routes: [{ use: 'a', delay: 20 }] }, /needs a unit; write 20ms or 20s/],
    [{ routes: ['a'], grace: -1 }, /must be a duration/],
    [{ routes: ['a'], timeout: '1s' }, /timeout/],
  ];
  for (const [options, message] of WRONG) {
    it(`refuses ${JSON.stringify(options)}`, () => void expect(() => optionsOf(race, options)).to.throw(message));
  }
});
