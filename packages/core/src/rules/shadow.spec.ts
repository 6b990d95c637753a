import { expect } from 'chai';
import { Random } from '../ground/random.spec.helper.js';
import { exactSubject, matchPatterns } from './pattern.js';
import { parseAliasPattern } from './read-pattern.js';
import { parseMatchers, type WrittenMatchers } from './rule.js';
import { covers, matchesAll } from './shadow.js';

describe('a rule that an earlier one shadows', () => {
  const table: readonly (readonly [earlier: WrittenMatchers, later: WrittenMatchers, shadowed: boolean])[] = [
    [{}, {}, true],
    [{}, { host: ['a'], port: [22], user: ['me'], alias: ['x'], localNetwork: ['10.0.0.0/8'] }, true],
    [{ host: ['*'] }, {}, true],
    [{ host: ['*'] }, { host: ['10.0.0.0/8', 'a', '.b.example'] }, true],
    [{ host: ['a'] }, {}, false],
    [{ host: ['a'] }, { host: ['a'] }, true],
    [{ host: ['A.'] }, { host: ['a'] }, true],
    [{ host: ['a'] }, { host: ['a', 'b'] }, false],
    [{ host: ['b', 'a'] }, { host: ['a'] }, true],
    [{ host: ['*.example'] }, { host: ['a.example'] }, true],
    [{ host: ['*.example'] }, { host: ['example'] }, false],
    [{ host: ['*.example'] }, { host: ['*.corp.example'] }, true],
    [{ host: ['*.corp.example'] }, { host: ['*.example'] }, false],
    [{ host: ['a*c'] }, { host: ['ab*bc'] }, true],
    [{ host: ['a?c'] }, { host: ['a*c'] }, false],
    [{ host: ['a*c'] }, { host: ['a?c'] }, true],
    [{ host: ['a??*'] }, { host: ['a*?'] }, false],
    [{ host: ['*a?b'] }, { host: ['aa*b'] }, false], // aab and aaxb, but not aaxxb
    [{ host: ['.example'] }, { host: ['*.corp.example'] }, true],
    [{ host: ['.example'] }, { host: ['*example'] }, false],
    [{ host: ['.example'] }, { host: ['.corp.example'] }, true],
    [{ host: ['*.example'] }, { host: ['.example'] }, false], // not the apex
    [{ host: ['*example'] }, { host: ['.example'] }, true],
    [{ host: ['10.0.0.0/8'] }, { host: ['10.1.0.0/16', '10.2.3.4'] }, true],
    [{ host: ['10.1.0.0/16'] }, { host: ['10.0.0.0/8'] }, false],
    [{ host: ['127.1'] }, { host: ['127.0.0.1'] }, true],
    [{ host: ['fe80::1'] }, { host: ['fe80::1%eth0'] }, true],
    [{ host: ['fe80::1%eth0'] }, { host: ['fe80::1'] }, false],
    [{ host: ['10.*'] }, { host: ['10.0.0.0/8'] }, false], // patterns with * compare texts
    // what the earlier one excludes is left for the later one, unless that excludes it too or never had it
    [{ host: ['*', '!a'] }, { host: ['a'] }, false],
    [{ host: ['*', '!a'] }, {}, false],
    [{ host: ['*', '!a'] }, { host: ['*', '!a'] }, true],
    [{ host: ['*', '!a'] }, { host: ['*', '!*'] }, true],
    [{ host: ['*', '!a'] }, { host: ['b'] }, true],
    [{ host: ['*', '!*.a'] }, { host: ['x.a'] }, false],
    [{ host: ['*', '!*.a'] }, { host: ['x.b'] }, true],
    [{ host: ['*', '!10.0.0.0/8'] }, { host: ['192.168.0.0/16'] }, true],
    [{ host: ['*', '!10.1.0.0/16'] }, { host: ['10.0.0.0/8'] }, false],
    [{ port: [22] }, { port: [22] }, true],
    [{ port: ['20-21', '22-30'] }, { port: ['20-25', 29] }, true],
    [{ port: ['20-21', '23-30'] }, { port: ['20-25'] }, false],
    [{ port: ['1-65535'] }, {}, true],
    [{ port: [22] }, {}, false],
    [{ user: ['*'] }, {}, false], // a user is not always given
    [{ user: ['*'] }, { user: ['me'] }, true],
    [{ user: ['me'] }, { user: ['Me'] }, false],
    [{ alias: ['nas'] }, { alias: ['nas'], host: ['a'] }, true],
    [{ alias: ['nas'] }, { host: ['nas'] }, false],
    [{ localNetwork: ['10.0.0.0/8'] }, { localNetwork: ['10.0.0.0/8'] }, true],
    [{ localNetwork: ['10.0.0.0/8', '!10.1.0.0/16'] }, { localNetwork: ['!10.1.0.0/16', '10.0.0.0/8'] }, true],
    [{ localNetwork: ['10.0.0.0/8'] }, { localNetwork: ['10.1.0.0/16'] }, false], // we can have several addresses
    [{ localNetwork: ['10.0.0.0/8'] }, {}, false],
    [{ host: ['a'], port: [22] }, { host: ['a'] }, false],
  ];
  for (const [earlier, later, shadowed] of table) {
    it(`${JSON.stringify(earlier)} ${shadowed ? 'shadows' : 'does not shadow'} ${JSON.stringify(later)}`, () =>
      expect(covers(parseMatchers(earlier), parseMatchers(later))).to.equal(shadowed));
  }

  it('matches everything if it has no matchers, or only such that any target passes', () => {
    for (const rule of [{}, { host: ['*'] }, { host: ['a', '**'] }, { port: ['1-65535'] }])
      expect(matchesAll(parseMatchers(rule)), JSON.stringify(rule)).to.equal(true);
    for (const rule of [{ host: ['*.*'] }, { host: ['*', '!a'] }, { user: ['*'] }, { host: ['*'], port: [22] }])
      expect(matchesAll(parseMatchers(rule)), JSON.stringify(rule)).to.equal(false);
  });

  it('never matches a text that the earlier one does not: random patterns and texts', () => {
    const random = new Random(7);
    const list = (): string[] => [...pattern(''), ...(random.chance(30) ? pattern('!') : [])];
    const pattern = (sign: string): string[] => [`${sign}${random.pick([...'ab*?'])}${random.text('ab*?', 4)}`];
    const accepts = (patterns: readonly string[], text: string): boolean =>
      matchPatterns(patterns.map(parseAliasPattern), exactSubject(text));
    let found = 0;
    for (let round = 0; round < 5000; round++) {
      const [earlier, later] = [list(), list()];
      if (!covers(parseMatchers({ alias: earlier }), parseMatchers({ alias: later }))) continue;
      found++;
      for (let probe = 0; probe < 20; probe++) {
        const text = random.text('abc', 8);
        expect(accepts(earlier, text) || !accepts(later, text), `${earlier} / ${later}: ${text}`).to.equal(true);
      }
    }
    expect(found).to.be.greaterThan(500);
  });
});
