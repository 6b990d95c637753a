import { expect } from 'chai';
import { describeGreeting } from './describe-greeting.js';

const GREETINGS: readonly (readonly [greeting: string, protocol: string | undefined, text: string])[] = [
  ['SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n', 'SSH', 'SSH-2.0-OpenSSH_9.2p1 Debian-2'],
  ['220 mail.example ESMTP Postfix\r\n', 'SMTP', '220 mail.example ESMTP Postfix'],
  ['220 (vsFTPd 3.0.3)\r\n', 'FTP', '220 (vsFTPd 3.0.3)'],
  ['* OK [CAPABILITY IMAP4rev1] ready\r\n', 'IMAP', '* OK [CAPABILITY IMAP4rev1] ready'],
  ['+OK Dovecot ready.\r\n', 'POP3', '+OK Dovecot ready.'],
  ['RFB 003.008\n', 'VNC', 'RFB 003.008'],
  ['HTTP/1.1 408 Request Timeout\r\n\r\n', 'HTTP', 'HTTP/1.1 408 Request Timeout'],
  ['<!DOCTYPE html><title>hi', 'HTTP', '<!DOCTYPE html><title>hi'],
  ['J\0\0\0\n8.0.35\0', 'MySQL', '4a 00 00 00 0a 38 2e 30 2e 33 35 00'],
  ['\xff\xfd\x18\xff\xfd\x20', 'Telnet', 'ff fd 18 ff fd 20'],
  ['\x15\x03\x01\0\x02\x02\x28', 'TLS', '15 03 01 00 02 02 28'],
  ['\r\nWelcome to\tthe \xc3\xa9cole\r\n', undefined, 'Welcome to the école'],
  ['\x1b]0;title\x07', undefined, '1b 5d 30 3b 74 69 74 6c 65 07'],
  ['x'.repeat(100), undefined, `${'x'.repeat(80)}…`],
  ['\0'.repeat(20), undefined, `${'00 '.repeat(16)}…`],
];

describe('what a server says first', () => {
  for (const [greeting, protocol, text] of GREETINGS) {
    it(`${protocol ?? 'something'}: ${JSON.stringify(greeting.slice(0, 20))}`, () =>
      expect(describeGreeting(Buffer.from(greeting, 'latin1'))).to.deep.equal({ protocol, text }));
  }

  it('nothing', () => expect(describeGreeting(Buffer.alloc(0))).to.equal(undefined));
});
