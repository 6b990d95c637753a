import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { RULES } from './ineffective.js';

const PAGE = new URL('../../../../docs/ssh-options.md', import.meta.url);

describe('options of ssh that have no effect', () => {
  it('are all in docs/ssh-options.md', () => {
    const rows = [...readFileSync(PAGE, 'utf8').matchAll(/^\| `(\w+)/gm)].map(([, option]) => option);
    expect(rows).to.include.members(RULES.map(({ option }) => option));
  });
});
