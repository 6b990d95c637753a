import { expect } from 'chai';
import { parseChallenges } from './challenge.js';
import { answerDigest } from './digest.js';

interface Vector {
  readonly name: string;
  readonly challenge: string;
  readonly username: string;
  readonly password: string;
  readonly method: string;
  readonly uri: string;
  readonly cnonce: string;
  readonly response: string;
}

const RFC_7616 = {
  username: 'Mufasa',
  password: 'Circle of Life',
  method: 'GET',
  uri: '/dir/index.html',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ',
};
const rfc7616 = (algorithm: string): string =>
  `Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`;

const RFC_2617 = {
  username: 'Mufasa',
  password: 'Circle Of Life',
  method: 'GET',
  uri: '/dir/index.html',
  cnonce: '0a4f113b',
};

const VECTORS: readonly Vector[] = [
  {
    ...RFC_7616,
    name: 'RFC 7616 §3.9.1, MD5',
    challenge: rfc7616('MD5'),
    response: '8ca523f5e9506fed4657c9700eebdbec',
  },
  {
    ...RFC_7616,
    name: 'RFC 7616 §3.9.1, SHA-256',
    challenge: rfc7616('SHA-256'),
    response: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1',
  },
  {
    ...RFC_2617,
    name: 'RFC 2617 §3.5',
    challenge:
      'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
    response: '6629fae49393a05397450978507c4ef1',
  },
  {
    ...RFC_2617,
    name: 'RFC 2069, without qop (erratum 749)',
    challenge: 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"',
    password: 'CircleOfLife',
    response: '1949323746fe6a43ef61f9606e7febea',
  },
];

function fieldsOf(header: string): Readonly<Record<string, string>> {
  const [challenge] = parseChallenges([header]);
  return Object.fromEntries(challenge?.params ?? []);
}

function answer(challenge: string, input: Partial<Vector> = {}): string {
  const [parsed] = parseChallenges([challenge]);
  if (parsed === undefined) throw new Error('no challenge');
  const { username = 'u', password = 'p', method = 'CONNECT', uri = 'h:22', cnonce = 'c' } = input;
  return answerDigest(parsed, { credentials: { username, password }, method, uri, cnonce, count: 1 });
}

describe('http-connect digest', () => {
  for (const vector of VECTORS) {
    it(`answers as ${vector.name}`, () => {
      const fields = fieldsOf(answer(vector.challenge, vector));
      expect(fields['response']).to.equal(vector.response);
      expect([fields['username'], fields['uri']]).to.deep.equal([vector.username, vector.uri]);
    });
  }

  it('answers with a hash of the user name where the proxy asks for it (RFC 7616 §3.9.2)', () => {
    const challenge =
      'Digest realm="api@example.org", qop="auth", algorithm=SHA-256, nonce="n", opaque="o", charset=UTF-8, userhash=true';
    const fields = fieldsOf(answer(challenge, { username: 'J\u00e4s\u00f8n Doe', password: 'Secret, or not?' }));
    // The digest of "Jäsøn Doe:api@example.org", made with sha256sum.
    expect(fields['username']).to.equal('5a1a8a47df5c298551b9b42ba9b05835174a5bd7d511ff7fe9191d8e946fc4e7');
    expect(fields['userhash']).to.equal('true');
  });

  it('hashes octets that are not UTF-8 as they are', () => {
    const challenge = 'Digest realm="r", nonce="n", algorithm=MD5';
    const fields = fieldsOf(answer(challenge, { username: 'm\udce9', password: '\udcff' }));
    // md5(md5("m\xe9:r:\xff"):n:md5("CONNECT:h:22")), made with md5sum.
    expect([fields['username'], fields['response']]).to.deep.equal(['m\xe9', '06db52636996954f62cb759dd249eeb0']);
  });

  it('writes the quotes as RFC 7616 §3.4 asks', () => {
    const header = answer('Digest realm="r \\"q\\"", nonce="n", qop="auth", algorithm=MD5, opaque="o"', {
      username: 'a\\b',
    });
    expect(header.replace(/response="[0-9a-f]{32}"/, 'response=""')).to.equal(
      'Digest username="a\\\\b", realm="r \\"q\\"", nonce="n", uri="h:22", response="", algorithm=MD5, opaque="o", qop=auth, nc=00000001, cnonce="c"',
    );
  });

  it('mixes nonce and cnonce into the secret of a session (RFC 7616 §3.4.2)', () => {
    // H(H(H("u:r:p"):n:c):n:00000001:c:auth:H("CONNECT:h:22")), made with md5sum.
    const fields = fieldsOf(answer('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess'));
    expect([fields['response'], fields['algorithm']]).to.deep.equal(['ea33513e22b7a9eb70c0f82118c400c9', 'MD5-sess']);
  });

  it('takes a cnonce of its own that never repeats', () => {
    const [challenge] = parseChallenges(['Digest realm="r", nonce="n", qop="auth"']);
    if (challenge === undefined) throw new Error('no challenge');
    const cnonces = [1, 2].map(
      () =>
        fieldsOf(
          answerDigest(challenge, { credentials: { username: 'u', password: 'p' }, method: 'X', uri: 'y', count: 1 }),
        )['cnonce'],
    );
    expect(cnonces[0])
      .to.match(/^[0-9a-f]{32}$/)
      .and.not.equal(cnonces[1]);
  });

  it('knows SHA-512-256', () => {
    expect(fieldsOf(answer('Digest realm="r", nonce="n", qop="auth", algorithm=SHA-512-256'))['response']).to.match(
      /^[0-9a-f]{64}$/,
    );
  });

  for (const challenge of [
    'Digest realm="r", qop="auth"',
    'Digest nonce="n", algorithm=SHA3',
    'Digest nonce="n", qop="auth-int"',
  ]) {
    it(`cannot answer ${challenge}`, () => expect(() => answer(challenge)).to.throw(/Digest challenge/));
  }
});
