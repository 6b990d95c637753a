import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const API = new URL('../../../docs/api/', import.meta.url);

interface Reference {
  apiPages(): Map<string, string>;
  undocumented(): string[];
}

describe('API reference', () => {
  let reference: Reference;

  before(async () => {
    reference = await import(new URL('../../../scripts/reference/pages.mjs', import.meta.url).href);
  });

  it('in docs/api says what the declarations say (else: npm run docs)', () => {
    const pages = reference.apiPages();
    expect(readdirSync(API).sort()).to.deep.equal([...pages.keys()].sort());
    for (const [name, text] of pages) expect(readFileSync(new URL(name, API), 'utf8'), name).to.equal(text);
  });

  it('has a sentence for every exported symbol', () => {
    expect(reference.undocumented()).to.deep.equal([]);
  });

  it('has no two headings of one page under the same anchor', () => {
    for (const [name, text] of reference.apiPages()) {
      const contents = [...text.matchAll(/^- \*\*.*$/gm)].join('\n');
      const anchors = [...contents.matchAll(/\]\((#[^)]+)\)/g)].map(([, anchor]) => anchor);
      expect(new Set(anchors).size, name).to.equal(anchors.length);
    }
  });
});
