import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from '../background.js';
import { requirePeers } from '../peers.js';
import { archive, moduleFiles } from './initramfs.js';

describe('what a virtual machine boots from', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it('is an archive that cpio unpacks', function () {
    const { busybox = '' } = requirePeers(this, 'busybox');
    const input = archive([{ path: 'bin' }, { path: 'bin/tool', content: 'odd' }, { path: 'empty', content: '' }]);
    const output = execFileSync(busybox, ['cpio', '-it', '-v'], { input, stdio: ['pipe', 'pipe', 'ignore'] });
    const lines = String(output).trim().split('\n');
    expect(lines.map((line) => [line.slice(0, 10), line.split(' ').at(-1)])).to.deep.equal([
      ['drwxr-xr-x', 'bin'],
      ['-rwxr-xr-x', 'bin/tool'],
      ['-rwxr-xr-x', 'empty'],
    ]);
    const text = execFileSync(busybox, ['cpio', '-i', '--to-stdout', 'bin/tool'], {
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    expect(String(text)).to.equal('odd');
  });

  it('loads modules after those that they need, each once, and none that are built in', () => {
    const modules = join(folder.path, 'modules');
    mkdirSync(modules);
    const lines = [
      'net/9p-virtio.ko.xz: net/9p.ko.xz virtio/ring.ko virtio/virtio.ko',
      'net/9p.ko.xz:',
      'fs/9pfs.ko: net/9p.ko.xz',
    ];
    writeFileSync(join(modules, 'modules.dep'), `${lines.join('\n')}\n`);
    const files = ['virtio/virtio.ko', 'virtio/ring.ko', 'net/9p.ko.xz', 'net/9p-virtio.ko.xz', 'fs/9pfs.ko'];
    expect(moduleFiles(modules, ['9p_virtio', 'built_in', '9pfs'])).to.deep.equal(
      files.map((file) => join(modules, file)),
    );
  });
});
