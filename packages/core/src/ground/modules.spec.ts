import { cpSync, mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';

const CORE = fileURLToPath(new URL('..', import.meta.url));

/** As npm's `events` has it. */
const MAIN = JSON.stringify({ main: './main.js' });

/** A file of a config's folder by the specifier that names it, or undefined where the specifier names nothing. */
const RESOLVED: Readonly<Record<string, string | undefined>> = {
  './beside.mjs': 'beside.mjs',
  '../above.mjs': '../above.mjs',
  vpn: 'node_modules/vpn/main.js',
  '@acme/vpn': 'node_modules/@acme/vpn/exported.js',
  'vpn/other.js': 'node_modules/vpn/other.js',
  events: '../node_modules/events/main.js',
  'fs/promises': 'node_modules/fs/promises.js',
  stray: undefined, // all below are in the current directory only
  util: undefined,
  'node:util': undefined,
  'path/posix': undefined,
  '#alias': undefined,
  './here': undefined,
};

describe('modules', () => {
  const { path } = temporaryFolder();
  const home = realpathSync(path);
  const config = join(home, 'team/fdpass/config.yaml');
  const clone = join(home, 'clone');

  before(() => {
    for (const [file, text] of Object.entries({
      'above.mjs': '',
      'node_modules/events/package.json': MAIN,
      'node_modules/events/main.js': '',
      'fdpass/package.json': JSON.stringify({ imports: { '#alias': 'util' } }),
      'fdpass/beside.mjs': '',
      'fdpass/node_modules/vpn/package.json': MAIN,
      'fdpass/node_modules/vpn/main.js': '',
      'fdpass/node_modules/vpn/other.js': '',
      'fdpass/node_modules/@acme/vpn/package.json': JSON.stringify({ exports: './exported.js', main: './main.js' }),
      'fdpass/node_modules/@acme/vpn/exported.js': '',
      'fdpass/node_modules/fs/promises.js': '',
    }))
      write(`team/${file}`, text);
    for (const specifier of [...Object.keys(RESOLVED), 'koffi']) {
      for (const folder of ['', 'node_modules/', 'modules/']) {
        write(`clone/${folder}${specifier}.js`, "console.log('RUN');");
        write(`clone/${folder}${specifier}/index.js`, "console.log('RUN');");
      }
    }
  });

  function write(name: string, text: string): void {
    mkdirSync(dirname(join(home, name)), { recursive: true });
    writeFileSync(join(home, name), text);
  }

  /** What a program prints that runs in the clone. Its `load` imports a module of core. */
  async function inClone(source: string, NODE_PATH = '', core = CORE): Promise<string> {
    const program = `const load = (path) => import(${JSON.stringify(core)} + path);\n${source}`;
    const ran = await run(process.execPath, ['--input-type=module', '-e', program], { cwd: clone, env: { NODE_PATH } });
    expect(ran.stderr).to.equal('');
    return ran.stdout.trim();
  }

  /** What each specifier resolves to, or why it does not. */
  async function resolved(specifiers: readonly string[], from: string, NODE_PATH?: string): Promise<unknown[]> {
    const source = `
const { resolveModule } = await load('ground/modules.js');
const resolve = (specifier) => {
  try {
    return resolveModule(specifier, ${JSON.stringify(from)});
  } catch (error) {
    return error.message;
  }
};
console.log(JSON.stringify(${JSON.stringify(specifiers)}.map((specifier) => resolve(specifier) ?? null)));`;
    return JSON.parse(await inClone(source, NODE_PATH)) as unknown[];
  }

  it('are found from the file that names them, never in the current directory or among those of Node', async () => {
    const specifiers = Object.keys(RESOLVED);
    const expected = specifiers.map((specifier) => {
      const file = RESOLVED[specifier];
      return file === undefined ? null : join(dirname(config), file);
    });
    expect(await resolved(specifiers, config)).to.deep.equal(expected);
  });

  it('are found where a link leads, though the program has just looked at a pipe', async () => {
    write('stored/linked/main.js', '');
    write('stored/linked/package.json', MAIN);
    symlinkSync(join(home, 'stored/linked'), join(dirname(config), 'node_modules/linked'));
    const found = await inClone(`
import { statSync } from 'node:fs';
const { resolveModule } = await load('ground/modules.js');
resolveModule('vpn', ${JSON.stringify(config)});
statSync('/dev/stdout'); // a pipe
console.log(resolveModule('linked', ${JSON.stringify(config)}));`);
    expect(found).to.equal(join(home, 'stored/linked/main.js'));
  });

  it('are found in a folder of NODE_PATH, and refused if that is relative', async () => {
    const packages = join(dirname(config), 'node_modules');
    const files = [join(packages, 'fs/promises.js'), join(packages, 'vpn/main.js')];
    expect(await resolved(['fs/promises', 'vpn'], '/nowhere/config.yaml', packages)).to.deep.equal(files);
    const refused = 'NODE_PATH has the relative folder "modules"';
    const words = await resolved(['events', 'vpn', 'stray', './beside.mjs'], config, 'modules');
    expect(words).to.deep.equal([refused, refused, refused, join(dirname(config), 'beside.mjs')]);
  });

  it('are none, or a path, where the current directory has been deleted', async () => {
    const words = await resolved(['stray', './here', '/none'], '(config)');
    expect(words).to.deep.equal([
      null,
      'the path "./here" starts at the current directory, which has been deleted',
      null,
    ]);
  });

  describe('and koffi, where a program is installed without it', () => {
    const core = join(home, 'program/core/');
    const source = `
const { findSys, loadSys } = await load('sys/koffi.js');
try {
  console.log(loadSys() === findSys());
} catch (error) {
  console.log(findSys(), error.message);
}`;

    before(() => {
      cpSync(CORE, core, { recursive: true });
      write('program/package.json', '{ "type": "module" }');
    });

    it('is not the current directory’s', async () => {
      expect(await inClone(source, '', core)).to.equal('undefined cannot load koffi: it is not installed');
      expect(await inClone(source, 'modules', core)).to.equal(
        'undefined cannot load koffi: NODE_PATH has the relative folder "modules"',
      );
    });

    it('can be in a folder of NODE_PATH', async () => {
      const installed = join(CORE, '../node_modules');
      expect(await inClone(source, installed, core)).to.equal('true');
    });
  });
});
