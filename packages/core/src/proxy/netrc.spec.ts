import { expect } from 'chai';
import { findNetrcEntry } from './netrc.js';

const FILE = `
# a comment with machine in it
machine a.example login me password one
machine b.example
  login you
  password two   # and a comment
  account x
machine c.example login "a b" password "t\\"h\\\\r\\tee"
macdef init
machine evil.example login x password y

machine d.example password four
machine a.example login other password five
machine e.example login e password p#six
default login anonymous password guest
`;

describe('netrc', () => {
  const CASES: readonly [
    machine: string,
    login: string | undefined,
    found: readonly [string | undefined, string] | undefined,
  ][] = [
    ['a.example', undefined, ['me', 'one']],
    ['a.example', 'me', ['me', 'one']],
    ['a.example', 'other', ['other', 'five']],
    ['A.Example', undefined, ['me', 'one']],
    ['b.example', undefined, ['you', 'two']],
    ['c.example', undefined, ['a b', 't"h\\r\tee']],
    ['d.example', undefined, [undefined, 'four']],
    ['d.example', 'anyone', [undefined, 'four']],
    ['e.example', undefined, ['e', 'p#six']],
    ['evil.example', undefined, ['anonymous', 'guest']],
    ['z.example', undefined, ['anonymous', 'guest']],
    ['z.example', 'somebody', undefined],
    ['a.example', 'nobody', undefined],
  ];
  for (const [machine, login, found] of CASES) {
    it(`${machine}${login === undefined ? '' : ` as ${login}`}: ${found?.join(' ') ?? 'nothing'}`, () => {
      const entry = findNetrcEntry(FILE, machine, login);
      expect(entry && [entry.login, entry.password]).to.deep.equal(found);
    });
  }

  it('finds nothing in nothing, and survives what is cut short', () => {
    for (const text of ['', 'machine', 'machine a login', 'login x password y', 'machine a password "never ends']) {
      expect(findNetrcEntry(text, 'b')).to.equal(undefined);
    }
    expect(findNetrcEntry('machine a login', 'a')).to.deep.include({ login: '' });
  });

  it('reads lines that end with CR LF, and a macro at the end', () => {
    expect(findNetrcEntry('machine a\r\nlogin x\r\npassword y\r\n', 'a')).to.deep.include({
      login: 'x',
      password: 'y',
    });
    expect(findNetrcEntry('machine a login x password y\nmacdef m\nmachine b', 'b')).to.equal(undefined);
  });
});
