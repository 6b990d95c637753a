import { chmodSync, mkdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { makePrivateFolder } from './private-folder.js';

describe('a private folder', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it('is made with those above it, and found the next time', () => {
    const path = join(folder.path, 'a/b');
    for (const _ of ['made', 'found']) expect(makePrivateFolder(path)).to.equal(true);
    expect(statSync(path).mode & 0o777).to.equal(0o700);
  });

  it('cannot be had where somebody else can write, behind a link, below a file, or in /proc', () => {
    mkdirSync(join(folder.path, 'open'));
    chmodSync(join(folder.path, 'open'), 0o777);
    symlinkSync(folder.path, join(folder.path, 'link'));
    for (const path of [join(folder.path, 'open'), join(folder.path, 'link'), '/dev/null/fdpass', '/proc/fdpass'])
      expect(makePrivateFolder(path), path).to.equal(false);
  });
});
