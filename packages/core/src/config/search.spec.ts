import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { expect } from 'chai';
import { refusal, useFolder } from './folder.spec.helper.js';
import { CONFIG_FOLDER_NAMES, PROGRAM_FOLDER_NAMES } from './places.js';
import { searchFolder } from './search.js';
import type { Source } from './source.js';

/**
 * Run in the hostile directory: reports every path under it that the file system is asked for, and what was loaded.
 * The functions are replaced before anything is imported, so that CommonJS and ES modules both get the recording ones.
 */
const PROBE = `
const fs = require('node:fs');
const cwd = process.cwd();
const touched = [];
for (const name of Object.keys(fs)) {
  const original = fs[name];
  if (typeof original !== 'function' || !/^(open|read|stat|lstat|access|exists|realpath|opendir)/.test(name)) continue;
  fs[name] = Object.assign(function (path, ...rest) {
    if (typeof path === 'string' && require('node:path').resolve(path).startsWith(cwd)) touched.push(name + ' ' + path);
    return original.call(this, path, ...rest);
  }, original);
}
require('node:module').syncBuiltinESMExports();
(async () => {
  const [what, url, home] = process.argv.slice(1);
  let file = null;
  if (what === 'ours') file = (await import(url)).loadRules({ home, env: { HOME: home }, systemDir: home + '/none' })?.config.file ?? null;
  else require('node:module').createRequire(url)('cosmiconfig').cosmiconfigSync('fdpass');
  console.log(JSON.stringify({ file, touched }));
})();
`;

