// Compiles every package, then bundles the two commands into CommonJS files, which start in a fraction of the time that
// a tree of ES modules takes. Code that a plain dial does not need is in separate files. docs/decisions.md has the figures.
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { noticesFor } from './notices.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const OUT = 'packages/cli/bundle';
const MAN = 'packages/cli/man';
const SCHEMA = 'packages/cli/schema';
/** The launchers of the two commands. Each runs the bundle that it is named after, and npm does not pack links. */
const LAUNCHERS = ['packages/cli/bin/fdpass.cjs', 'packages/cli/bin/fdrecv.cjs'];
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

/** Modules that are imported dynamically and become separate bundles: name and compiled file. */
const SEPARATE = new Map(
  [
    'packages/core/dist/ground/private-folder.js',
    'packages/core/dist/config/load.js',
    'packages/core/dist/cold-start/config-cache.js',
    PLUGINS,
    'packages/core/dist/proxy/ask.js',
    'packages/core/dist/proxy/credentials.js',
    'packages/core/dist/proxy/tls.js',
    'packages/core/dist/connection/spawn.js',
    'packages/core/dist/connection/pass-on.js',
    'packages/core/dist/proxy/first-line.js',
    'packages/strategy-http-connect/dist/digest.js',
    'packages/core/dist/json-schema/config-schema.js',
    'packages/strategy-direct/dist/options.js',
    'packages/strategy-happy-eyeballs/dist/options.js',
    ...[
      'check',
      'explain',
      'schema',
      'strategies',
      'last-error',
      'init',
      'help-command',
      'config-file',
      'set-credentials',
      'agent',
      'agent-start',
    ].map((name) => `packages/cli/dist/${name}.js`),
    ...readdirSync('packages')
      .filter((name) => name.startsWith('strategy-'))
      .map((name) => `packages/${name}/dist/index.js`)
      .filter((file) => existsSync(file)),
  ].map((file) => [resolve(file), bundleName(file)]),
);

/** `packages/strategy-socks/dist/index.js` becomes `strategy-socks`, its `options.js` gets that prefix, others keep their names. */
function bundleName(file) {
  const name = basename(file, '.js');
  const owner = basename(resolve(file, '../..'));
  return name === 'index' ? owner : name === 'options' ? `${owner}-options` : name;
}

/** Turns a dynamic import of a separate module into one of its bundle, which is beside ours. */
const separate = {
  name: 'separate',
  setup(plugin) {
    plugin.onResolve({ filter: /^(\.|@fdpass\/)/ }, ({ kind, path, resolveDir }) => {
      if (kind !== 'dynamic-import') return undefined;
      const file = path.startsWith('.')
        ? resolve(resolveDir, path)
        : resolve('packages', path.slice('@fdpass/'.length), 'dist/index.js');
      const name = SEPARATE.get(file);
      return name === undefined ? undefined : { path: `./${name}.cjs`, external: true };
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

/**
 * The first lines of every bundle. Each bundled module requires Node's own modules again, which costs a start some
 * microseconds every time, so the results are cached. CommonJS does not have import.meta; our code uses only its url.
 */
const BANNER =
  'require=((ask,got=new Map())=>Object.assign((name)=>got.get(name)??(got.set(name,ask(name)),got.get(name)),ask))(require);' +
  "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;";

rmSync(OUT, { recursive: true, force: true });
const options = {
  outdir: OUT,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  metafile: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'], // packages with both are smaller as ES modules: unused code is left out
  minify: true,
  // cosmiconfig's own loaders need these, but we give it ours.
  external: ['koffi', 'typescript', 'js-yaml', 'parse-json', 'import-fresh'],
  plugins: [separate, noMetadata],
  banner: { js: BANNER },
  define: { 'import.meta.url': 'importMetaUrl', FDPASS_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};
const entry = (file) => ({ in: file, out: bundleName(file) });
const plugins = await build({ ...options, entryPoints: [entry(PLUGINS)] });
const commands = await build({
  ...options,
  entryPoints: ['packages/cli/dist/fdpass.js', 'packages/cli/dist/fdrecv.js', ...SEPARATE.keys()]
    .filter((file) => resolve(file) !== resolve(PLUGINS))
    .map(entry),
  supported: { 'dynamic-import': false }, // require() instead, since the loader of ES modules takes time to start
});
writeFileSync(join(OUT, 'NOTICES.txt'), noticesFor([plugins.metafile, commands.metafile]));

const { formatConfigSchema } = await import('../packages/cli/dist/config-schema.js');
mkdirSync(SCHEMA, { recursive: true });
writeFileSync(join(SCHEMA, 'config.schema.json'), await formatConfigSchema());

cpSync(...LAUNCHERS);

rmSync(BUILT_WITH, { force: true });
symlinkSync(process.execPath, BUILT_WITH);

rmSync(MAN, { recursive: true, force: true });
cpSync('man', MAN, { recursive: true }); // a package can publish only what is below it

/** Removes what was compiled from a source that no longer exists: it would be published, or run as a test. */
function removeOrphans(compiled, sources) {
  if (!existsSync(compiled)) return;
  for (const file of readdirSync(compiled, { recursive: true })) {
    const [, module] = /^(.*?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(file) ?? [];
    if (module !== undefined && !existsSync(join(sources, `${module}.ts`))) rmSync(join(compiled, file));
  }
}
