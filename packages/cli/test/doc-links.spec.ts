import { existsSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect } from 'chai';
import { docPages, docText, ROOT } from './doc-blocks.spec.helper.js';

const LINK = /\]\(([^)\s]+)\)/g;

/** The anchors of a page, as GitHub makes them from its headings. */
function anchorsOf(page: string): string[] {
  const headings = [...docText(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}

/** Why a link of a page does not lead anywhere; undefined if it does. */
function objection(page: string, target: string): string | undefined {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (!existsSync(file)) return 'there is no such file';
  if (anchor === undefined || statSync(file).isDirectory()) return undefined;
  return anchorsOf(relative(ROOT, file)).includes(anchor) ? undefined : 'there is no such heading';
}

describe('links in the docs', () => {
  const links = docPages().flatMap((page) =>
    [...docText(page).matchAll(LINK)]
      .map(([, target = '']) => ({ page, target }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  );

  it('lead to files and headings that are there', () => {
    const broken = links.map(({ page, target }) => [`${page} -> ${target}`, objection(page, target)]);
    expect(broken.filter(([, why]) => why !== undefined)).to.deep.equal([]);
  });

  it('are found, and broken ones too', () => {
    expect(links.length).to.be.greaterThan(50);
    expect(objection('README.md', 'docs/nowhere.md')).to.equal('there is no such file');
    expect(objection('README.md', 'docs/agent.md#nowhere')).to.equal('there is no such heading');
    expect(objection('docs/faq.md', 'clients.md#node-from-nvm-and-the-like')).to.equal(undefined);
  });
});
