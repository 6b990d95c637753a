import { expect } from 'chai';
import { parseIp } from '../ground/ip.js';
import { Random } from '../ground/random.spec.helper.js';
import { exactSubject, hostSubject, matchGlob, matchLocalNetworks, matchPatterns, matchPort } from './pattern.js';
import {
  parseAliasPattern,
  parseHostPattern,
  parseLocalNetwork,
  parsePortRange,
  parseUserPattern,
  patternList,
} from './read-pattern.js';

function hostMatches(patterns: readonly string[], host: string): boolean {
  return matchPatterns(patternList(patterns.map(parseHostPattern)), hostSubject(host));
}

describe('host patterns', () => {
  const table: readonly (readonly [patterns: readonly string[], host: string, matches: boolean])[] = [
    [['nas'], 'nas', true],
    [['NAS'], 'nas', true],
    [['nas'], 'nas2', false],
    [['nas.'], 'nas', true],
    [['nas'], 'nas.', true],
    [['*.example'], 'a.example.', true],
    [['.example.com'], 'example.com.', true],
    [['*'], 'anything', true],
    [['*.corp.example'], 'a.b.corp.example', true],
    [['*.corp.example'], 'corp.example', false],
    [['*.Corp.Example'], 'a.corp.example', true],
    // a negated pattern wins wherever it stands
    [['*.corp.example', '!public.corp.example'], 'public.corp.example', false],
    [['!public.corp.example', '*.corp.example'], 'public.corp.example', false],
    [['!public.corp.example', '*.corp.example'], 'other.corp.example', true],
    [['a', 'b'], 'b', true],
    // the apex and all below
    [['.example.com'], 'example.com', true],
    [['.example.com'], 'a.b.example.com', true],
    [['.example.com'], 'badexample.com', false],
    [['.example.com'], 'example.com.evil', false],
    [['*', '!.example.com'], 'example.com', false],
    // networks and addresses: by value, and never names
    [['10.0.0.0/8'], '10.1.2.3', true],
    [['10.0.0.0/8'], '::ffff:10.1.2.3', true],
    [['10.0.0.0/8'], '10.example', false],
    [['10.0.0.0/8', '!10.1.0.0/16'], '10.1.2.3', false],
    [['2001:db8::/32'], '2001:db8:0:0::1', true],
    [['::1'], '0:0:0:0:0:0:0:1', true],
    [['[::1]'], '::1', true],
    [['127.0.0.1'], '::ffff:127.0.0.1', true],
    [['127.0.0.0/8'], '127.1', true],
    [['127.1'], '127.0.0.1', true],
    [['2130706433'], '0x7f000001', true],
    [['0177.1'], '127.0.0.1', true],
    [['2001:DB8:0::1'], '2001:db8::1', true],
    [['10.0.*'], '10.0.9.9', true],
    [['2001:db8:*'], '2001:db8::1', true],
    // zones: any without one, only that one with one, none in networks
    [['fe80::1'], 'fe80::1%eth0', true],
    [['fe80::1%eth0'], 'fe80::1%eth0', true],
    [['fe80::1%eth0'], 'fe80::1%eth1', false],
    [['fe80::1%eth0'], 'fe80::1', false],
    [['fe80::/10'], 'fe80::1%eth1', true],
    // international names, and targets that are not names at all
    [['*.bücher.example'], 'a.xn--bcher-kva.example', true],
    [['unix/Run/*'], 'unix/Run/Socket', true],
    [['vsock/3'], 'vsock/3', true],
  ];
  for (const [patterns, host, matches] of table) {
    it(`${JSON.stringify(patterns)} ${matches ? 'matches' : 'does not match'} ${host}`, () => {
      expect(hostMatches(patterns, host)).to.equal(matches);
    });
  }
});

