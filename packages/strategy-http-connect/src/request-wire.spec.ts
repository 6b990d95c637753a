import { createRequire } from 'node:module';
import { fdpassVersion, isFdpassError } from '@fdpass/core';
import { expect } from 'chai';
import { authorityOf, checkHeaders, encodeConnect } from './request-wire.js';

describe('http-connect request', () => {
  const AUTHORITIES: readonly [host: string, port: number, authority: string][] = [
    ['host.example', 22, 'host.example:22'],
    ['192.0.2.7', 443, '192.0.2.7:443'],
    ['2001:db8::1', 22, '[2001:db8::1]:22'],
    ['::ffff:192.0.2.1', 65535, '[::ffff:192.0.2.1]:65535'],
    ['fe80::1%eth0', 22, '[fe80::1]:22'],
  ];
  for (const [host, port, authority] of AUTHORITIES) {
    it(`asks for ${authority}`, () => expect(authorityOf({ host, port })).to.equal(authority));
  }

  for (const host of ['a b', 'a\r\nX: y', 'a/b', 'user@host', 'a\u0000', 'a?b', 'a#b', '']) {
    it(`refuses the host ${JSON.stringify(host)}`, () => {
      expect(() => authorityOf({ host, port: 22 }))
        .to.throw()
        .that.satisfies(isConfigError);
    });
  }

  it('is a request line, the headers and an empty line', () => {
    expect(encodeConnect('h:22', {}).toString()).to.equal(
      `CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\nUser-Agent: fdpass/${fdpassVersion()}\r\n\r\n`,
    );
    expect(encodeConnect('h:22', { 'User-Agent': 'x/1', 'X-A': '' }, 'Basic eA==').toString()).to.equal(
      'CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\nUser-Agent: x/1\r\nX-A: \r\nProxy-Authorization: Basic eA==\r\n\r\n',
    );
  });

  it('lets the options replace Host, whatever their case, and never sends a name twice', () => {
    expect(
      encodeConnect('h:22', { host: 'other', 'USER-AGENT': '', 'proxy-authorization': 'a' }, 'b').toString(),
    ).to.equal('CONNECT h:22 HTTP/1.1\r\nhost: other\r\nProxy-Authorization: b\r\n\r\n');
  });

  it('leaves our own headers out where the options have an empty value, whatever their case', () => {
    expect(encodeConnect('h:22', { 'user-agent': '' }).toString()).to.equal(
      'CONNECT h:22 HTTP/1.1\r\nHost: h:22\r\n\r\n',
    );
  });

  it('names the version that the packages have', () => {
    const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
    expect(fdpassVersion()).to.equal(version);
  });

  it('refuses an authorization that would be more than a line', () => {
    expect(() => encodeConnect('h:22', {}, 'Digest username="a\r\nX: y"'))
      .to.throw()
      .that.satisfies(isConfigError);
  });

  const BAD_HEADERS: readonly Readonly<Record<string, string>>[] = [
    { 'X Y': 'a' },
    { '': 'a' },
    { 'X:': 'a' },
    { X: 'a\r\nY: b' },
    { X: 'a\nb' },
    { X: '\u0000' },
    { X: '\u2028' },
  ];
  for (const headers of BAD_HEADERS) {
    it(`refuses the headers ${JSON.stringify(headers)}`, () => {
      expect(() => checkHeaders(headers))
        .to.throw()
        .that.satisfies(isConfigError);
    });
  }

  it('does not repeat the value of a header that it refuses', () => {
    expect(() => checkHeaders({ 'X-Key': 'hush\u0001' }))
      .to.throw(/X-Key/)
      .that.satisfies((error: Error) => !error.message.includes('hush'));
    expect(() => checkHeaders({ 'hush!': 'hush\u0001' }))
      .to.throw(/the value|a value/)
      .that.satisfies((error: Error) => !error.message.includes('hush'));
  });

  it('takes tabs and latin-1 in values', () => checkHeaders({ 'X-Ok': 'a\tb\u00e9' }));
});

function isConfigError(error: unknown): boolean {
  return isFdpassError(error) && error.code === 'config';
}
