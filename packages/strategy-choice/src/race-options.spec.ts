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

  const WRONG: readonly (readonly [options: unknown, message: RegExp])[] = [
    [{}, /routes/],
    [{ routes: [] }, /at least one route/],
    [{ routes: [{ use: 'a', delay: 'soon' }] }, /"soon" is not a duration/],
    [{ routes: [{ use: 'a', delya: '1s' }] }, /delya/],
    [{ routes: ['a'], grace: -1 }, /is not a duration/],
    [{ routes: ['a'], timeout: '1s' }, /timeout/],
  ];
  for (const [options, message] of WRONG) {
    it(`refuses ${JSON.stringify(options)}`, () => void expect(() => optionsOf(race, options)).to.throw(message));
  }
});