describe('alias and user patterns', () => {
  it('compare aliases as they were typed, in either case', () => {
    const matches = (pattern: string, alias: string) => matchPatterns([parseAliasPattern(pattern)], hostSubject(alias));
    expect(matches('nas', 'NAS')).to.equal(true);
    expect(matches('Bücher*', 'bücherei')).to.equal(true);
    expect(matches('10.0.0.0/8', '10.1.2.3')).to.equal(true);
  });

  it('compare user names exactly', () => {
    const matches = (pattern: string, user: string) => matchPatterns([parseUserPattern(pattern)], exactSubject(user));
    expect([
      matches('git', 'git'),
      matches('git', 'Git'),
      matches('g?t*', 'gitlab'),
      matches('.a', '.a'),
    ]).to.deep.equal([true, false, true, true]);
  });
});

describe('globs', () => {
  const table: readonly (readonly [glob: string, text: string, matches: boolean])[] = [
    ['', '', true],
    ['', 'a', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['?', 'a', true],
    ['*.example', 'a.b.example', true],
    ['*.example', 'example', false],
    ['web-??', 'web-01', true],
    ['web-??', 'web-1', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['**a**', 'xax', true],
    ['*a', 'aab', false],
    ['a.b', 'axb', false],
    ['[ab]', 'a', false],
    ['abc', 'ab', false],
  ];
  for (const [glob, text, matches] of table) {
    it(`${JSON.stringify(glob)} ${matches ? 'matches' : 'does not match'} ${JSON.stringify(text)}`, () => {
      expect(matchGlob(glob, text)).to.equal(matches);
    });
  }

  it('say the same as a regular expression, for 20,000 random pairs', () => {
    const random = new Random(1);
    for (let i = 0; i < 20_000; i++) {
      const glob = random.text('ab.*?*', 7);
      const text = random.text('ab.', 8);
      const expression = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('?', '.').replaceAll(/\*+/g, '.*')}$`);
      expect(matchGlob(glob, text), `${glob} ${text}`).to.equal(expression.test(text));
    }
  });

  it('end soon, however hostile the glob', () => {
    // A matcher that goes back to every star needs more steps here than there are atoms.
    expect(matchGlob(`${'*a'.repeat(120)}*b`, 'a'.repeat(253))).to.equal(false);
  });
});

describe('ports', () => {
  it('are numbers, texts and ranges with both ends', () => {
    const ranges = [parsePortRange(22), parsePortRange('443'), parsePortRange('2200-2299')];
    const ports = [21, 22, 23, 443, 2199, 2200, 2299, 2300];
    expect(ports.filter((port) => matchPort(ranges, port))).to.deep.equal([22, 443, 2200, 2299]);
  });
});

describe('local networks', () => {
  const table: readonly (readonly [list: readonly string[], own: readonly string[], holds: boolean])[] = [
    [['192.168.1.0/24'], ['127.0.0.1', '192.168.1.7'], true],
    [['192.168.1.0/24'], ['127.0.0.1', '192.168.2.7'], false],
    [['192.168.1.0/24', '10.0.0.0/8'], ['10.1.1.1'], true],
    [['192.168.0.0/16', '!192.168.5.0/24'], ['192.168.5.1'], false],
    [['192.168.0.0/16', '!192.168.5.0/24'], ['192.168.4.1', '192.168.5.1'], false],
    [['!192.168.5.0/24'], ['10.0.0.1'], true],
    [['!192.168.5.0/24'], ['192.168.5.1'], false],
    [['fe80::/10'], ['fe80::1%eth0'], true],
    [['192.168.1.7'], ['192.168.1.7'], true],
    [['0.0.0.0/0'], [], false],
  ];
  for (const [list, own, holds] of table) {
    it(`${JSON.stringify(list)} ${holds ? 'holds' : 'does not hold'} with ${JSON.stringify(own)}`, () => {
      const addresses = own.flatMap((address) => parseIp(address) ?? []);
      expect(matchLocalNetworks(list.map(parseLocalNetwork), addresses)).to.equal(holds);
    });
  }
});
