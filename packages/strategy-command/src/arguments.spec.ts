import { testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { command } from './command.js';
import { jump, jumpArguments, parseJumpHost } from './jump.js';

describe('jump hosts', () => {
  const good: readonly (readonly [text: string, parsed: object])[] = [
    ['bastion', { host: 'bastion' }],
    ['me@Bastion.example:2222', { user: 'me', host: 'bastion.example', port: 2222 }],
    ['[2001:db8::1]:22', { host: '2001:db8::1', port: 22 }],
    ['me@[::1]', { user: 'me', host: '::1' }],
  ];
  for (const [text, parsed] of good) it(`take ${text}`, () => expect(parseJumpHost(text)).to.deep.equal(parsed));

  for (const text of [
    '',
    '-oProxyCommand=x',
    'me@-x',
    '-me@host',
    'a b',
    'host:0',
    'host:99999',
    'host:ssh',
    '@host',
    'a@b@c',
    'unix/x',
    'host\n',
    'a;b',
  ]) {
    it(`refuse ${JSON.stringify(text)}`, () =>
      expect(() => parseJumpHost(text))
        .to.throw(/the jump host/)
        .with.property('code', 'config'));
  }

  it('become the arguments of ssh -W, the last one after --', () => {
    const hosts = ['a', 'u@b:1', 'v@[::1]:2'].map(parseJumpHost);
    const words = jumpArguments(hosts, { host: 'target', port: 22 }, ['-F', 'x']);
    expect(words).to.deep.equal(['-F', 'x', '-J', 'a,u@b:1', '-l', 'v', '-p', '2', '-W', '[target]:22', '--', '::1']);
  });
});

describe('what explain says of programs', () => {
  it('is which of them stay', async () => {
    const target = { host: 'host.example', port: 22 };
    const dialers = [
      await jump.create({ hosts: ['bastion'] }, testHost()),
      await command.create({ command: ['nc', '%h', '%p'] }, testHost()),
      await command.create({ command: ['nc', '-F', '%h', '%p'], fdpass: true }, testHost()),
    ];
    expect(dialers.map((dialer) => dialer.explain?.(target))).to.deep.equal([
      ['ssh -W copies the bytes, and stays for as long as the connection lasts'],
      ['the program copies the bytes, and stays for as long as the connection lasts'],
      [],
    ]);
  });
});
