import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { loadBundles } from './bundle-loader.js';
import { keepCodeOf, type LoadedScript } from './kept-code.js';

const BUNDLE = `(function (exports, require, module, __filename, __dirname) {
const path = require('node:path');
exports.add = (a, b) => a + b;
exports.never = () => 'this is never called';
exports.name = () => path.basename(__filename);
exports.other = () => require('./other.cjs');
})`;

describe('the loader of the bundles', () => {
  const folder = temporaryFolder();
  const at = (path: string): string => join(folder.path, path);
  const ask = createRequire(import.meta.url);
  let bundles: string;
  let cache: string;
  let count = 0;
  beforeEach(() => {
    const own = at(String(count++));
    bundles = join(own, 'bundle');
    cache = join(own, 'cache');
    for (const path of [bundles, cache]) mkdirSync(path, { recursive: true, mode: 0o700 });
    writeFileSync(join(bundles, 'main.cjs'), BUNDLE);
    const other = '(exports) => (exports.count = (globalThis.__loads = (globalThis.__loads ?? 0) + 1))';
    writeFileSync(join(bundles, 'other.cjs'), other);
  });
  after(() => folder.remove());

  type Main = {
    add(a: number, b: number): number;
    name(): string;
    other(): { count: number };
  };
  /** A loader, and a way to keep the code of what it has loaded. */
  function loader(codeFolder: string | undefined = cache): { load(name: string): unknown; keep(): void } {
    const scripts: LoadedScript[] = [];
    return { load: loadBundles({ folder: bundles, codeFolder, ask, scripts }), keep: () => keepCodeOf(scripts) };
  }
  const load = (from: ReturnType<typeof loader>): Main => from.load('./main.cjs') as Main;
  const codeFile = (name = 'main.cjs'): string => join(cache, `code-${process.version}-${process.arch}`, bundles, name);

  /** A start in a process of its own, for V8 does not compile a script twice: loads, runs, and keeps what was compiled. */
  async function start(): Promise<void> {
    const script = `
      import { createRequire } from 'node:module';
      import { loadBundles } from ${JSON.stringify(new URL('bundle-loader.js', import.meta.url).href)};
      import { keepCodeOf } from ${JSON.stringify(new URL('kept-code.js', import.meta.url).href)};
      const [folder, codeFolder] = ${JSON.stringify([bundles, cache])};
      const scripts = [];
      const load = loadBundles({ folder, codeFolder, ask: createRequire('/'), scripts });
      console.log(load('./main.cjs').add(1, 2));
      keepCodeOf(scripts);`;
    const ended = await run(process.execPath, ['--input-type=module', '--eval', script]);
    expect(ended).to.deep.equal({ status: 0, signal: null, stdout: '3\n', stderr: '' });
  }

  it('gives a bundle its names and its modules, each of them once', () => {
    const own = loader();
    const main = load(own);
    expect(own.load('./main.cjs')).to.equal(main);
    expect([main.add(1, 2), main.name()]).to.deep.equal([3, 'main.cjs']);
    expect(main.other()).to.equal(main.other());
    expect(main.other().count).to.equal(main.other().count);
  });

  it('keeps the functions that were called, in a file that nobody else can read', async () => {
    await start();
    expect(statSync(codeFile()).mode & 0o777).to.equal(0o600);
    const called = statSync(codeFile()).size;
    const own = loader();
    load(own).name();
    own.keep();
    expect(statSync(codeFile()).size, 'with one more function').to.be.above(called);
  });

  it('adds what eight starts compile, and then writes no more', async () => {
    for (let round = 1; round <= 8; round++) {
      await start();
      expect(readFileSync(codeFile(), 'latin1')).to.match(new RegExp(` ${round}$`));
    }
    const { mtimeMs, ino } = statSync(codeFile());
    await start();
    expect(statSync(codeFile())).to.include({ mtimeMs, ino });
    expect(readdirSync(join(codeFile(), '..'))).to.deep.equal(['main.cjs']);
  });

  it('keeps nothing before it is told to, and nothing where no folder is for it', () => {
    load(loader());
    expect(readdirSync(cache)).to.deep.equal([]);
    const own = loader('');
    expect(() => own.keep()).not.to.throw();
    const scripts: LoadedScript[] = [];
    const without = loadBundles({ folder: bundles, codeFolder: undefined, ask, scripts })('./main.cjs') as Main;
    expect(without.add(1, 2)).to.equal(3);
    keepCodeOf(scripts);
    expect(readdirSync(cache)).to.deep.equal([]);
  });

  const damage: Readonly<Record<string, (code: Buffer) => Buffer>> = {
    'damaged at the start': (code) => flipped(code, 100),
    'damaged in the first copy': (code) => flipped(code, Math.floor(code.length / 4)),
    'damaged in the second copy': (code) => flipped(code, Math.floor((code.length * 3) / 4)),
    'cut short': (code) => code.subarray(0, Math.floor(code.length / 2)),
    empty: () => Buffer.alloc(0),
    'all zeros': (code) => Buffer.alloc(code.length),
    'zeros after the start': (code) => Buffer.concat([code.subarray(0, 512)], code.length),
    "another bundle's": (code) => flipped(code, code.length - 4),
    "another V8's": (code) => everyCopy(code, (copy) => flipped(copy, 4)),
    "another script's": (code) => everyCopy(code, (copy) => flipped(copy, 8)),
  };
  it('starts with code that is of no use, and then keeps better', async () => {
    await start();
    await start();
    const code = readFileSync(codeFile());
    expect(code.toString('latin1')).to.match(/ 2$/);
    for (const [what, change] of Object.entries(damage)) {
      writeFileSync(codeFile(), change(code));
      await start();
      expect(readFileSync(codeFile(), 'latin1'), what).to.match(/ 1$/);
    }
  });

  it('does not use the code of a bundle that has changed, even at the same length', async () => {
    await start();
    const file = join(bundles, 'main.cjs');
    writeFileSync(file, BUNDLE.replace('a + b', 'a * b'));
    utimesSync(file, 1, 1);
    expect(load(loader()).add(3, 4)).to.equal(12);
  });

  it('does not use code that another user can have written', async () => {
    await start();
    chmodSync(codeFile(), 0o660);
    await start();
    expect(statSync(codeFile()).mode & 0o777).to.equal(0o600);
    expect(readFileSync(codeFile(), 'latin1')).to.match(/ 1$/);
  });

  it('says nothing if code cannot be kept', async () => {
    writeFileSync(join(cache, `code-${process.version}-${process.arch}`), 'a file where the folder should be');
    await start();
    expect(existsSync(codeFile())).to.equal(false);
  });
});

function flipped(code: Buffer, at: number): Buffer {
  const changed = Buffer.from(code);
  changed[at] = (changed[at] ?? 0) ^ 0x55;
  return changed;
}

/** What is damaged in both copies alike, as nothing but V8 itself can see. */
function everyCopy(code: Buffer, change: (copy: Buffer) => Buffer): Buffer {
  const length = code.lastIndexOf(Buffer.from(' ', 'latin1')); // before the number of starts
  const state = code.toString('latin1', 0, length).match(/\d+ \d+ [\d.]+$/)?.[0] ?? '';
  const end = length - state.length;
  const copy = change(code.subarray(0, end / 2));
  return Buffer.concat([copy, copy, code.subarray(end)]);
}
