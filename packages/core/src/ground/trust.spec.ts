import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync } from 'node:fs';
import { expect } from 'chai';
import { refusal, useFolder } from '../config/folder.spec.helper.js';
import { checkTrusted, readTrustedFile } from './files.js';
import { entriesOnWayTo, isOnlyMember, whyDistrusted } from './trust.js';

const isRoot = process.getuid?.() === 0;
const STRANGER = 54321;
const FOLDER = 0o040000;
const LINK = 0o120000;

describe('the way to a trusted file', () => {
  const folder = useFolder();

  it('is every folder and link that the kernel passes, and the file', () => {
    folder.write('real/sub/file', 'text');
    symlinkSync('../real/./sub', folder.path('real/relative'));
    symlinkSync(`${folder.path()}/real//relative/../relative`, folder.path('absolute'));
    const passed = entriesOnWayTo(folder.path('absolute/file')).map(({ path }) => path);
    const above = entriesOnWayTo(folder.path()).map(({ path }) => path);
    expect(above[0]).to.equal('/');
    expect(above.at(-1)).to.equal(folder.path());
    expect(passed).to.deep.equal([
      ...above,
      folder.path('absolute'),
      ...above.slice(1),
      ...['real', 'real/relative', 'real', 'real/sub'].map((name) => folder.path(name)),
      ...['real/relative', 'real', 'real/sub', 'real/sub/file'].map((name) => folder.path(name)),
    ]);
  });

  it('ends where links lead in a circle', () => {
    symlinkSync('b', folder.path('a'));
    symlinkSync('a', folder.path('b'));
    expect(refusal(() => entriesOnWayTo(folder.path('a'))).message).to.match(/has too many symbolic links on its way/);
  });

  /** Both ways to use a file: reading it, and letting Node read it. */
  function refusals(file: string): string[] {
    return [readTrustedFile, checkTrusted].map((use) => {
      const { message, hint } = refusal(() => use(file));
      return `${message}; ${hint}`;
    });
  }

  const modes: readonly (readonly [mode: number, who: string | undefined])[] = [
    [0o755, undefined],
    [0o1777, undefined],
    [0o775, 'its group (mode 0775)'],
    [0o757, 'everybody (mode 0757)'],
    [0o777, 'its group and everybody (mode 0777)'],
  ];
  for (const [mode, who] of modes) {
    it(`is ${who === undefined ? 'safe' : 'not safe'} through a folder with mode ${mode.toString(8)}`, () => {
      const file = folder.write('open/sub/file', 'text');
      const open = folder.path('open');
      chownSync(open, process.getuid?.() ?? 0, 0);
      chmodSync(open, mode);
      if (who === undefined) {
        expect(readTrustedFile(file)).to.equal('text');
        return checkTrusted(file);
      }
      const reason = `${open} can be written by ${who}, so ${file} cannot be trusted; run: chmod go-w ${open}`;
      expect(refusals(file)).to.deep.equal([reason, reason]);
    });
  }

  it('is not safe where others can replace a link, even if the file is', () => {
    const file = folder.write('safe/file', 'text');
    mkdirSync(folder.path('open'));
    chmodSync(folder.path('open'), 0o777);
    symlinkSync(file, folder.path('open/link'));
    symlinkSync('open/link', folder.path('link'));
    for (const way of ['open/link', 'link']) {
      for (const reason of refusals(folder.path(way)))
        expect(reason).to.match(/\/open can be written by its group and everybody/);
    }
    expect(readTrustedFile(file)).to.equal('text');
  });

  it("is not safe through somebody else's folder or link (needs root)", function () {
    if (!isRoot) this.skip();
    const file = folder.write('theirs/file', 'text');
    mkdirSync(folder.path('shared'));
    chmodSync(folder.path('shared'), 0o1777);
    symlinkSync(folder.write('ours/file', 'text'), folder.path('shared/link'));
    chownSync(folder.path('theirs'), STRANGER, STRANGER);
    lchownSync(folder.path('shared/link'), STRANGER, STRANGER);
    for (const [way, theirs] of [
      [file, 'theirs'],
      [folder.path('shared/link'), 'shared/link'],
    ] as const) {
      const reason = `${folder.path(theirs)} belongs to the user with uid ${STRANGER}, neither to you nor to root, so ${way} cannot be trusted`;
      for (const found of refusals(way)) expect(found).to.equal(`${reason}; use a file in a folder of your own`);
    }
  });

  it('takes the mode of folders and files for what it is, and not that of links', () => {
    const at = (mode: number): unknown => whyDistrusted('/x', { uid: 1, gid: STRANGER, mode }, 1)?.message;
    expect(at(LINK | 0o777)).to.equal(undefined);
    expect(at(FOLDER | 0o1777)).to.equal(undefined);
    expect(at(0o101777)).to.match(/can be written by its group and everybody/); // sticky means nothing for a file
  });
});

describe("a user's own group", () => {
  const passwd = ['root:x:0:0::/root:/bin/sh', 'me:x:1000:1000::/home/me:/bin/sh', 'you:x:1001:1001::/:/bin/sh', ''];
  const group = [
    'root:x:0:',
    'me:x:1000:',
    'you:x:1001:me',
    'mine:x:2000:me',
    'ours:x:2001:me,you',
    'none:x:2002:',
    '',
  ];
  const is = (gid: number, uid = 1000, users = passwd): boolean =>
    isOnlyMember(uid, gid, users.join('\n'), group.join('\n'));

  it('is one in which nobody else is, by either of the two files', () => {
    expect([1000, 2000].map((gid) => is(gid))).to.deep.equal([true, true]);
    expect([1001, 2001, 2002, 3000].map((gid) => is(gid))).to.deep.equal([false, false, false, false]);
    expect(is(1000, 1001)).to.equal(false);
    expect(is(3000, 1002, [...passwd, 'none:x:1002:3000::/:/bin/sh'])).to.equal(false); // a group without a name
    expect(is(1000, 1000, [...passwd, 'other:x:1002:1000::/:/bin/sh'])).to.equal(false);
  });

  it("is never root's, which programs run with", () => expect(is(0, 0)).to.equal(false));

  it('may write in its folders and files, as Debian makes them (needs root)', function () {
    if (!isRoot) this.skip();
    const { stdout } = spawnSync('id', ['-u', 'www-data'], { encoding: 'utf8' });
    const id = Number(stdout.trim());
    if (!(id > 0)) this.skip();
    const script = `
      const { whyDistrusted } = await import(${JSON.stringify(new URL('./trust.js', import.meta.url).href)});
      const why = (gid, mode, options) => whyDistrusted('/x', { uid: ${id}, gid, mode }, ${id}, options)?.message;
      console.log(JSON.stringify([why(${id}, 0o664), why(${id}, 0o40775), why(0, 0o664), why(${id}, 0o666), why(${id}, 0o660, { secret: true })]));`;
    const answer = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(JSON.parse(answer.stdout)).to.deep.equal([
      null,
      null,
      '/x can be written by its group (mode 0664)',
      '/x can be written by everybody (mode 0666)',
      '/x holds a secret and is open to its group (mode 0660)',
    ]);
  });
});
