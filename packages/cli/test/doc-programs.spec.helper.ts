import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Finished, run } from '@fdpass/test-lab';
import { type DocBlock, placeOf, ROOT } from './doc-blocks.spec.helper.js';

/** A folder inside the workspace in which examples are compiled and run: packages are found as in a program of one's own. */
export interface DocWorkspace {
  readonly path: string;
  remove(): void;
}

export const PROGRAMS: readonly string[] = ['ts', 'js', 'mts', 'mjs', 'typescript', 'javascript'];

/** Strict, and without what only serves our own packages. The npm packages that examples use are root's, and those of `packages/clients`. */
const TSCONFIG = {
  extends: '../../tsconfig.base.json',
  compilerOptions: {
    composite: false,
    declaration: false,
    declarationMap: false,
    isolatedDeclarations: false,
    sourceMap: false,
    allowJs: true,
    checkJs: true,
    types: ['node', 'mocha'],
    rootDir: '.',
    outDir: 'out',
  },
  exclude: ['out'],
};

export function makeWorkspace(): DocWorkspace {
  mkdirSync(join(ROOT, '.tmp'), { recursive: true });
  const path = mkdtempSync(join(ROOT, '.tmp', 'doc-'));
  mkdirSync(join(path, 'node_modules', '@fdpass'), { recursive: true });
  for (const name of readdirSync(join(ROOT, 'packages'))) {
    symlinkSync(
      join(ROOT, 'packages', name),
      join(path, 'node_modules', name === 'cli' ? 'fdpass' : `@fdpass/${name}`),
    );
  }
  const clients = join(ROOT, 'packages/clients/node_modules');
  for (const name of readdirSync(clients).filter((name) => !/^(\.|@?fdpass$)/.test(name))) {
    symlinkSync(join(clients, name), join(path, 'node_modules', name));
  }
  writeFileSync(join(path, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  writeFileSync(join(path, 'tsconfig.json'), JSON.stringify(TSCONFIG));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The name of an example's file: tells the place, and is the one its first line names if it does. */
function nameOf(block: DocBlock): string {
  const folder = block.page.replace(/[^\w]/g, '-');
  const extension = block.language.startsWith('m') ? block.language : block.language.startsWith('j') ? 'js' : 'ts';
  return join(folder, block.file ?? `line-${block.line}.${extension}`);
}

/** Writes and compiles them all together. Gives what the compiler says, by the block's place. */
export async function compile(workspace: DocWorkspace, blocks: readonly DocBlock[]): Promise<Map<string, string>> {
  const places = new Map(blocks.map((block) => [nameOf(block), block]));
  if (places.size < blocks.length) throw new Error('two examples of one page name the same file');
  for (const [name, block] of places) {
    mkdirSync(join(workspace.path, name, '..'), { recursive: true });
    writeFileSync(join(workspace.path, name), `${block.code}export {};\n`);
  }
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const { status, stdout } = await run(process.execPath, [tsc, '-p', workspace.path, '--pretty', 'false'], {
    cwd: workspace.path,
  });
  const said = new Map<string, string>();
  for (const [, name = '', line, message = ''] of stdout.matchAll(/^(\S+)\((\d+),\d+\): (.*(?:\n .*)*)/gm)) {
    const block = places.get(name);
    if (block === undefined) throw new Error(stdout);
    const where = `${block.page}:${block.line + Number(line) - 1}: ${message}`;
    said.set(placeOf(block), [said.get(placeOf(block)), where].filter(Boolean).join('\n'));
  }
  if (status !== 0 && said.size === 0) throw new Error(`tsc: ${stdout}`);
  return said;
}

/** Runs a compiled example with the network of doc-network; one that has tests in it runs in mocha. */
export function runExample(
  { path }: DocWorkspace,
  block: DocBlock,
  ports: Readonly<Record<number, number>>,
): Promise<Finished> {
  const file = join(path, 'out', nameOf(block).replace(/ts$/, 'js'));
  const mocha = join(ROOT, 'node_modules', 'mocha', 'bin', 'mocha.js');
  const isTest = /^(it|describe|describeStrategy)\(/m.test(block.code);
  return run(process.execPath, isTest ? [mocha, '--no-config', file] : [file], {
    cwd: path,
    env: {
      NODE_OPTIONS: `--import=${new URL('doc-network.spec.helper.js', import.meta.url).href}`,
      FDPASS_EXAMPLE_PORTS: JSON.stringify(ports),
      FDPASS_CONFIG: '',
      HOME: path,
      XDG_CONFIG_HOME: join(path, 'no-config'),
    },
  });
}
