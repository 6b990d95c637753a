import { expect } from 'chai';
import { isFdpassError } from './errors.js';
import { makeTarget, normalizeHost, parsePort } from './read-target.js';
import { formatHostPort } from './target.js';

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isFdpassError(error) && error.code === 'usage') return error.message;
    throw error;
  }
  throw new Error('not refused');
}

describe('target', () => {
  const accepted: readonly (readonly [input: string, host: string])[] = [
    ['Host.Example', 'host.example'],
    ['host.example.', 'host.example'],
    ['127.0.0.1', '127.0.0.1'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['FE80::1%Eth0', 'fe80::1%Eth0'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['under_score.example', 'under_score.example'],
    ['unix/Run/Socket', 'unix/Run/Socket'],
    ['vsock%3', 'vsock%3'],
    ['a'.repeat(253), 'a'.repeat(253)],
  ];
  for (const [input, host] of accepted) {
    it(`takes ${JSON.stringify(input.slice(0, 30))}`, () => expect(normalizeHost(input)).to.equal(host));
  }

  const refused: readonly (readonly [what: string, input: string, message: RegExp])[] = [
    ['nothing', '', /empty/],
    ['a space', 'a b', /space or a control/],
    ['a newline', 'a\nb', /space or a control/],
    ['an escape sequence', '\u001b[2Ja', /space or a control/],
    ['a no-break space', 'a\u00a0b', /space or a control/],
    ['a right-to-left override', 'a\u202eb', /space or a control/],
    ['a leading dash', '-oProxyCommand=x', /begins with a dash/],
    ['254 bytes', 'a'.repeat(254), /longer than 253 bytes/],
    ['bad punycode', 'xn--a.example', /punycode/],
    ['host and port in one', 'host:22', /neither a name nor an address/],
    ['half an IPv6 literal', '[::1', /neither a name nor an address/],
    ['shell characters', 'a`id`', /neither a name nor an address/],
    ['a command', 'a;id', /neither a name nor an address/],
    ['a pattern', '*.example', /neither a name nor an address/],
  ];
  for (const [what, input, message] of refused) {
    it(`refuses ${what}`, () => expect(refusal(() => normalizeHost(input))).to.match(message));
  }

  it('shows no control character of what it refuses', () => {
    expect(refusal(() => normalizeHost('a\u001b[2Jb'))).to.not.match(/\p{Cc}/u);
  });

  it('takes ports from 1 to 65535 and nothing else', () => {
    expect([parsePort('1'), parsePort('65535'), parsePort(22)]).to.deep.equal([1, 65535, 22]);
    for (const port of ['0', '65536', 'ssh', '', '-1', '1e3', ' 22', '22.0', '0x16']) {
      expect(refusal(() => parsePort(port))).to.match(/not a number from 1 to 65535/);
    }
  });

  it('keeps user and alias, and leaves out what was not given', () => {
    expect(makeTarget({ host: 'A', port: '22', user: 'me', alias: 'nas' })).to.deep.equal({
      host: 'a',
      port: 22,
      user: 'me',
      alias: 'nas',
    });
    expect(makeTarget({ host: 'A', port: 22 })).to.have.all.keys('host', 'port');
    expect(refusal(() => makeTarget({ host: 'a', port: 22, user: 'a\nb' }))).to.match(/the user/);
    expect(refusal(() => makeTarget({ host: 'a', port: 22, user: '-oX=y' }))).to.match(
      /the user .* begins with a dash/,
    );
  });

  it('puts brackets round IPv6 literals', () => {
    expect([formatHostPort('::1', 22), formatHostPort('127.0.0.1', 22)]).to.deep.equal(['[::1]:22', '127.0.0.1:22']);
  });
});
