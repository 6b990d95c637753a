import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { replaceFile } from './replace-file.js';

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

  it('that cannot be done leaves nothing beside it either', () => {
    mkdirSync(join(folder.path, 'taken'));
    expect(() => replaceFile(join(folder.path, 'taken'), 'new')).to.throw(/EISDIR/);
    expect(readdirSync(folder.path)).to.not.include(`taken.${process.pid}`);
  });
});
