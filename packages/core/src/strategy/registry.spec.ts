import { expect } from 'chai';
import { StrategyRegistry } from './registry.js';
import type { Strategy } from './strategy.js';

function strategy(name: string, schemes: string[] = []): Strategy {
  return { name, schemes, create: () => ({ dial: () => Promise.reject(new Error('not dialled')) }) };
}

describe('StrategyRegistry', () => {
  it('finds strategies by name and by URL scheme, lazy ones too', async () => {
    const registry = new StrategyRegistry();
    const lazy = strategy('lazy', ['lazy']);
    registry.register(strategy('plain', ['plain', 'plains']));
    registry.register({ name: 'lazy', schemes: ['lazy'], load: () => Promise.resolve(lazy) });
    expect(registry.names()).to.deep.equal(['lazy', 'plain']);
    expect(registry.entryForScheme('plains').name).to.equal('plain');
    expect(await registry.load(registry.entry('lazy'))).to.equal(lazy);
  });

  it('refuses a name or a scheme that is taken, and names that are none', () => {
    const registry = new StrategyRegistry();
    registry.register(strategy('one', ['s']));
    expect(() => registry.register(strategy('one'))).to.throw(/registered twice/);
    expect(() => registry.register(strategy('two', ['s']))).to.throw(
      /URL scheme "s" is registered twice, by one and two/,
    );
    for (const name of ['', 'Big', '-x', 'a b'])
      expect(() => registry.register(strategy(name))).to.throw(/is not a strategy name/);
  });

  it('says what is known where a name is not, and what may have been meant', () => {
    const registry = new StrategyRegistry();
    registry.register(strategy('http-connect'));
    expect(() => registry.entry('http-conect'))
      .to.throw(/unknown strategy "http-conect"/)
      .with.property('hint', 'did you mean "http-connect"?');
  });
});
