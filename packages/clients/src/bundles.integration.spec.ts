import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer, startSocksProxy, type TestProxy } from '@fdpass/testkit';
import commonjsPlugin from '@rollup/plugin-commonjs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { expect } from 'chai';
import { build } from 'esbuild';
import { rollup } from 'rollup';
import webpack from 'webpack';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

/** What programs whose rules are in code have no use for. Each is in a module of that package. */
const NOT_NEEDED = {
  yaml: 'parseDocument',
  cosmiconfig: 'cosmiconfig',
  'js-yaml': 'safeLoad',
  typescript: 'transpileModule',
};

/** Dials by a rule in code, in the main thread and in a worker, and prints what the server says first. */
const PROGRAM = `
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { createDialer } from 'ENTRY';

const [proxy, host] = isMainThread ? process.argv.slice(2) : workerData;
createDialer({ rules: [{ host: '*.example', use: proxy }] }).connect(22, host).once('data', function (greeting) {
  console.log(String(greeting));
  this.destroy();
  if (isMainThread) new Worker(process.argv[1], { workerData: [proxy, host] });
});
`;

/** Its types are those of CommonJS, and the module that runs is not. */
const commonjs = commonjsPlugin as unknown as typeof commonjsPlugin.default;

type Bundle = (entry: string, file: string) => Promise<void>;

const withEsbuild =
  (format: 'esm' | 'cjs'): Bundle =>
  async (entry, file) => {
    await build({
      entryPoints: [entry],
      outfile: file,
      bundle: true,
      platform: 'node',
      format,
      minify: true,
      logLevel: 'error',
    });
  };

const BUNDLERS: Readonly<Record<string, { readonly extension: string; readonly bundle: Bundle }>> = {
  'esbuild, as an ES module': { extension: 'mjs', bundle: withEsbuild('esm') },
  'esbuild, as CommonJS': { extension: 'cjs', bundle: withEsbuild('cjs') },
  webpack: {
    extension: 'cjs',
    bundle: (entry, file) =>
      new Promise((resolve, reject) => {
        const output = { path: join(file, '..'), filename: 'program.cjs' };
        webpack(
          { entry, output, target: 'node20', mode: 'production', optimization: { minimize: false } } as const,
          (error, stats) => {
            if (error ?? stats?.hasErrors()) reject(error ?? new Error(stats?.toString()));
            else resolve();
          },
        );
      }),
  },
  rollup: {
    extension: 'mjs',
    async bundle(entry, file) {
      const plugins = [nodeResolve({ preferBuiltins: true }), commonjs()];
      const bundled = await rollup({ input: entry, plugins, logLevel: 'silent' });
      await bundled.write({ file, format: 'es', inlineDynamicImports: true });
      await bundled.close();
    },
  },
};

describe('a program in a bundle', () => {
  const folder = temporaryFolder();
  let within: string;
  let server: ScriptedServer;
  let proxy: TestProxy;
  before(async () => {
    within = mkdtempSync(join(PACKAGE, '.tmp-'));
    server = await startScriptedServer(async (line) => {
      await line.send('hello from afar');
    });
    proxy = await startSocksProxy({ hosts: { 'host.example': `127.0.0.1:${server.port}` } });
  });
  after(async () => {
    await proxy.close();
    await server.close();
    rmSync(within, { recursive: true, force: true });
    folder.remove();
  });

  /** Bundles the program into a folder without any package. */
  async function bundled(name: string, from: string): Promise<{ readonly file: string; readonly text: string }> {
    const { extension, bundle } = BUNDLERS[name] as (typeof BUNDLERS)[string];
    const entry = join(within, `${from.replace('/', '-')}.mjs`);
    writeFileSync(entry, PROGRAM.replace('ENTRY', from));
    const place = join(folder.path, `${name}-${from}`.replace(/\W+/g, '-'));
    mkdirSync(place, { recursive: true });
    const file = join(place, `program.${extension}`);
    await bundle(entry, file);
    const text = readdirSync(place)
      .map((each) => readFileSync(join(place, each), 'utf8'))
      .join('\n');
    return { file, text };
  }

  for (const name of Object.keys(BUNDLERS)) {
    it(`of ${name} dials, also in a worker, and has nothing that reads files`, async () => {
      const { file, text } = await bundled(name, 'fdpass/inline');
      for (const [unneeded, sign] of Object.entries(NOT_NEEDED)) expect(text.includes(sign), unneeded).to.equal(false);
      expect(readdirSync(join(file, '..')).filter((each) => each.endsWith('.node'))).to.deep.equal([]);
      const words = [file, `socks5h://127.0.0.1:${proxy.port}`, 'host.example'];
      const { stdout, stderr, status } = await run(process.execPath, words, { env: { HOME: folder.path } });
      expect([stdout, stderr, status]).to.deep.equal(['hello from afar\nhello from afar\n', '', 0]);
    });
  }

  it('is much smaller without what reads files', async () => {
    const sizes: number[] = [];
    for (const from of ['fdpass', 'fdpass/inline']) {
      const { file, text } = await bundled('esbuild, as an ES module', from);
      expect(text.includes(NOT_NEEDED.yaml), from).to.equal(from === 'fdpass');
      sizes.push(statSync(file).size);
    }
    const [whole = 0, inline = 0] = sizes;
    expect(inline / whole).to.be.below(0.65);
  });

  it('says what to do if its rules are in a file after all', async () => {
    const entry = join(within, 'file.mjs');
    writeFileSync(
      entry,
      PROGRAM.replace('ENTRY', 'fdpass/inline')
        .replace("{ rules: [{ host: '*.example', use: proxy }] }", "{ config: '/etc/fdpass.yaml' }")
        .replace("'data'", "'error'"),
    );
    const { stdout } = await run(process.execPath, [entry, '', 'host.example'], { env: { HOME: folder.path } });
    expect(stdout).to.match(/^FdpassError: this program reads no configuration files/);
  });
});
