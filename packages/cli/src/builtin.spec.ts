import type { StrategyTraits } from '@fdpass/core';
import { StrategyRegistry } from '@fdpass/core/host';
import { expect } from 'chai';
import { BUILTIN } from './builtin.js';

describe('built-in strategies', () => {
  for (const entry of BUILTIN) {
    it(`${entry.name} is what its entry says`, async () => {
      const strategy = await new StrategyRegistry().load(entry);
      const said = ({ name, schemes = [], firstOnly = false, shorthand, targets }: StrategyTraits): unknown => ({
        name,
        schemes: [...schemes].sort(),
        firstOnly,
        shorthand,
        targets,
      });
      expect(said(strategy)).to.deep.equal(said(entry));
    });
  }
});
