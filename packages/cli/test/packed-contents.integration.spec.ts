import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requirePeers, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { filesIn, type Manifest, manifestIn, packAll, publishedPackages, ROOT } from './packed.spec.helper.js';

/** What is in the tarballs that would be published. */
describe('the packed packages', () => {
  const folder = temporaryFolder();
  let sources: ReadonlyMap<string, Manifest>;
  let tree: readonly [before: string[], after: string[]];

  before(async () => {
    sources = await publishedPackages();
    const before = treeOf([ROOT, ...sources.keys()]);
    const tarballs = await packAll(folder.path);
    tree = [before, treeOf([ROOT, ...sources.keys()])];
    for (const [name, tarball] of tarballs) {
      mkdirSync(unpacked(name), { recursive: true });
      execFileSync('tar', ['-xzf', tarball, '-C', unpacked(name), '--strip-components=1']);
    }
  });
  after(() => folder.remove());

  const unpacked = (name: string): string => join(folder.path, 'unpacked', name);

  /** Checks each package, and says which one it was. */
  function forEach(check: (manifest: Manifest, place: string, source: string) => void): void {
    expect([...sources.values()].map(({ name }) => name)).to.include.members(['fdpass', '@fdpass/core']);
    for (const [source, { name }] of sources) check(manifestIn(unpacked(name)), unpacked(name), source);
  }

  it('have exactly the files they should have', () => {
    forEach(({ name }, place, source) => {
      const own = existsSync(join(source, 'bundle')) ? commandFiles(source) : libraryFiles(source);
      if (existsSync(join(source, 'CHANGELOG.md'))) own.push('CHANGELOG.md'); // there is one from the first release on
      expect(filesIn(place), name).to.deep.equal([...own, 'LICENSE', 'README.md', 'package.json'].sort());
    });
  });

  it('have every file that the manifest names, commands that can be run, and all manual pages', () => {
    forEach(({ name, bin = {}, man = [], exports }, place) => {
      const exported = Object.values(exports).flatMap((way) => (typeof way === 'string' ? way : Object.values(way)));
      for (const file of [...exported, ...man, ...Object.values(bin)])
        expect(existsSync(join(place, file)), `${name}: ${file}`).to.equal(true);
      for (const file of Object.values(bin)) {
        expect(statSync(join(place, file)).mode & 0o111, file).to.equal(0o111);
        expect(readFileSync(join(place, file), 'utf8'), file).to.match(/^#!\/(bin\/sh|usr\/bin\/env node)\n/);
      }
      if (name === 'fdpass') expect([...man]).to.deep.equal(filesIn(join(ROOT, 'man')).map((page) => `man/${page}`));
    });
  });

  it("have the agent's client for each processor", function () {
    if (process.platform !== 'linux') this.skip();
    requirePeers(this, 'gcc', ...(process.arch === 'x64' ? ['aarch64-linux-gnu-gcc'] : []));
    const clients = filesIn(unpacked('fdpass')).filter((file) => file.startsWith('bundle/ask-agent-'));
    expect(clients).to.include.members(
      ['arm64', ...(process.arch === 'x64' ? ['x64'] : [])].map((arch) => `bundle/ask-agent-${arch}`),
    );
    for (const file of clients) expect(statSync(join(unpacked('fdpass'), file)).size, file).to.be.within(1000, 4000);
  });

  it('have types for each way in', () => {
    forEach(({ name, exports }) => {
      const code = Object.values(exports).filter((way) => !`${way}`.endsWith('.json'));
      for (const way of code) expect(way, name).to.have.keys('types', 'default');
      expect(code, name).to.not.have.lengthOf(0);
    });
  });

  it('have source maps whose sources are there', () => {
    forEach((_, place) => {
      for (const map of filesIn(place).filter((file) => file.endsWith('.map'))) {
        const { sources: from } = JSON.parse(readFileSync(join(place, map), 'utf8')) as { sources: string[] };
        for (const source of from) expect(existsSync(join(place, dirname(map), source)), map).to.equal(true);
      }
    });
  });

  it('say what they are, where they come from and on which Node they run', () => {
    forEach(({ name, ...fields }, _, source) => {
      const directory = source.slice(ROOT.length);
      expect(fields, name).to.deep.include({
        license: 'MIT',
        type: 'module',
        sideEffects: name === 'fdpass' ? ['./dist/register-if-able.cjs', './dist/register.js'] : false,
        engines: { node: '>=20.19' },
        bugs: 'https://github.com/fdpass/fdpass/issues',
        homepage: `https://github.com/fdpass/fdpass/tree/main/${directory}#readme`,
        repository: { type: 'git', url: 'git+https://github.com/fdpass/fdpass.git', directory },
        publishConfig: { access: 'public' },
      });
      expect(fields['description'], name).to.be.a('string').that.has.length.above(20);
      expect(fields['keywords'], name).to.include.members(['ssh', 'fdpass']);
    });
  });

  it('depend on each other in this very version, run no scripts when installed, and are in step', () => {
    const { version } = manifestIn(join(ROOT, 'packages/core'));
    forEach(({ name, dependencies = {}, scripts, ...fields }) => {
      expect(fields.version, name).to.equal(version);
      expect(scripts, name).to.equal(undefined);
      for (const [other, range] of Object.entries(dependencies))
        if (other.startsWith('@fdpass/')) expect(range, `${name}: ${other}`).to.equal(version);
      expect(JSON.stringify(dependencies), name).to.not.include('workspace:');
    });
  });

  it('import nothing that they do not depend on: what is installed beside them need not be', () => {
    let count = 0;
    forEach(({ name, dependencies = {}, peerDependencies = {} }, place) => {
      const allowed = [name, ...Object.keys(dependencies), ...Object.keys(peerDependencies)];
      for (const file of filesIn(place).filter((each) => /^dist\/.*(\.js|\.d\.ts)$/.test(each)))
        for (const imported of importsOf(readFileSync(join(place, file), 'utf8'))) {
          count += 1;
          expect(allowed, `${name}: ${file}`).to.include(imported);
        }
    });
    expect(count).to.be.above(50);
  });

  it('name the licence of everything that is bundled into the commands', () => {
    const notices = readFileSync(join(unpacked('fdpass'), 'bundle/NOTICES.txt'), 'utf8');
    for (const name of ['cosmiconfig', 'tsyringe', 'valibot', 'yaml'])
      expect(notices).to.match(new RegExp(`^--- ${name} [0-9.]+ \\([-0-9A-Za-z.]+\\) ---$`, 'm'));
  });

  it('leave nothing in the tree when packed; the workspace itself cannot be published', () => {
    expect(tree[1]).to.deep.equal(tree[0]);
    expect(manifestIn(ROOT).private).to.equal(true);
  });
});

/** The packages that a module or a declaration imports, statically or not; Node's own are left out. */
function importsOf(text: string): string[] {
  const specifiers = [
    ...text.matchAll(/(?:\bfrom |\bimport |\bimport\()['"]((?:@[\w.-]+\/)?[\w-][\w.-]*)(?:\/[^'"]*)?['"]/g),
  ];
  return specifiers.flatMap(([, name]) => (name === undefined ? [] : [name]));
}

/** What packing could leave something in: the names in these folders, and their manifests. */
function treeOf(folders: readonly string[]): string[] {
  return folders.flatMap((folder) => [...readdirSync(folder), readFileSync(join(folder, 'package.json'), 'utf8')]);
}

/** The sources that are published, and what the compiler makes of each. */
function libraryFiles(source: string): string[] {
  const modules = filesIn(join(source, 'src')).filter((file) => !/\.spec\./.test(file));
  expect(modules.every((file) => file.endsWith('.ts'))).to.equal(true);
  const template = join(source, 'template');
  const copied = existsSync(template) ? filesIn(template).map((file) => `template/${file}`) : [];
  return [...modules.flatMap(compiled), ...copied];
}

function compiled(file: string): string[] {
  const endings = file.endsWith('.cts') ? ['.cjs', '.d.cts'] : ['.js', '.d.ts'];
  const results = endings.flatMap((ending) => [ending, `${ending}.map`]);
  return [`src/${file}`, ...results.map((ending) => `dist/${file.replace(/\.c?ts$/, ending)}`)];
}

/** Of the commands' package: what programs import, and what `fdpass run` has Node programs load. */
const MODULES = [
  'builtin.ts',
  'index.ts',
  'inline.ts',
  'program-dialer.ts',
  'register.ts',
  'register-dial.ts',
  'register-if-able.cts',
];

/** The bundles and what starts them; of the modules, those that somebody who imports the package needs. */
function commandFiles(source: string): string[] {
  const bundled = ['fdpass.cjs', 'fdrecv.cjs', 'load.cjs', 'plugins.cjs', 'NOTICES.txt'];
  expect(filesIn(join(source, 'bundle'))).to.include.members(bundled);
  const folders = ['bin', 'bundle'].flatMap((name) => filesIn(join(source, name)).map((file) => `${name}/${file}`));
  const modules = MODULES.flatMap(compiled);
  return [
    ...folders,
    ...modules,
    ...filesIn(join(ROOT, 'man')).map((page) => `man/${page}`),
    'schema/config.schema.json',
  ];
}