describe('the search for a config', () => {
  const folder = useFolder();

  const search = (from: string): Source | undefined => searchFolder({ folder: from, names: CONFIG_FOLDER_NAMES });

  function runIn(cwd: string, what: 'ours' | 'public'): { file: string | null; touched: string[] } {
    const load = new URL('./load.js', import.meta.url).href;
    const result = spawnSync(process.execPath, ['-e', PROBE, what, load, folder.path('home')], {
      cwd,
      encoding: 'utf8',
    });
    if (result.status !== 0) throw new Error(result.stderr);
    return JSON.parse(result.stdout) as { file: string | null; touched: string[] };
  }

  function hostileFolder(): string {
    const code = `require('node:fs').writeFileSync(${JSON.stringify(folder.path('ran'))}, 'x'); module.exports = {};`;
    const meta = 'cosmiconfig:\n  searchPlaces: ["evil.yaml"]\n';
    for (const name of [
      '.config/config.js',
      '.config/config.cjs',
      'cosmiconfig.config.js',
      '.cosmiconfigrc.js',
      'fdpass.config.js',
      '.fdpassrc.js',
      'config.js',
    ]) {
      folder.write(`clone/${name}`, code);
    }
    for (const name of ['.config/config.yaml', '.config/config.yml', 'package.yaml', 'cosmiconfig.yaml'])
      folder.write(`clone/${name}`, meta);
    folder.write(
      'clone/package.json',
      '{ "cosmiconfig": { "searchPlaces": ["evil.yaml"] }, "fdpass": { "rules": [] } }',
    );
    for (const name of [
      ...CONFIG_FOLDER_NAMES,
      '.fdpassrc',
      '.fdpassrc.yaml',
      'evil.yaml',
      '.config/fdpass/config.yaml',
      '.config/fdpassrc',
    ]) {
      folder.write(`clone/${name}`, 'rules: [{ use: evil }]');
    }
    return folder.path('clone');
  }

  it('runs nothing and reads nothing in a hostile current directory', () => {
    const file = folder.write('home/.config/fdpass/config.yaml', 'rules: [{ use: direct }]');
    expect(runIn(hostileFolder(), 'ours')).to.deep.equal({ file, touched: [] });
    expect(existsSync(folder.path('ran'))).to.equal(false);
  });

  it('does not fall back to the current directory where there is no config', () => {
    expect(runIn(hostileFolder(), 'ours')).to.deep.equal({ file: null, touched: [] });
    expect(existsSync(folder.path('ran'))).to.equal(false);
  });

  it('is needed: the public functions of cosmiconfig do run code from there', () => {
    const cwd = folder.path('clone');
    folder.write(
      'clone/.config/config.js',
      `require('node:fs').writeFileSync(${JSON.stringify(folder.path('ran'))}, 'x'); module.exports = {};`,
    );
    expect(runIn(cwd, 'public').touched).to.not.deep.equal([]);
    expect(existsSync(folder.path('ran'))).to.equal(true);
  });

  it('would be seen by this test if it read anything here', () => {
    const file = folder.write('home/.config/fdpass/config.yaml', '{}');
    expect(runIn(folder.path('home'), 'ours').touched).to.include(`openSync ${file}`);
  });

  it('takes the first name of the list', () => {
    for (const name of CONFIG_FOLDER_NAMES.toReversed()) {
      folder.write(name, '{}');
      expect(search(folder.path())?.file).to.equal(folder.path(name));
    }
  });

  it('finds nothing in a folder that is empty or missing, and does not look above it', () => {
    mkdirSync(folder.path('sub/sub'), { recursive: true });
    folder.write('config.yaml', '{}');
    expect(search(folder.path('sub/sub'))).to.equal(undefined);
    expect(search(folder.path('none'))).to.equal(undefined);
  });

  const unusable: readonly (readonly [what: string, make: () => void, message: RegExp])[] = [
    ['a folder', () => mkdirSync(folder.path('config.yaml')), /config\.yaml is a folder, not a file/],
    ['a link to nowhere', () => symlinkSync('nowhere', folder.path('config.yaml')), /config\.yaml: no such file/],
    [
      'a link to itself',
      () => symlinkSync('config.yaml', folder.path('config.yaml')),
      /config\.yaml: too many symbolic links/,
    ],
    ['an empty file', () => folder.write('config.yaml', ''), /config\.yaml:1:1: the file is empty/],
    ['a broken file', () => folder.write('config.yaml', '['), /config\.yaml:1:2: /],
    [
      'a named pipe',
      () => expect(spawnSync('mkfifo', ['-m', '600', folder.path('config.yaml')]).status).to.equal(0),
      /a device or a pipe/,
    ],
  ];
  for (const [what, make, message] of unusable) {
    it(`does not pass over ${what} to the next name`, () => {
      make();
      folder.write('config.json', '{}');
      expect(refusal(() => search(folder.path())).message).to.match(message);
    });
  }

  it('does not pass over a folder that is a file', () => {
    const file = folder.write('fdpass', '{}');
    expect(refusal(() => search(file)).message).to.equal(`${file} is not a folder`);
    symlinkSync('nowhere', folder.path('link'));
    expect(refusal(() => search(folder.path('link'))).message).to.equal(`${folder.path('link')} is not a folder`);
  });

  it('does not take a plain mapping with $import to pieces', () => {
    folder.write('other.yaml', 'rules: []');
    folder.write('config.yaml', '$import: ./other.yaml');
    expect(search(folder.path())?.data).to.deep.equal({ $import: './other.yaml' });
  });

  it('opens a config once, and checks the owner on the descriptor that it reads', () => {
    const file = folder.write('home/.config/fdpass/config.yaml', '{}');
    const { touched } = runIn(folder.path('home'), 'ours');
    expect(touched.filter((call) => /^(open|read)/.test(call))).to.deep.equal([`openSync ${file}`]);
    expect(search(folder.path('home/.config/fdpass'))?.stamp, 'without it nothing is cached').to.be.an('object');
    chmodSync(file, 0o602);
    expect(refusal(() => search(folder.path('home/.config/fdpass'))).message).to.match(/can be written by everybody/);
  });

  it('leaves the file system as it was, also after an error', () => {
    const before = process.getBuiltinModule('node:fs').readFileSync;
    folder.write('config.yaml', '[');
    refusal(() => search(folder.path()));
    expect(process.getBuiltinModule('node:fs').readFileSync).to.equal(before);
    expect(readFileSync(folder.path('config.yaml'), 'utf8')).to.equal('[');
  });

  it('leaves other reads alone while it searches', () => {
    const other = folder.write('other', 'x');
    folder.write('config.yaml', '{}');
    const fs: { -readonly [Name in 'readFileSync' | 'statSync']: typeof import('node:fs')[Name] } =
      process.getBuiltinModule('node:fs');
    const { statSync } = fs;
    const seen: unknown[] = [];
    fs.statSync = ((...args: Parameters<typeof statSync>) => {
      seen.push(fs.readFileSync(other));
      return statSync(...args);
    }) as typeof statSync;
    try {
      search(folder.path());
    } finally {
      fs.statSync = statSync;
    }
    expect(seen[0]).to.deep.equal(Buffer.from('x'));
  });

  describe("in an embedding program's folder", () => {
    const own = (from: string, up = false): Source | undefined =>
      searchFolder({ folder: folder.path(from), names: PROGRAM_FOLDER_NAMES, up });

    it('takes the key fdpass of package.json, if there is no file of ours', () => {
      const file = folder.write(
        'app/package.json',
        '{\n\t"name": "app",\n\t"fdpass": {\n\t\t"rules": [{ "use": "a" }]\n\t}\n}\n',
      );
      const found = own('app');
      expect(found).to.include({ file, baseDir: folder.path('app') });
      expect(found?.data).to.deep.equal({ rules: [{ use: 'a' }] });
      expect(found?.locate(['rules', 0])).to.include({ file, line: 4 });
      const first = folder.write('app/.fdpassrc', '{}');
      expect(own('app')?.file).to.equal(first);
    });

    it('passes over a package.json without that key, and asks nothing of it', () => {
      chmodSync(folder.write('app/package.json', '{ "name": "app" }'), 0o666);
      expect(own('app')).to.equal(undefined);
      chmodSync(folder.write('app/package.json', '{ "fdpass": {} }'), 0o666);
      expect(refusal(() => own('app')).message).to.match(/package\.json can be written by/);
    });

    it('looks above it only if told to, and not above the first package.json', () => {
      mkdirSync(folder.path('app/src/deep'), { recursive: true });
      const above = folder.write('fdpass.yaml', '{}');
      expect(own('app/src/deep')).to.equal(undefined);
      expect(own('app/src/deep', true)?.file).to.equal(above);
      folder.write('app/package.json', '{}');
      expect(own('app/src/deep', true)).to.equal(undefined);
      const root = folder.write('app/fdpass.json', '{}');
      expect(own('app/src/deep', true)?.file).to.equal(root);
    });
  });
});
