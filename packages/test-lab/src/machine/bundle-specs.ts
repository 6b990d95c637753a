import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin, stop } from 'esbuild';

/** What mocha is told. */
interface MochaSettings {
  /** Where its reporter "json" writes. */
  readonly report: string;
  /** For each test. */
  readonly timeoutMs: number;
}

/** Modules find files beside themselves by `import.meta`, which in a bundle would be the bundle's: each keeps its own place. */
const inPlace: Plugin = {
  name: 'in-place',
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/packages\/[^/]+\/dist(-test)?\/.*\.js$/ }, ({ path }) => {
      const places = { url: pathToFileURL(path).href, filename: path, dirname: join(path, '..') };
      const contents = Object.entries(places).reduce(
        (code, [name, place]) => code.replaceAll(`import.meta.${name}`, JSON.stringify(place)),
        readFileSync(path, 'utf8'),
      );
      return { contents };
    });
  },
};

/**
 * Puts specs, everything that they import, and a mocha that runs them into one file in `folder`, for the virtual machine: in its
 * emulated processor Node takes half a minute to load the hundreds of files one by one. Resolves to the path of that file.
 */
export async function bundleSpecs(files: readonly string[], folder: string, settings: MochaSettings): Promise<string> {
  const outfile = join(folder, 'specs.mjs');
  try {
    await build({
      stdin: { contents: mainProgram(files, settings), resolveDir: import.meta.dirname },
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      banner: { js: requireFrom(import.meta.url) },
      external: ['koffi', 'typescript', 'js-yaml', 'parse-json', 'import-fresh'], // as in scripts/build.mjs
      plugins: [inPlace],
      logLevel: 'silent', // what is wrong is in the error
    });
  } finally {
    await stop();
  }
  return outfile;
}

/** The specs find mocha's functions when they are loaded. */
function mainProgram(files: readonly string[], { report, timeoutMs }: MochaSettings): string {
  const reporter = { reporter: 'json', reporterOptions: { output: report } };
  return [
    `import Mocha from 'mocha';`,
    `const mocha = new Mocha(${JSON.stringify({ timeout: timeoutMs, ...reporter })});`,
    `mocha.suite.emit('pre-require', globalThis, '', mocha);`,
    ...files.map((file) => `await import(${JSON.stringify(file)});`),
    'mocha.run((failures) => process.exit(failures));',
  ].join('\n');
}

/** CommonJS packages in a bundle of ES modules ask for Node's own modules by it. */
function requireFrom(url: string): string {
  return `const require = process.getBuiltinModule('node:module').createRequire(${JSON.stringify(url)});`;
}
