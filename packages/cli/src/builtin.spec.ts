import { StrategyRegistry } from '@fdpass/core';
import { expect } from 'chai';
import { BUILTIN } from './builtin.js';

describe('built-in strategies', () => {
  for (const entry of BUILTIN) {
    it(`${entry.name} is what its entry says`, async () => {
      const strategy = await new StrategyRegistry().load(entry);
      const said = ({ name, schemes = [], opensSockets = false }: typeof entry): unknown => ({
        name,
        schemes: [...schemes].sort(),
        opensSockets,
      });
      expect(said(strategy)).to.deep.equal(said(entry));
    });
  }
});
