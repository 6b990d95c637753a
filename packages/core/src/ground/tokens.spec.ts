import { expect } from 'chai';
import { makeTarget } from './read-target.js';
import { fillTokens, hasKnownTokens } from './tokens.js';

describe('tokens of a command', () => {
  const target = makeTarget({ host: 'host.example', port: 22, user: 'me', alias: 'nas' });

  it('are filled into one argument, whatever is in them', () => {
    expect(fillTokens('--to=%h:%p', target, 'exec')).to.equal('--to=host.example:22');
    expect(fillTokens('%r@%n 100%%', target, 'exec')).to.equal('me@nas 100%');
    expect(fillTokens('no token; $(touch x) `id`', target, 'exec')).to.equal('no token; $(touch x) `id`');
  });

  it('that are unknown or have no value are errors', () => {
    expect(() => fillTokens('%x', target, 'exec')).to.throw(/^option "exec": unknown token "%x"/);
    for (const text of ['%x', '50%', '%%%', 'a%%x%y']) expect(hasKnownTokens(text), text).to.equal(false);
    for (const text of ['', '%h:%p %r %n', '50%%', '%%x', '%%%h']) expect(hasKnownTokens(text), text).to.equal(true);
    expect(() => fillTokens('50%', target, 'exec')).to.throw(/unknown token "%"/);
    expect(() => fillTokens('%r', { host: 'h', port: 1 }, 'exec'))
      .to.throw(/%r is not known/)
      .with.property('hint', "run fdpass with --user '%r'");
  });
});
