import { makeTarget } from '@fdpass/core';
import { expect } from 'chai';
import { jumpArguments, parseJumpHost } from './jump.js';
import { fillTokens } from './tokens.js';

describe('tokens of a command', () => {
  const target = makeTarget({ host: 'host.example', port: 22, user: 'me', alias: 'nas' });

  it('are filled into one argument, whatever is in them', () => {
    expect(fillTokens('--to=%h:%p', target)).to.equal('--to=host.example:22');
    expect(fillTokens('%r@%n 100%%', target)).to.equal('me@nas 100%');
    expect(fillTokens('no token; $(touch x) `id`', target)).to.equal('no token; $(touch x) `id`');
  });

  it('that are unknown or have no value are errors', () => {
    expect(() => fillTokens('%x', target)).to.throw(/unknown token "%x"/);
    expect(() => fillTokens('50%', target)).to.throw(/unknown token "%"/);
    expect(() => fillTokens('%r', { host: 'h', port: 1 }))
      .to.throw(/%r is not known/)
      .with.property('hint', "run fdpass with --user '%r'");
  });
});

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
