import { expect } from 'chai';
import { routeLabel } from './label.js';

const CASES: readonly (readonly [use: unknown, label: string])[] = [
  ['direct', 'direct'],
  ['socks5h://me:secret@p:1080', 'socks5h://me:***@p:1080'],
  [['corp', 'socks5://p'], 'corp -> socks5://p'],
  [{ strategy: 'direct', bindInterface: 'eth1' }, 'direct'],
  [{ strategy: 'direct', host: '192.0.2.1' }, 'direct 192.0.2.1'],
  [{ strategy: 'http-connect', url: 'http://me:secret@p' }, 'http-connect http://me:***@p'],
  [{ firstOf: ['a'] }, 'firstOf'],
  [{}, 'nothing'],
  [7, '7'],
];

describe('route labels', () => {
  for (const [use, label] of CASES) {
    it(`${JSON.stringify(use)} is called ${label}`, () => void expect(routeLabel(use)).to.equal(label));
  }
});
