import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { expect } from 'chai';
import { refusal, useFolder } from './folder.spec.helper.js';
import { CONFIG_FOLDER_NAMES } from './places.js';
import { searchFolder } from './search.js';

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
    expect(runIn(folder.path('home'), 'ours').touched).to.include(`readFileSync ${file}`);
  });

  it('takes the first name of the list', () => {
    for (const name of CONFIG_FOLDER_NAMES.toReversed()) {
      folder.write(name, '{}');
      expect(searchFolder(folder.path(), CONFIG_FOLDER_NAMES)?.file).to.equal(folder.path(name));
    }
  });

  it('finds nothing in a folder that is empty or missing, and does not look above it', () => {
    mkdirSync(folder.path('sub/sub'), { recursive: true });
    folder.write('config.yaml', '{}');
    expect(searchFolder(folder.path('sub/sub'), CONFIG_FOLDER_NAMES)).to.equal(undefined);
    expect(searchFolder(folder.path('none'), CONFIG_FOLDER_NAMES)).to.equal(undefined);
  });

  const unusable: readonly (readonly [what: string, make: () => void, message: RegExp])[] = [
    ['a folder', () => mkdirSync(folder.path('config.yaml')), /config\.yaml is a folder, not a file/],
    ['a link to nowhere', () => symlinkSync('nowhere', folder.path('config.yaml')), /config\.yaml: no such file/],
    ['a link to itself', () => symlinkSync('config.yaml', folder.path('config.yaml')), /config\.yaml: ELOOP/],
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
      expect(refusal(() => searchFolder(folder.path(), CONFIG_FOLDER_NAMES)).message).to.match(message);
    });
  }

  it('does not pass over a folder that is a file', () => {
    const file = folder.write('fdpass', '{}');
    expect(refusal(() => searchFolder(file, CONFIG_FOLDER_NAMES)).message).to.match(/ENOTDIR/);
  });

  it('does not take a plain mapping with $import to pieces', () => {
    folder.write('other.yaml', 'rules: []');
    folder.write('config.yaml', '$import: ./other.yaml');
    expect(searchFolder(folder.path(), CONFIG_FOLDER_NAMES)?.data).to.deep.equal({ $import: './other.yaml' });
  });
});
