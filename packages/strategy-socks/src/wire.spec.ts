import type { Connection } from '@fdpass/core';
import { expect } from 'chai';
import { readReply, replyError } from './reply.js';
import { encodeRequest4 } from './socks4-wire.js';
import {
  boundAddressLength,
  encodeAuthentication,
  encodeGreeting,
  encodeRequest,
  MAX_REPLY_LENGTH,
  missingReplyBytes,
} from './socks5-wire.js';

const hex = (bytes: Buffer): string => bytes.toString('hex');

describe('SOCKS messages', () => {
  const requests: readonly (readonly [what: string, host: string, port: number, hex: string])[] = [
    ['an IPv4 address', '192.0.2.1', 22, '05010001c00002010016'],
    ['an IPv6 address', '2001:db8::1', 443, `0501000420010db8${'00'.repeat(11)}0101bb`],
    ['an IPv6 address with an IPv4 tail', '64:ff9b::192.0.2.33', 22, '050100040064ff9b0000000000000000c00002210016'],
    ['an IPv6 address with a zone, which is dropped', 'fe80::1%eth0', 22, `05010004fe80${'00'.repeat(13)}010016`],
    ['a name', 'host.example', 65535, `050100030c${Buffer.from('host.example').toString('hex')}ffff`],
  ];
  for (const [what, host, port, expected] of requests) {
    it(`SOCKS5 request for ${what} (RFC 1928 §4)`, () => expect(hex(encodeRequest(host, port))).to.equal(expected));
  }

  it('SOCKS5 request for the longest name, and none for a longer one', () => {
    expect(encodeRequest('a'.repeat(255), 22).length).to.equal(5 + 255 + 2);
    expect(() => encodeRequest('a'.repeat(256), 22)).to.throw(/longer than 255 bytes/);
  });

  it('greeting (RFC 1928 §3) and authentication (RFC 1929 §2)', () => {
    expect(hex(encodeGreeting([0]))).to.equal('050100');
    expect(hex(encodeGreeting([0, 2]))).to.equal('05020002');
    expect(hex(encodeAuthentication({ username: 'me', password: 'ß' }))).to.equal('01026d6502c39f');
    expect(hex(encodeAuthentication({ username: 'm\udce9', password: '\udcff' }))).to.equal('01026de901ff'); // %E9, %FF
    expect(hex(encodeAuthentication({ username: '', password: 'x' }))).to.equal('01000178');
    expect(hex(encodeAuthentication({ username: 'x', password: '' }))).to.equal('01017800');
    for (const [username, password] of [
      ['x'.repeat(256), 'x'],
      ['x', '\u00e9'.repeat(128)],
    ] as const) {
      expect(() => encodeAuthentication({ username, password }))
        .to.throw(/which SOCKS5 cannot carry/)
        .with.property('code', 'config');
    }
  });

  it('knows how long each reply is (RFC 1928 §6)', () => {
    expect([boundAddressLength(1), boundAddressLength(4), boundAddressLength(3, 7)]).to.deep.equal([6, 18, 9]);
    expect(() => boundAddressLength(2)).to.throw(/unknown address type 0x2/);
  });

  const replies: Readonly<Record<string, string>> = {
    'an IPv4 address': '05000001c00002010016',
    'an IPv6 address': `05000004${'00'.repeat(16)}0016`,
    'a name': '0500000301610016',
    'a refusal': '0502',
    'another protocol': '4854',
  };
  for (const [what, reply] of Object.entries(replies)) {
    it(`never takes a byte beyond the end of a reply with ${what}, however much of it has arrived`, () => {
      const whole = Buffer.from(reply, 'hex');
      const all = Buffer.concat([whole, Buffer.from('SSH-2.0-x')]);
      for (let seen = 0; seen <= all.length; seen++) {
        for (let taken = 0; taken <= Math.min(seen, whole.length); taken++) {
          const missing = missingReplyBytes(all.subarray(0, taken), all.subarray(0, seen));
          const least = seen >= whole.length ? whole.length : seen + 1;
          expect(missing, `${taken} of ${seen}`).to.be.within(least - taken, whole.length - taken);
        }
      }
      expect(missingReplyBytes(whole)).to.equal(0);
    });
  }

  it('a reply can be read from a connection of an older copy of core, which does not say what has arrived', async () => {
    const whole = Buffer.from('05000001c00002010016', 'hex');
    const readThrough = async (missing: (soFar: Buffer) => number): Promise<Buffer> => {
      let length = 0;
      for (let more = missing(whole.subarray(0, 0)); more > 0; more = missing(whole.subarray(0, length)))
        length += more;
      return whole.subarray(0, length);
    };
    const older = { readThrough } as unknown as Connection;
    expect(await readReply(older, missingReplyBytes, MAX_REPLY_LENGTH)).to.deep.equal(whole);
  });

  it('SOCKS 4 and 4a requests', () => {
    expect(hex(encodeRequest4('192.0.2.1', 22, ''))).to.equal('04010016c000020100');
    expect(hex(encodeRequest4('192.0.2.1', 22, 'me'))).to.equal('04010016c00002016d6500');
    expect(hex(encodeRequest4('192.0.2.1', 22, 'm\udce9'))).to.equal('04010016c00002016de900');
    expect(hex(encodeRequest4('h.example', 22, 'me'))).to.equal('04010016000000016d6500682e6578616d706c6500');
    expect(() => encodeRequest4('h', 22, 'a\0b')).to.throw(/NUL byte/);
  });

  it('every reply code in words, with an exit code that fits', () => {
    const table = (version: 4 | 5, codes: readonly number[]): string[] =>
      codes.map((code) => `${replyError(version, code).code}: ${replyError(version, code).message}`);
    expect(table(5, [1, 2, 3, 4, 5, 6, 7, 8, 9, 0xf0, 0xf7])).to.deep.equal([
      'unreachable: the proxy answered: general SOCKS server failure (SOCKS5 reply 0x01)',
      'permission: the proxy answered: connection not allowed by the ruleset (SOCKS5 reply 0x02)',
      'unreachable: the proxy answered: network unreachable (SOCKS5 reply 0x03)',
      'unreachable: the proxy answered: host unreachable (SOCKS5 reply 0x04)',
      'unreachable: the proxy answered: connection refused (SOCKS5 reply 0x05)',
      'timeout: the proxy answered: TTL expired (SOCKS5 reply 0x06)',
      'protocol: the proxy answered: command not supported (SOCKS5 reply 0x07)',
      'protocol: the proxy answered: address type not supported (SOCKS5 reply 0x08)',
      'protocol: the proxy answered: an unknown reply code (SOCKS5 reply 0x09)',
      'unknown-host: the proxy answered: onion service descriptor not found (SOCKS5 reply 0xf0)',
      'timeout: the proxy answered: onion service introduction timed out (SOCKS5 reply 0xf7)',
    ]);
    expect(table(4, [0x5b, 0x5c, 0x5d])).to.deep.equal([
      'unreachable: the proxy answered: request rejected or failed (SOCKS4 reply 0x5b)',
      'permission: the proxy answered: rejected: the proxy cannot reach identd on this machine (SOCKS4 reply 0x5c)',
      'permission: the proxy answered: rejected: identd reports another user (SOCKS4 reply 0x5d)',
    ]);
    expect(replyError(5, 5).cause).to.include({ name: 'SocksReplyError', reply: 5, version: 5 });
  });
});
