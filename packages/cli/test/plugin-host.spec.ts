import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { networkChain, testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { ROOT } from './doc-blocks.spec.helper.js';

/** The page that lists what plugins get. */
describe('docs/plugin-host.md', () => {
  const page = readFileSync(join(ROOT, 'docs/plugin-host.md'), 'utf8');

  it('says what the types say (else: npm run docs)', async () => {
    const { formatHostPage } = await import(pathToFileURL(join(ROOT, 'scripts/plugin-host.mjs')).href);
    expect(page).to.equal(formatHostPage());
  });

  it('lists all that a host really has', () => {
    const listed = [...page.matchAll(/^- `host\.(\w+)/gm)].map(([, name]) => name);
    expect(listed.sort()).to.deep.equal(Object.keys(testHost({ forward: networkChain })).sort());
  });
});
