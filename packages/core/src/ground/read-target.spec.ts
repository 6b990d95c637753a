import { expect } from 'chai';
import { isFdpassError } from './errors.js';
import { makeTarget, normalizeHost, normalizeTarget, parsePort } from './read-target.js';
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
    ['Host.Example.', 'host.example.'],
    ['web1', 'web1'],
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1.', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['2130706433', '127.0.0.1'],
    ['0X7F000001', '127.0.0.1'],
    ['0177.0.0.01', '127.0.0.1'],
    ['１２７．１', '127.0.0.1'],
    ['08.1', '08.1'],
    ['1.2.3.4.5', '1.2.3.4.5'],
    ['[2001:DB8::1]', '2001:db8::1'],
    ['2001:0DB8:0:0:0:0:0:01', '2001:db8::1'],
    ['::FFFF:127.0.0.1', '127.0.0.1'],
    ['::ffff:7f00:1', '127.0.0.1'],
    ['FE80::1%Eth0', 'fe80::1%Eth0'],
    ['fe80::0:1%br_lan', 'fe80::1%br_lan'],
    ['Ａ。ｅｘａｍｐｌｅ', 'a.example'],
    ['bücher.example', 'xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['under_score.example', 'under_score.example'],
    ['unix/Run/Socket', 'unix/Run/Socket'],
    ['vsock%3', 'vsock%3'],
    ['unix/run/a b', 'unix/run/a b'],
    ['machine/Box-1', 'machine/Box-1'],
    ['．ｈｏｓｔ', '.host'],
    [`${'a'.repeat(253)}.`, `${'a'.repeat(253)}.`],
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
    ['a full-width dash', '－oProxyCommand', /begins with a dash/],
    ['a dash in brackets', '[-x]', /begins with a dash/],
    ['a full-width command', '＄（id）', /neither a name nor an address/],
    ['full-width shell characters', 'a；id', /neither a name nor an address/],
    ['full-width backticks', '｀id｀.example', /neither a name nor an address/],
    ['percent-encoding in an international name', 'é%3b', /not a valid international name/],
    ['a path', 'x/$(id)', /neither a name nor an address/],
    ['a word with a percent sign', 'x%y', /neither a name nor an address/],
    ['a zone that is a command', 'fe80::1%$(id)', /neither a name nor an address/],
    ['a virtual machine that is not a number', 'vsock%$(id)', /does not name a virtual machine/],
    ['a machine that is a command', 'machine/$(id)', /does not name a local machine/],
    ['a socket without a path', 'unix/', /does not name a unix socket/],
    ['a socket with a line break in its path', 'unix/a\nb', /does not name a unix socket/],
  ];
  for (const [what, input, message] of refused) {
    it(`refuses ${what}`, () => expect(refusal(() => normalizeHost(input))).to.match(message));
  }

  it('refuses what is not a host where only a host can be', () => {
    for (const name of ['unix/run/x', 'unix%x', 'vsock/1', 'vsock-mux/x', 'machine/x', '.host', '．ｈｏｓｔ']) {
      expect(
        refusal(() => normalizeHost(name, ['host'])),
        name,
      ).to.match(/, not a host name or an address$/);
    }
  });

  it('does not show what could be a password', () => {
    expect(refusal(() => normalizeHost('me:secret@host.example'))).to.equal(
      'the host is neither a name nor an address',
    );
  });

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
    expect(refusal(() => makeTarget({ host: 'a', port: 22, user: '-oX=y' }))).to.match(/the user begins with a dash/);
  });

  // The expected answers are those of valid_ruser and valid_hostname in OpenSSH's ssh.c.
  const words: readonly (readonly [text: string, user: boolean, alias: boolean])[] = [
    ['me', true, true],
    ['CORP\\me', true, false],
    ['CORP\\', false, false],
    ['first last', true, false],
    ['first -x', false, false],
    ['-x', false, false],
    ['－x', false, false],
    ['a$b', true, false],
    ['$(id)', false, false],
    ['＄（id）', false, false],
    ['a;b', false, false],
    ['a；b', false, false],
    ['a`b', false, false],
    ['a"b', false, false],
    ["a'b", false, false],
    ['a|b', false, false],
    ['a&b', false, false],
    ['a<b', false, false],
    ['{a,b}', false, false],
    ['a\u001b[2J', false, false],
    ['a\u202eb', false, false],
    ['a,b', true, false],
    ['bücher', true, true],
    ['fe80::1%eth0', true, true],
    ['*', true, true],
  ];
  for (const [text, user, alias] of words) {
    it(`${user ? 'takes' : 'refuses'} the user ${JSON.stringify(text)} and ${alias ? 'takes' : 'refuses'} the alias`, () => {
      const isTaken = (word: object): boolean => {
        try {
          return makeTarget({ host: 'a', port: 22, ...word }) !== undefined;
        } catch (error) {
          if (isFdpassError(error) && error.code === 'usage') return false;
          throw error;
        }
      };
      expect([isTaken({ user: text }), isTaken({ alias: text })]).to.deep.equal([user, alias]);
    });
  }

  it('is the same object if it was normal before', () => {
    const target = { host: 'a.example', port: 22, user: 'me' };
    expect(normalizeTarget(target)).to.equal(target);
    expect(normalizeTarget({ ...target, host: 'A.example' })).to.deep.equal(target);
    expect(refusal(() => normalizeTarget({ ...target, port: 0 }))).to.match(/the port is not a number/);
  });

  it('puts brackets round IPv6 literals', () => {
    expect([formatHostPort('::1', 22), formatHostPort('127.0.0.1', 22)]).to.deep.equal(['[::1]:22', '127.0.0.1:22']);
  });
});
