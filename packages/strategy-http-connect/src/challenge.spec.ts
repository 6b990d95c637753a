import { expect } from 'chai';
import { parseChallenges } from './challenge.js';

type Plain = readonly [scheme: string, params: Record<string, string>, token68?: string];

const plain = (values: readonly string[]): Plain[] =>
  parseChallenges(values).map(({ scheme, params, token68 }) =>
    token68 === undefined ? [scheme, Object.fromEntries(params)] : [scheme, Object.fromEntries(params), token68],
  );

const CASES: readonly [name: string, values: readonly string[], expected: readonly Plain[]][] = [
  ['nothing', [], []],
  ['an empty header', ['', ' , '], []],
  ['a scheme alone', ['Negotiate'], [['negotiate', {}]]],
  ['a scheme with a token68', ['NTLM TlRMTVNTUAAC=='], [['ntlm', {}, 'TlRMTVNTUAAC==']]],
  ['Basic', ['Basic realm="simple"'], [['basic', { realm: 'simple' }]]],
  [
    'Basic with charset (RFC 7617 §2.1)',
    ['Basic realm="foo", charset="UTF-8"'],
    [['basic', { realm: 'foo', charset: 'UTF-8' }]],
  ],
  [
    'two in one header (RFC 9110 §11.6.1)',
    ['Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'],
    [
      ['basic', { realm: 'simple' }],
      ['newauth', { realm: 'apps', type: '1', title: 'Login to "apps"' }],
    ],
  ],
  [
    'Digest (RFC 7616 §3.9.1)',
    [
      'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"',
    ],
    [
      [
        'digest',
        {
          realm: 'http-auth@example.org',
          qop: 'auth, auth-int',
          algorithm: 'SHA-256',
          nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
          opaque: 'FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS',
        },
      ],
    ],
  ],
  [
    'several headers',
    ['Negotiate', 'Digest realm="a", nonce="n"', 'Basic realm="b"'],
    [
      ['negotiate', {}],
      ['digest', { realm: 'a', nonce: 'n' }],
      ['basic', { realm: 'b' }],
    ],
  ],
  [
    'a scheme after a scheme without parameters',
    ['Negotiate, Basic realm="b"'],
    [
      ['negotiate', {}],
      ['basic', { realm: 'b' }],
    ],
  ],
  [
    'commas and equals signs in quotes',
    ['Basic realm="a, b=c, Digest x=y"'],
    [['basic', { realm: 'a, b=c, Digest x=y' }]],
  ],
  ['blanks round the equals sign', ['Basic realm = "a"'], [['basic', { realm: 'a' }]]],
  ['names in any case', ['BASIC REALM="A"'], [['basic', { realm: 'A' }]]],
  [
    'empty items between',
    ['Basic realm="a", , ,Digest nonce=x,'],
    [
      ['basic', { realm: 'a' }],
      ['digest', { nonce: 'x' }],
    ],
  ],
  ['escapes in quotes', ['Basic realm="a\\\\b\\c"'], [['basic', { realm: 'a\\bc' }]]],
  ['an empty quoted string', ['Basic realm=""'], [['basic', { realm: '' }]]],
  ['a parameter without a scheme', ['realm="a"'], []],
  [
    'what is neither token nor quoted, up to the comma or the next parameter',
    ['Digest realm=My Proxy, nonce=a/b:c==, opaque=x y=z qop=auth'],
    [['digest', { realm: 'My Proxy', nonce: 'a/b:c==', opaque: 'x', y: 'z', qop: 'auth' }]],
  ],
  [
    'parameters without commas between them',
    ['Digest realm="r" nonce="n"\tqop="auth" Basic realm="b"'],
    [
      ['digest', { realm: 'r', nonce: 'n', qop: 'auth' }],
      ['basic', { realm: 'b' }],
    ],
  ],
  [
    'an empty value',
    ['Digest realm="r", nonce= , opaque=, qop=""'],
    [['digest', { realm: 'r', nonce: '', opaque: '', qop: '' }]],
  ],
  [
    'a value without quotes before another scheme',
    ['Digest realm=My Proxy, Basic realm="b", NTLM TlRM=, Negotiate'],
    [
      ['digest', { realm: 'My Proxy' }],
      ['basic', { realm: 'b' }],
      ['ntlm', {}, 'TlRM='],
      ['negotiate', {}],
    ],
  ],
];

describe('http-connect challenges', () => {
  for (const [name, values, expected] of CASES) {
    it(`reads ${name}`, () => expect(plain(values)).to.deep.equal(expected));
  }

  it('survives quotes that never end', () => {
    expect(plain(['Basic realm="a, Digest nonce="n"'])).to.be.an('array');
  });

  // Each of these takes seconds if the pattern backtracks; mocha's limit then ends it.
  for (const piece of ['"', '\\"', '"\\', ',', ' ', 'a=', 'a="', 'a ="\\"', 'a ', 'a=b ', 'a=b c ', 'a \t', 'a =  ']) {
    it(`is quick with ${JSON.stringify(piece)} a great many times`, () => {
      expect(plain([`Basic ${piece.repeat((512 * 1024) / piece.length)}`])).to.be.an('array');
    });
  }
});
