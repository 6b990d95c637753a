import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs';
import { expect } from 'chai';
import { refusal, useFolder } from '../config/folder.spec.helper.js';
import { changeAfterOpen } from './after-open.spec.helper.js';
import {
  absoluteFolder,
  checkTrusted,
  currentFolder,
  expandPath,
  inspectFile,
  readTrustedFile,
  readTrustedText,
  stampOfFile,
} from './files.js';
import { whyDistrusted } from './trust.js';

const isRoot = process.getuid?.() === 0;

describe('trusted files', () => {
  const folder = useFolder();

  it('are read, through symbolic links too', () => {
    symlinkSync(folder.write('a', 'text'), folder.path('link'));
    expect([readTrustedFile(folder.path('a')), readTrustedFile(folder.path('link'))]).to.deep.equal(['text', 'text']);
    checkTrusted(folder.path('a'));
  });

  const modes: readonly (readonly [mode: number, who: RegExp | undefined])[] = [
    [0o600, undefined],
    [0o644, undefined],
    [0o755, undefined],
    [0o664, /can be written by its group \(mode 0664\)/],
    [0o602, /can be written by everybody \(mode 0602\)/],
    [0o666, /can be written by its group and everybody \(mode 0666\)/],
  ];
  for (const [mode, message] of modes) {
    it(`with mode ${mode.toString(8)} are ${message === undefined ? 'taken' : 'refused'}`, () => {
      const file = folder.write('a', 'text');
      chmodSync(file, mode);
      if (message === undefined) return checkTrusted(file);
      const error = refusal(() => readTrustedFile(file));
      expect(error.message).to.match(message).and.contain(file);
      expect(error.hint).to.equal(`run: chmod go-w ${file}`);
    });
  }

  it('with a secret in them may not be open to others at all', () => {
    const status = (mode: number) => whyDistrusted('/f', { uid: 1, gid: 1, mode }, 1, { secret: true });
    expect(status(0o100600)).to.equal(undefined);
    expect(status(0o100640)).to.include({
      message: '/f holds a secret and is open to its group (mode 0640)',
      hint: 'run: chmod go= /f',
    });
    expect(status(0o100604)?.message).to.match(/open to everybody/);
    expect(whyDistrusted('/f', { uid: 1, gid: 1, mode: 0o100644 }, 1)).to.equal(undefined);
  });

  it('belong to the user or to root', () => {
    const owner = (uid: number, user: number | undefined) =>
      whyDistrusted("/it's", { uid, gid: 1, mode: 0o100600 }, user);
    expect([owner(0, 1000), owner(1000, 1000), owner(5, undefined)]).to.deep.equal([undefined, undefined, undefined]);
    expect(owner(1001, 1000)?.message).to.equal("/it's belongs to the user with uid 1001, neither to you nor to root");
    expect(owner(1001, 1000)?.hint).to.equal("make it yours: chown 1000 '/it'\\''s'");
    expect(owner(1000, 0)?.message).to.match(/neither/);
  });

  it("that are somebody else's are refused (needs root)", function () {
    if (!isRoot) this.skip();
    const file = folder.write('a', 'text');
    chownSync(file, 54321, 54321);
    expect(refusal(() => readTrustedFile(file)).message).to.match(/uid 54321/);
  });

  it('that may not be read are refused (not for root, who may read everything)', function () {
    if (isRoot) this.skip();
    const file = folder.write('a', 'text', 0o000);
    expect(refusal(() => readTrustedFile(file))).to.include({
      message: `${file}: permission denied`,
      hint: `make it readable: chmod u+r ${file}`,
    });
  });

  it('are files: no folder, no missing file, and no named pipe that would wait for ever', function () {
    mkdirSync(folder.path('d'));
    expect(refusal(() => readTrustedFile(folder.path('d'))).message).to.match(/is a folder, not a file/);
    expect(refusal(() => readTrustedFile(folder.path('none'))).message).to.match(/no such file/);
    if (spawnSync('mkfifo', ['-m', '600', folder.path('pipe')]).status !== 0) this.skip();
    expect(refusal(() => readTrustedFile(folder.path('pipe'))).message).to.match(/is a device or a pipe, not a file/);
  });

  it('are looked at on the descriptor that is read: what is put in their place meanwhile does not count', () => {
    const file = folder.write('a', 'first');
    const replace = (text: string, mode: number) => (): void => {
      rmSync(file);
      chmodSync(folder.write('a', text), mode);
    };
    const inode = (identity: string): string | undefined => identity.split(' ')[1];
    const first = inode(inspectFile(file).stamp.identity);
    const read = changeAfterOpen(replace('second', 0o666), () => readTrustedText(file));
    expect([read.text, inode(read.stamp.identity)]).to.deep.equal(['first', first]);
    const error = refusal(() => changeAfterOpen(replace('third', 0o600), () => readTrustedFile(file)));
    expect(error.message).to.match(/can be written by its group and everybody/);
  });

  it('have a stamp that changes with them, also behind a link, and none where they are missing', () => {
    const [first, second] = [folder.write('first', 'same'), folder.write('second', 'same')];
    const link = folder.path('link');
    symlinkSync(first, link);
    const before = stampOfFile(link)?.identity;
    expect([stampOfFile(first)?.identity, stampOfFile(folder.path('missing'))]).to.deep.equal([before, undefined]);
    rmSync(link);
    symlinkSync(second, link);
    expect(stampOfFile(link)?.identity).not.to.equal(before);
  });

  it('are no larger than 1 MiB, whatever their status says', () => {
    const largest = folder.write('a', 'x'.repeat(2 ** 20));
    expect(readTrustedFile(largest)).to.have.length(2 ** 20);
    const tooLarge = { message: `${largest} is larger than 1 MiB`, hint: 'check that it is the right file' };
    const grow = (): void => appendFileSync(largest, 'x');
    expect(refusal(() => changeAfterOpen(grow, () => readTrustedFile(largest)))).to.include(tooLarge);
    truncateSync(largest, 2 ** 40);
    expect(refusal(() => readTrustedFile(largest))).to.include(tooLarge);
  });

  it('are closed again, whatever comes of them', () => {
    const before = readdirSync('/proc/self/fd');
    const open = folder.write('open', '', 0o600);
    chmodSync(open, 0o666);
    const good = folder.write('good', 'text');
    for (let i = 0; i < 20; i++) {
      refusal(() => readTrustedFile(open));
      refusal(() => readTrustedFile(folder.path()));
      readTrustedFile(good);
    }
    expect(readdirSync('/proc/self/fd')).to.deep.equal(before);
  });
});

describe('paths in a current directory that has been deleted', () => {
  const here = process.cwd();
  const folder = useFolder();
  beforeEach(() => {
    mkdirSync(folder.path('gone'));
    process.chdir(folder.path('gone'));
    rmdirSync(folder.path('gone'));
  });
  afterEach(() => process.chdir(here));

  it('are as ever if they are absolute', () => {
    expect(expandPath('/a/../b', currentFolder())).to.equal('/b');
    expect(expandPath('~/a', currentFolder(), '/home/me')).to.equal('/home/me/a');
    expect(expandPath('a', '/etc')).to.equal('/etc/a');
    expect(absoluteFolder('/a/../b')).to.equal('/b');
  });

  it('are refused with a NUL byte in them, without being repeated', () => {
    expect(() => expandPath('/hush\0', '/')).to.throw(/^a path has a NUL byte in it$/);
  });

  it('are refused if they are relative', () => {
    for (const base of [currentFolder(), absoluteFolder(), absoluteFolder('sub')]) {
      expect(base).to.equal('');
      expect(() => expandPath('a b', base))
        .to.throw('a relative path starts at the current directory, which has been deleted')
        .with.property('code', 'usage');
    }
  });
});
