import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';

const BIN = fileURLToPath(new URL('bin.js', import.meta.url));

describe('create-fdpass-strategy', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());
  const create = (...args: readonly string[]) => run(process.execPath, [BIN, ...args], { cwd: folder.path });

  it('writes a project that is called after its folder', async () => {
    const { status, stdout, stderr } = await create('fdpass-strategy-mine');
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.match(/"mine".*cd fdpass-strategy-mine\n.*npm test/s);
    const made = join(folder.path, 'fdpass-strategy-mine');
    const manifest = JSON.parse(readFileSync(join(made, 'package.json'), 'utf8'));
    expect(manifest.name).to.equal('fdpass-strategy-mine');
    expect(manifest.peerDependencies['@fdpass/core']).to.match(/^\^\d+\.\d+\.\d+$/);
    expect(readFileSync(join(made, 'src/strategy.ts'), 'utf8')).to.include("name: 'mine'");
    expect(readFileSync(join(made, '.gitignore'), 'utf8')).to.include('node_modules');
    for (const file of readdirSync(made, { recursive: true, withFileTypes: true })) {
      if (file.isFile()) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.to.match(/__[A-Z]+__/);
    }
  });

  it('takes an empty folder, and none that has anything in it', async () => {
    mkdirSync(join(folder.path, 'empty'));
    expect((await create('empty')).status).to.equal(0);
    mkdirSync(join(folder.path, 'full'));
    writeFileSync(join(folder.path, 'full/notes'), 'mine');
    const { status, stdout, stderr } = await create('full');
    expect([status, stdout]).to.deep.equal([73, '']);
    expect(stderr).to.match(/^create-fdpass-strategy: .*full exists and is not empty.*\n$/);
    expect(readdirSync(join(folder.path, 'full'))).to.deep.equal(['notes']);
  });

  it('refuses what is not a name, and writes nothing', async () => {
    for (const name of ['Bad Name', '9lives', 'fdpass-strategy-', 'über']) {
      const { status, stderr } = await create(name);
      expect([name, status]).to.deep.equal([name, 73]);
      expect(stderr).to.match(/^create-fdpass-strategy: .*lower-case.*\n$/);
      expect(existsSync(join(folder.path, name))).to.equal(false);
    }
  });

  it('tells how it is used', async () => {
    expect((await create('--help')).stdout).to.match(/^Usage: npm create fdpass-strategy FOLDER/);
    for (const args of [[], ['one', 'two'], ['--force']]) {
      const { status, stderr } = await create(...args);
      expect(status).to.equal(64);
      expect(stderr).to.match(/^create-fdpass-strategy: name one folder.*\n$/);
    }
  });
});
