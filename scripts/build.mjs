// Compiles every package, then bundles the two commands into CommonJS files, which start in a fraction of the time that
// a tree of ES modules takes. What a plain dial does not need is kept in files of its own. docs/decisions.md has the figures.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const OUT = 'packages/cli/bundle';

console.log('build: compiling the packages');
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { stdio: 'inherit' });

console.log('build: bundling bin/fdpass and bin/fdrecv');
const { build } = await import('esbuild');
const { version } = JSON.parse(readFileSync('packages/cli/package.json', 'utf8'));

/** Modules that are imported dynamically and become bundles of their own. */
const SEPARATE = [
  'packages/core/dist/configured.js',
  'packages/core/dist/credentials/ask.js',
  'packages/strategy-http-connect/dist/digest.js',
  ...['check', 'explain', 'strategies'].map((name) => `packages/cli/dist/${name}.js`),
];

/** Turns a dynamic import of a separate module into one of its bundle, which lies beside ours. */
const separate = {
  name: 'separate',
  setup(plugin) {
    plugin.onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
      const file = resolve(resolveDir, path);
      const isSeparate = kind === 'dynamic-import' && SEPARATE.some((each) => resolve(each) === file);
      return isSeparate ? { path: `./${basename(path, '.js')}.cjs`, external: true } : undefined;
    });
  },
};

rmSync(OUT, { recursive: true, force: true });
await build({
  entryPoints: ['packages/cli/dist/fdpass.js', 'packages/cli/dist/fdrecv.js', ...SEPARATE].map((file) => ({
    in: file,
    out: basename(file, '.js'),
  })),
  outdir: OUT,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  mainFields: ['module', 'main'], // what has both is smaller as ES modules: the unused part is left out
  minify: true,
  supported: { 'dynamic-import': false }, // require() instead: the loader of ES modules takes time to start
  external: ['koffi', 'typescript'],
  plugins: [separate],
  // CommonJS has no import.meta; what our code wants of it is its own place.
  banner: { js: "const importMetaUrl=require('node:url').pathToFileURL(__filename).href;" },
  define: { 'import.meta.url': 'importMetaUrl', FDPASS_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
});
