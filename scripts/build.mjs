// Compiles every package, then bundles the two commands into CommonJS files, which start in a fraction of the time that
// a tree of ES modules takes. Code that a plain dial does not need is in separate files. docs/decisions.md has the figures.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noticesFor } from './notices.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const OUT = 'packages/cli/bundle';
const MAN = 'packages/cli/man';
const SCHEMA = 'packages/cli/schema';
/** The launchers of the two commands. Each runs the bundle that it is named after, and npm does not pack links. */
const LAUNCHERS = ['packages/cli/bin/fdpass.cjs', 'packages/cli/bin/fdrecv.cjs'];
/** The agent's client in C, which has to do without a C library, and what it is compiled with for each processor. */
const CLIENT = 'packages/cli/ask-agent/ask-agent.c';
const COMPILERS = { x64: 'x86_64-linux-gnu-gcc', arm64: 'aarch64-linux-gnu-gcc' };
const COMPILER_OPTIONS = [
  ...['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-Os', '-ffreestanding', '-fno-pie', '-fno-stack-protector'],
  ...[
    '-fno-asynchronous-unwind-tables',
    '-nostdlib',
    '-static',
    '-no-pie',
    '-s',
    '-Wl,--build-id=none,-z,noseparate-code',
  ],
];
/** A link to this Node, for starts whose PATH has none. It is not published. */
const BUILT_WITH = 'packages/cli/built-with-node';

console.log('build: compiling the packages');
for (const name of readdirSync('packages')) {
  removeOrphans(join('packages', name, 'dist'), join('packages', name, 'src'));
  removeOrphans(join('packages', name, 'dist-test'), join('packages', name, 'test'));
}
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { stdio: 'inherit' });

console.log('build: bundling bin/fdpass and bin/fdrecv');
const { build } = await import('esbuild');
const { version } = JSON.parse(readFileSync('packages/cli/package.json', 'utf8'));

/** Loads plugins, which can be ES modules, so its own import() is not bundled. */
const PLUGINS = 'packages/core/dist/strategy/plugins.js';

/** The bundle that runs before the version of Node is known. */
const LAUNCH = resolve('packages/cli/dist/launch.js');

/** The bundles that Node loads. The commands load the launcher, and that loads all others. */
const LOADED_BY_NODE = ['packages/cli/dist/code-folder.js', 'packages/core/dist/connection/pass-on.js', PLUGINS].map(
  (file) => resolve(file),
);

/** What has a bundle of its own: what is started or required by its path, and each module that is imported dynamically. */
const entries = new Set([
  ...['packages/cli/dist/fdpass.js', 'packages/cli/dist/fdrecv.js'].map((file) => resolve(file)),
  LAUNCH,
  ...LOADED_BY_NODE,
]);

/** What is around a bundle that Node does not load: the function that Node would make of it. */
const BANNER = '(function(exports,require,module,__filename,__dirname){';
const FOOTER = '})';

/** `packages/strategy-socks/dist/index.js` becomes `strategy-socks`, its `options.js` gets that prefix, others keep their names. */
function bundleName(file) {
  const name = basename(file, '.js');
  const owner = basename(resolve(file, '../..'));
  return name === 'index' ? owner : name === 'options' ? `${owner}-options` : name;
}

/** Turns each dynamic import of a module of ours into one of that module's bundle, which is beside the importer's. */
const separate = {
  name: 'separate',
  setup(plugin) {
    plugin.onResolve({ filter: /^(\.|@fdpass\/)/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const file = path.startsWith('.')
        ? resolve(resolveDir, path)
        : resolve('packages', path.slice('@fdpass/'.length), 'dist/index.js');
      entries.add(file);
      return { path: `./${bundleName(file)}.cjs`, external: true };
    });
  },
};

/**
 * tsyringe needs a `Reflect.getMetadata` when it is loaded, and calls it only for classes with decorators. We register
 * factories, so an empty function is enough, and a start does not load the polyfill.
 */
