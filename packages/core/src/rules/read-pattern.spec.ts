import { expect } from 'chai';
import { isFdpassError } from '../ground/errors.js';
import { parseHostPattern, parseLocalNetwork, parsePortRange, patternList } from './read-pattern.js';

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
    ['a leading dot and a wildcard', ['.a*'], /write two patterns/],
    ['a network that is too long', ['10.0.0.0/33'], /from 0 to 32/],
    ['a network with host bits', ['10.1.2.3/8'], /bits set/],
    ['three octets', ['10.0.0/24'], /is not an address or a network/],
    ['a wildcard in an international label', ['b*ü.example'], /xn--/],
  ];
  for (const [what, patterns, message] of refused) {
    it(`refuse ${what}`, () => expect(refusal(() => patternList(patterns.map(parseHostPattern)))).to.match(message));
  }
});

describe('ports', () => {
  for (const port of [0, 65536, 22.5, -1, '', 'ssh', '20-10', '1-65536', '0-5', '1-2-3', ' 22', '0x16', '*']) {
    it(`refuse ${JSON.stringify(port)}`, () =>
      expect(() => parsePortRange(port))
        .to.throw(/neither a port nor a range/)
        .with.property('code', 'config'));
  }
});

describe('local networks', () => {
  for (const bad of ['home', '', '!', '10.0.0.0/40', '10.1.1.1/8', 'eth0']) {
    it(`refuse ${JSON.stringify(bad)}`, () =>
      expect(() => parseLocalNetwork(bad))
        .to.throw()
        .with.property('code', 'config'));
  }
});
