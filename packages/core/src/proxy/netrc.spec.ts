import { expect } from 'chai';
import { refusal } from '../config/folder.spec.helper.js';
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
machine f.example login "password" password #seven # a comment
machine g.example login g password "eight
nine"
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
    ['f.example', undefined, ['password', '#seven']],
    ['g.example', undefined, ['g', 'eight\nnine']],
    ['evil.example', undefined, ['anonymous', 'guest']],
    ['z.example', undefined, ['anonymous', 'guest']],
    ['z.example', 'somebody', undefined],
    ['a.example', 'nobody', undefined],
  ];
  for (const [machine, login, found] of CASES) {
    it(`${machine}${login === undefined ? '' : ` as ${login}`}: ${found?.join(' ') ?? 'nothing'}`, () => {
      const entry = findNetrcEntry(FILE, machine, login, '/netrc');
      expect(entry && [entry.login, entry.password]).to.deep.equal(found);
    });
  }

  it('finds nothing in nothing, and in what is cut short before it', () => {
    for (const text of ['', 'machine', 'machine a login', 'login x password y', '# machine b password x']) {
      expect(findNetrcEntry(text, 'b', undefined, '/netrc')).to.equal(undefined);
    }
  });

  const MISTAKES: readonly [what: string, text: string, message: string][] = [
    [
      'a login that is missing',
      'machine a login\nmachine b login x password PW',
      '/n:1:11: the value after this keyword',
    ],
    ['a password that is missing', 'machine a login x password\n\tlogin PW', '/n:1:19: the value after this keyword'],
    ['a password that is missing at the end', 'machine a password', '/n:1:11: the value after this keyword'],
    ['an account that is missing', 'machine a account\npassword PW', '/n:1:11: the value after this keyword'],
    ['a misspelt machine', 'machine a password x\nmachin b password PW', '/n:2:1: expected machine, default, login'],
    ['a password with a blank', 'machine a password P W', '/n:1:22: expected machine'],
    ['a keyword in quotes', 'machine a "password" PW', '/n:1:11: expected machine'],
    ['a quote that is not closed', 'machine a password "PW\nmachine b password x', '/n:1:20: this quote is not closed'],
    ['a quote that is not closed behind it', 'machine a password x\nmachine b password "PW', '/n:2:20: this quote'],
    ['a quote that only seems closed', 'machine a password "PW\\"', '/n:1:20: this quote is not closed'],
    ['a machine without a name', 'machine login x password PW\ndefault login', '/n:2:9: the value after'],
    ['a default with a mistake', 'default login x passwd PW', '/n:1:17: expected machine'],
  ];
  for (const [what, text, message] of MISTAKES) {
    it(`refuses ${what}, without a word of the file`, () => {
      const error = refusal(() => findNetrcEntry(text, 'a', undefined, '/n'));
      expect(error.message.slice(0, message.length)).to.equal(message);
      expect(`${error.message} ${error.hint}`).to.not.contain('PW');
    });
  }

  it('uses an entry beside others with mistakes', () => {
    const text = 'machine a port 993 password\nmachine b login x password y\nmachine login z\nmachine c account';
    expect(findNetrcEntry(text, 'b', undefined, '/n')).to.deep.include({ login: 'x', password: 'y' });
    expect(findNetrcEntry(text, 'd', undefined, '/n')).to.equal(undefined);
  });

  it('reads lines that end with CR LF, and a macro at the end', () => {
    expect(findNetrcEntry('machine a\r\nlogin x\r\npassword y\r\n', 'a', undefined, '/n')).to.deep.include({
      login: 'x',
      password: 'y',
    });
    expect(findNetrcEntry('machine a login x password y\nmacdef m\nmachine b', 'b', undefined, '/n')).to.equal(
      undefined,
    );
  });
});