const noMetadata = {
  name: 'no-metadata',
  setup(plugin) {
    plugin.onResolve({ filter: /^reflect-metadata/ }, ({ path }) => ({ path, namespace: 'no-metadata' }));
    plugin.onLoad({ filter: /./, namespace: 'no-metadata' }, () => ({
      contents: 'Reflect.getMetadata ??= () => undefined;',
    }));
  },
};

/** What it exports, in an assignment: none of it is kept compiled, and the getters that esbuild writes would be a sixth of it. */
const LAUNCH_INPUT = {
  stdin: {
    contents: `import { launch } from './launch.js'; module.exports = { launch };`,
    resolveDir: dirname(LAUNCH),
  },
  outdir: undefined,
  outfile: join(OUT, 'launch.cjs'),
  logOverride: { 'commonjs-variable-in-esm': 'silent' }, // esbuild takes an import for a sign that there is no `module`
};

rmSync(OUT, { recursive: true, force: true });
const options = {
  outdir: OUT,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['es2015', 'module', 'main'], // as ES modules, of which unused code is left out, and in the newest syntax
  minify: true,
  // cosmiconfig's own loaders need these, but we give it ours.
  external: ['koffi', 'typescript', 'js-yaml', 'parse-json', 'import-fresh'],
  plugins: [separate, noMetadata],
  define: {
    'import.meta.filename': '__filename',
    'import.meta.dirname': '__dirname',
    FDPASS_VERSION: JSON.stringify(version),
  },
  logLevel: 'warning',
};
writeFileSync(join(OUT, 'NOTICES.txt'), noticesFor(await bundleAll()));

/** Bundles each entry, and those that the bundles turn out to import. Returns esbuild's records of what went into each. */
async function bundleAll() {
  const records = [];
  const done = new Map();
  for (const file of entries) {
    const name = bundleName(file);
    if (done.has(name)) throw new Error(`${file} and ${done.get(name)} would be the same bundle; rename one`);
    done.set(name, file);
    // Elsewhere require() instead, since the loader of ES modules takes time to start.
    const supported = { 'dynamic-import': file === resolve(PLUGINS) };
    const target = file === LAUNCH ? 'node12' : options.target;
    const around = LOADED_BY_NODE.includes(file) ? {} : { banner: { js: BANNER }, footer: { js: FOOTER } };
    const input = file === LAUNCH ? LAUNCH_INPUT : { entryPoints: [{ in: file, out: name }] };
    const { metafile } = await build({ ...options, ...around, supported, target, ...input });
    records.push(metafile);
  }
  return records;
}

console.log('build: compiling ask-agent');
for (const [arch, compiler] of Object.entries(COMPILERS)) compileClient(arch, compiler);

const { formatConfigSchema } = await import('../packages/cli/dist/config-schema.js');
mkdirSync(SCHEMA, { recursive: true });
writeFileSync(join(SCHEMA, 'config.schema.json'), await formatConfigSchema());

cpSync(...LAUNCHERS);

rmSync(BUILT_WITH, { force: true });
symlinkSync(process.execPath, BUILT_WITH);

rmSync(MAN, { recursive: true, force: true });
cpSync('man', MAN, { recursive: true }); // a package can publish only what is below it

/** A clone can do without: ssh asks the agent then, which takes longer. A published package has both. */
function compileClient(arch, crossCompiler) {
  const compiler = process.platform === 'linux' && process.arch === arch ? 'cc' : crossCompiler;
  const { error, status } = spawnSync(compiler, [...COMPILER_OPTIONS, '-o', join(OUT, `ask-agent-${arch}`), CLIENT], {
    stdio: 'inherit',
  });
  if (status === 0) return;
  const why = error === undefined ? `${compiler} failed` : `there is no ${compiler}`;
  console.log(`build: ask-agent is not compiled for ${arch}: ${why}`);
}

/** Removes what was compiled from a source that no longer exists: it would be published, or run as a test. */
function removeOrphans(compiled, sources) {
  if (!existsSync(compiled)) return;
  for (const file of readdirSync(compiled, { recursive: true })) {
    const [, module] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file) ?? [];
    if (module !== undefined && !existsSync(join(sources, `${module}.ts`))) rmSync(join(compiled, file));
  }
}
