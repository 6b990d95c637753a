import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { makePrivateFolder, replaceFile } from './own-files.js';

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

describe('replacing a file', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it('leaves the new text, which nobody else can read, and nothing beside it', () => {
    const path = join(folder.path, 'file');
    writeFileSync(path, 'old', { mode: 0o644 });
    replaceFile(path, 'new');
    expect(readFileSync(path, 'utf8')).to.equal('new');
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    expect(readdirSync(folder.path)).to.deep.equal(['file']);
    replaceFile(path, 'for all', 0o666);
    expect(statSync(path).mode & 0o777).to.equal(0o666);
  });

  it('gives it the time that it is to have', () => {
    const path = join(folder.path, 'dated');
    replaceFile(path, '', 0o600, 1_700_000_000);
    expect(statSync(path).mtimeMs).to.equal(1_700_000_000_000);
  });

  it('that cannot be done leaves nothing beside it either', () => {
    mkdirSync(join(folder.path, 'taken'));
    expect(() => replaceFile(join(folder.path, 'taken'), 'new')).to.throw(/EISDIR/);
    expect(readdirSync(folder.path)).to.not.include(`taken.${process.pid}`);
  });
});
