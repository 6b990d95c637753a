import { expect } from 'chai';
import { jumpArguments, parseJumpHost } from './jump.js';

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
