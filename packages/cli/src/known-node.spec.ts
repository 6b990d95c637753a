import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { noteNode } from './known-node.js';
import type { StartKind } from './quick-start.js';

describe('a node that notes that it can start quickly', () => {
  const folder = temporaryFolder();
  const program = join(folder.path, 'bin/node');
  const before = process.env['XDG_CACHE_HOME'];
  let cache: string;
  let count = 0;
  beforeEach(() => {
    cache = join(folder.path, `cache ${count++}`);
    process.env['XDG_CACHE_HOME'] = cache;
    mkdirSync(join(folder.path, 'bin'), { recursive: true });
    writeFileSync(program, '');
    utimesSync(program, 1_700_000_000.25, 1_700_000_000.25);
  });
  after(() => {
    if (before === undefined) delete process.env['XDG_CACHE_HOME'];
    else process.env['XDG_CACHE_HOME'] = before;
    folder.remove();
  });

  /** What it has left: the times in seconds. */
  function marks(of: string = program): (number | undefined)[] {
    return ['older', 'newer'].map((end) => {
      const found = statSync(join(cache, 'fdpass/known-nodes', `${of}.${end}`), { throwIfNoEntry: false });
      return found && found.mtimeMs / 1000;
    });
  }

  const note = (own: Parameters<typeof noteNode>[1] = {}, kind: StartKind = 'plain'): void =>
    noteNode(kind, { program, execPath: program, version: '24.0.0', ...own });

  it('leaves a file that is older than its program and one that is newer', () => {
    note();
    expect(marks()).to.deep.equal([1_699_999_999, 1_700_000_001]);
    expect(statSync(join(cache, 'fdpass')).mode & 0o777).to.equal(0o700);
  });

  it('leaves them for the path that it was started by, which can be a link', () => {
    const link = join(folder.path, 'link to node');
    symlinkSync(program, link);
    note({ program: link });
    expect(readdirSync(dirname(join(cache, 'fdpass/known-nodes', link)))).to.have.length(2); // no draft is left
    expect(marks(link)).to.deep.equal([1_699_999_999, 1_700_000_001]);
  });

  it('follows an upgrade', () => {
    note();
    utimesSync(program, 1_750_000_000, 1_750_000_000);
    note();
    expect(marks()).to.deep.equal([1_749_999_999, 1_750_000_001]);
  });

  it('writes nothing that is there already', () => {
    note();
    const { ctimeMs } = statSync(join(cache, 'fdpass/known-nodes', `${program}.newer`));
    note();
    expect(statSync(join(cache, 'fdpass/known-nodes', `${program}.newer`)).ctimeMs).to.equal(ctimeMs);
  });

  it('takes them away for a week when a connection took longer, and writes no more than once a day', () => {
    const heavy = join(cache, 'fdpass/known-nodes', `${program}.heavy`);
    note();
    note({}, 'heavy');
    note();
    expect([marks(), existsSync(heavy)]).to.deep.equal([[undefined, undefined], true]);
    const age = (days: number): void => utimesSync(heavy, new Date(), new Date(Date.now() - days * 86_400_000));
    age(0.9);
    const { mtimeMs } = statSync(heavy);
    note({}, 'heavy');
    expect(statSync(heavy).mtimeMs).to.equal(mtimeMs);
    age(1.1);
    note({}, 'heavy');
    expect(statSync(heavy).mtimeMs).to.be.above(mtimeMs);
    age(6.9);
    note();
    expect(marks()).to.deep.equal([undefined, undefined]);
    age(7.1);
    note();
    expect(marks()).to.not.include(undefined);
  });

  it('takes them away when a config had to be read, until one need not be', () => {
    note();
    note({}, 'reading');
    expect(marks()).to.deep.equal([undefined, undefined]);
    note();
    expect(marks()).to.not.include(undefined);
  });

  const silent: Readonly<Record<string, () => void>> = {
    'a version that was not tried': () => note({ version: '27.0.0' }),
    'one that is too old': () => note({ version: '20.18.3' }),
    'a program that was not started by its path': () => note({ program: 'node' }),
    'one that starts another': () => note({ execPath: '/usr/bin/another' }),
    'one in a folder that is a link': () => {
      symlinkSync(join(folder.path, 'bin'), join(folder.path, `shell ${count}`));
      const linked = join(folder.path, `shell ${count}`, 'node');
      note({ program: linked });
      expect(marks(linked)).to.deep.equal([undefined, undefined]);
    },
    'one that has gone': () => note({ program: '/nonexistent/node', execPath: '/nonexistent/node' }),
    'a file without a time of its own': () => {
      for (const time of [1, Date.UTC(1985, 9, 26) / 1000]) {
        utimesSync(program, time, time);
        note();
      }
    },
    'a cache folder that others can write in': () => {
      mkdirSync(dirname(join(cache, 'fdpass/known-nodes', program)), { recursive: true });
      chmodSync(join(cache, 'fdpass'), 0o777);
      note();
    },
    'a cache folder that is a file': () => {
      copyFileSync(program, cache);
      note();
    },
  };
  it('says nothing where the user has no cache folder, or by a relative path', () => {
    const { HOME, XDG_CACHE_HOME } = process.env;
    const folderBefore = process.cwd();
    process.chdir(dirname(program));
    try {
      note({ program: 'node' });
      for (const name of ['HOME', 'XDG_CACHE_HOME']) delete process.env[name];
      note();
      expect(existsSync('undefined')).to.equal(false);
    } finally {
      for (const [name, value] of Object.entries({ HOME, XDG_CACHE_HOME }))
        if (value !== undefined) process.env[name] = value;
      process.chdir(folderBefore);
    }
    expect(existsSync(join(cache, 'fdpass'))).to.equal(false);
  });

  for (const [what, tell] of Object.entries(silent)) {
    it(`says nothing of ${what}`, () => {
      tell();
      expect(existsSync(join(cache, 'fdpass/known-nodes', `${program}.newer`))).to.equal(false);
    });
  }
});
