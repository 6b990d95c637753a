import { expect } from 'chai';
import { expandPrf, keyBlock, trafficKeys } from './tls-keys.js';

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

/** A section's traffic secret, and the key and iv that it gives; RFC 8448 has AES-128-GCM with SHA-256 only. */
const TRACES: readonly [what: string, secret: string, key: string, iv: string][] = [
  [
    "RFC 8448, section 3: the client's application data",
    '9e 40 64 6c e7 9a 7f 9d c0 5a f8 88 9b ce 65 52 87 5a fa 0b 06 df 00 87 f7 92 eb b7 c1 75 04 a5',
    '17 42 2d da 59 6e d5 d9 ac d8 90 e3 c6 3f 50 51',
    '5b 78 92 3d ee 08 57 90 33 e5 23 d9',
  ],
  [
    "RFC 8448, section 3: the server's application data",
    'a1 1a f9 f0 55 31 f8 56 ad 47 11 6b 45 a9 50 32 82 04 b4 f4 4b fb 6b 3a 4b 4f 1f 3f cb 63 16 43',
    '9f 02 28 3b 6c 9c 07 ef c2 6b b9 f2 ac 92 e3 56',
    'cf 78 2b 88 dd 83 54 9a ad f1 e9 84',
  ],
  [
    "RFC 8448, section 3: the server's handshake",
    'b6 7b 7d 69 0c c1 6c 4e 75 e5 42 13 cb 2d 37 b4 e9 c9 12 bc de d9 10 5d 42 be fd 59 d3 91 ad 38',
    '3f ce 51 60 09 c2 17 27 d0 f2 e4 e8 6e e4 03 bc',
    '5d 31 3e b2 67 12 76 ee 13 00 0b 30',
  ],
];

describe('the keys of TLS', () => {
  for (const [what, secret, key, iv] of TRACES) {
    it(`are those of ${what}`, () =>
      expect(trafficKeys(bytes(secret), 'AES_128_GCM', 'sha256')).to.deep.equal({ key: bytes(key), iv: bytes(iv) }));
  }

  it('have the length that the cipher wants', () => {
    const secret = Buffer.alloc(48, 1);
    expect(trafficKeys(secret, 'AES_256_GCM', 'sha384').key).to.have.length(32);
    expect(trafficKeys(secret, 'CHACHA20_POLY1305', 'sha256').key).to.have.length(32);
  });

  // Vectors of the TLS working group's list for P_SHA256 and P_SHA384, after the RFC left them out.
  it('of TLS 1.2 are expanded by its pseudorandom function, with SHA-256', () => {
    const seed = Buffer.concat([Buffer.from('test label'), bytes('a0 ba 9f 93 6c da 31 18 27 a6 f7 96 ff d5 19 8c')]);
    const secret = bytes('9b be 43 6b a9 40 f0 17 b1 76 52 84 9a 71 db 35');
    const output =
      'e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66';
    expect(expandPrf(secret, seed, 100, 'sha256').toString('hex')).to.equal(output);
  });

  it('of TLS 1.2 are expanded by its pseudorandom function, with SHA-384', () => {
    const seed = Buffer.concat([Buffer.from('test label'), bytes('cd 66 5c f6 a8 44 7d d6 ff 8b 27 55 5e db 74 65')]);
    const secret = bytes('b8 0b 73 3d 6c ee fc dc 71 56 6e a4 8e 55 67 df');
    const output =
      '7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f';
    expect(expandPrf(secret, seed, 148, 'sha384').toString('hex')).to.equal(output);
  });

  it('of TLS 1.2 are keys of client and server, then nonces of both', () => {
    const secrets = {
      masterSecret: Buffer.alloc(48, 1),
      clientRandom: Buffer.alloc(32, 2),
      serverRandom: Buffer.alloc(32, 3),
    };
    const seed = Buffer.concat([Buffer.from('key expansion'), secrets.serverRandom, secrets.clientRandom]);
    const block = (length: number): Buffer => expandPrf(secrets.masterSecret, seed, length, 'sha256');
    const [client, server] = keyBlock(secrets, 'AES_128_GCM', 'sha256');
    expect(Buffer.concat([client.key, server.key, client.iv, server.iv])).to.deep.equal(block(40));
    const [first, second] = keyBlock(secrets, 'CHACHA20_POLY1305', 'sha256');
    expect(Buffer.concat([first.key, second.key, first.iv, second.iv])).to.deep.equal(block(88));
  });
});
