import { expect } from 'chai';
import {
  describeType,
  hintAtKnown,
  isShownName,
  quoteUnknown,
  showHost,
  showInterface,
  showPath,
  showUrl,
  withoutReceived,
} from './shown.js';

/** Runs rows of what is written and what is shown of it. */
function table(show: (text: string) => string, rows: readonly (readonly [written: string, shown: string])[]): void {
  for (const [written, shown] of rows) {
    it(`${JSON.stringify(written)} as ${shown}`, () => expect(show(written)).to.equal(shown));
  }
}

describe('what is shown', () => {
  describe('of a URL: scheme, host and port', () => {
    table(showUrl, [
      ['http://proxy:3128', 'http://proxy:3128'],
      ['HTTP://Proxy.example', 'HTTP://Proxy.example'],
      ['socks5h://[2001:db8::1]:1080', 'socks5h://[2001:db8::1]:1080'],
      ['socks5h://[fe80::1%25eth0]', 'socks5h://[fe80::1%25eth0]'],
      ['socks5://unix:/run/tor/socks', 'socks5://unix:/run/tor/socks'],
      ['socks5://localhost/run/tor/socks', 'socks5://localhost/run/tor/socks'],
      ['jump://a.example:22,b.example', 'jump://a.example:22,b.example'],
      [' http://proxy ', 'http://proxy'],
    ]);
  });

  describe('of a URL with more in it: that there is more', () => {
    table(showUrl, [
      ['http://u:PW@proxy:1', 'http://***@proxy:1'],
      [' http://u:PW@proxy:1', 'http://***@proxy:1'],
      ['http://PW@proxy:1', 'http://***@proxy:1'],
      ['http://u:P@W@proxy:1', 'http://***@proxy:1'],
      ['http://proxy/PW', 'http://proxy/***'],
      ['http://proxy/path?token=PW#x', 'http://proxy/***?***'],
      ['http://proxy#PW', 'http://proxy#***'],
      ['jump://PW@a.example,PW@b.example', 'jump://***@b.example'],
    ]);
  });

  describe('of what is not quite a URL: at most its scheme', () => {
    table(showUrl, [
      ['http://u:PW', 'http://***'],
      ['http://u:P/W@proxy', 'http://***'],
      ['http://u:P?W@proxy', 'http://***'],
      ['http://u:PW@proxy:x', 'http://***'],
      ['http://proxy/PW@x', 'http://***'],
      ['http://u:PW@', 'http://***'],
      ['http://P W', 'http://***'],
      ['u:PW@proxy', '***'],
      ['//u:PW@proxy', '***'],
      ['http//u:PW@proxy', '***'],
      ['http:u:PW@proxy', '***'],
      ['"http://u:PW@proxy"', '***'],
      ['see http://u:PW@proxy', '***'],
      ['env:', '***'],
    ]);
  });

  it('of a URL whose scheme its place does not take: nothing', () => {
    expect(showUrl('http://proxy', ['http'])).to.equal('http://proxy');
    expect(showUrl('PW://proxy', ['http'])).to.equal('***');
    expect(showUrl('env:', ['env'])).to.equal('env:');
  });

  describe('of a host: host and port', () => {
    table(showHost, [
      ['host.example', 'host.example'],
      ['HOST.example:22', 'HOST.example:22'],
      ['192.0.2.1', '192.0.2.1'],
      ['2001:db8::1', '2001:db8::1'],
      ['[2001:db8::1]:22', '[2001:db8::1]:22'],
      ['unix/run/socket', 'unix/run/socket'],
      ['me@host.example:22', '***@host.example:22'],
      ['u:PW@host.example', '***@host.example'],
      ['host:PW', '***'],
      ['host:99999', '***'],
      ['P W', '***'],
      ['unix/P W', '***'],
      ['[PW', '***'],
      ['', '***'],
    ]);
  });

  describe('of a path: one that says that it is one', () => {
    table(showPath, [
      ['/etc/fdpass/ca.pem', '/etc/fdpass/ca.pem'],
      ['~/.netrc', '~/.netrc'],
      ['./ca.pem', './ca.pem'],
      ['../ca.pem', '../ca.pem'],
      ['..', '..'],
      ['PW', '***'],
      ['~PW', '***'],
      ['//u:PW@host', '***'],
      ['//PW', '***'],
      ['/a\nPW', '***'],
      ['./a - PW', '***'], // a list that has slid into the path
    ]);
  });

  describe('of a name that the user has made up', () => {
    const NAMES: readonly (readonly [name: string, isShown: boolean])[] = [
      ['corp', true],
      ['corp-2.eu/x', true],
      ['Büro', true],
      ['the VPN at work', true],
      ['u:PW', false],
      ['PW@host', false],
      ['work - PW', false], // a list that has slid into the name
      ['token=PW', false],
      ['x'.repeat(61), false],
      ['', false],
    ];
    for (const [name, isShown] of NAMES) {
      it(`${JSON.stringify(name)}: ${isShown ? 'all' : 'nothing'}`, () => expect(isShownName(name)).to.equal(isShown));
    }
  });

  it('of a network interface: one that this machine has', () => {
    expect(['lo', 'PW', 'toString', '../../net/lo', '.'].map(showInterface).slice(1)).to.deep.equal(
      Array(4).fill('***'),
    );
    const [own = ''] = Object.keys(process.getBuiltinModule('node:os').networkInterfaces());
    expect(showInterface(own)).to.equal(own || '***');
  });

  it('of any value: its type', () => {
    const values = [null, undefined, '', 'PW', 4711, true, [], {}];
    expect(values.map(describeType)).to.deep.equal([
      'nothing',
      'nothing',
      'an empty text',
      'a text',
      'a number',
      'true or false',
      'a list',
      'a mapping',
    ]);
  });

  it('of an unknown word: itself if it is a typing error of a known one', () => {
    const known = ['host', 'port'];
    expect([quoteUnknown('hots', known, 'x'), hintAtKnown('hots', known)]).to.deep.equal([
      '"hots"',
      'did you mean "host"?',
    ]);
    expect([quoteUnknown('hunter2', known, 'x'), hintAtKnown('hunter2', known)]).to.deep.equal([
      'x',
      'use one of: host, port',
    ]);
  });

  describe('of a message of a validator: not what it has received', () => {
    table(withoutReceived, [
      ['Invalid type: Expected string but received "PW"', 'Invalid type: Expected string'],
      ['Invalid input: expected string, received PW', 'Invalid input: expected string'],
      ['must be a string (was "PW")', 'must be a string'],
      ['must be a port from 1 to 65535', 'must be a port from 1 to 65535'],
    ]);
  });
});
