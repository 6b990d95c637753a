import { expect } from 'chai';
import { isFdpassError } from '../ground/errors.js';
import { exactSubject, hostSubject, matchPatterns } from './pattern.js';
import { parseAliasPattern, parseHostPattern, parseUserPattern, patternList } from './read-pattern.js';

function hostMatches(patterns: readonly string[], host: string): boolean {
  return matchPatterns(patternList(patterns.map(parseHostPattern)), hostSubject(host));
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isFdpassError(error) && error.code === 'config') return `${error.message}; ${error.hint}`;
    throw error;
  }
  throw new Error('not refused');
}

describe('host patterns', () => {
  const table: readonly (readonly [patterns: readonly string[], host: string, matches: boolean])[] = [
    [['nas'], 'nas', true],
    [['NAS'], 'nas', true],
    [['nas'], 'nas2', false],
    [['nas.'], 'nas', true],
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
    [['10.0.*'], '10.0.9.9', true],
    [['2001:db8:*'], '2001:db8::1', true],
    // zones: any without one, only that one with one, none in networks
    [['fe80::1'], 'fe80::1%eth0', true],
    [['fe80::1%eth0'], 'fe80::1%eth0', true],
    [['fe80::1%eth0'], 'fe80::1%eth1', false],
    [['fe80::1%eth0'], 'fe80::1', false],
    [['fe80::/10'], 'fe80::1%eth1', true],
    // international names, and targets that are no names at all
    [['*.bücher.example'], 'a.xn--bcher-kva.example', true],
    [['unix/Run/*'], 'unix/Run/Socket', true],
    [['vsock/3'], 'vsock/3', true],
  ];
  for (const [patterns, host, matches] of table) {
    it(`${JSON.stringify(patterns)} ${matches ? 'matches' : 'does not match'} ${host}`, () => {
      expect(hostMatches(patterns, host)).to.equal(matches);
    });
  }

  const refused: readonly (readonly [what: string, patterns: readonly string[], message: RegExp])[] = [
    ['only negated patterns', ['!a', '!b'], /only negated patterns.*add "\*"/],
    ['an empty list', [], /empty list/],
    ['nothing', [''], /is not a pattern/],
    ['a lone !', ['!'], /is not a pattern/],
    ['!!', ['!!a'], /negated twice/],
    ['several in one text', ['a, b'], /space or a comma.*\[a, b\]/],
    ['a port', ['host:22'], /has a port.*"port"/],
    ['an address with a port', ['10.0.0.1:22'], /has a port/],
    ['a URL', ['ssh://host'], /neither a host name nor an IPv6/],
    ['half an IPv6 address', ['2001:db8:1'], /is not an IPv6 address/],
    ['a lone dot', ['.'], /is not a domain/],
    ['two leading dots', ['..a'], /is not a domain/],
    ['a leading dot and a wildcard', ['.a*'], /write \["a\*", "\*\.a\*"\]/],
    ['a network that is too long', ['10.0.0.0/33'], /from 0 to 32/],
    ['a network with host bits', ['10.1.2.3/8'], /bits set/],
    ['three octets', ['10.0.0/24'], /is not an address or a network/],
    ['a wildcard in an international label', ['b*ü.example'], /xn--/],
  ];
  for (const [what, patterns, message] of refused) {
    it(`refuse ${what}`, () => expect(refusal(() => patternList(patterns.map(parseHostPattern)))).to.match(message));
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
