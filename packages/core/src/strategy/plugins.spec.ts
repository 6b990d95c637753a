import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import type { ConfigPlugin } from '../config/load.js';
import { isFdpassError } from '../ground/errors.js';
import { loadPlugins } from './plugins.js';
import { StrategyRegistry } from './registry.js';

const STRATEGY = "{ name: 'NAME', create: () => ({ dial: () => {} }) }";

describe('plugins', () => {
  const folder = mkdtempSync(join(tmpdir(), 'fdpass-plugins-'));
  after(() => rmSync(folder, { recursive: true }));

  function write(path: string, text: string): void {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text, { mode: 0o600 });
  }

  function plugin(specifier: string): ConfigPlugin {
    const from = join(folder, 'config.yaml');
    return { specifier, from, where: () => ({ file: from, line: 3, column: 5 }) };
  }

  async function names(...specifiers: string[]): Promise<string[]> {
    const registry = new StrategyRegistry();
    await loadPlugins(specifiers.map(plugin), registry);
    return registry.names();
  }

  async function refusal(specifier: string): Promise<string> {
    const error = await names(specifier).then(
      () => new Error('not refused'),
      (reason: unknown) => reason,
    );
    if (!isFdpassError(error) || error.code !== 'config') throw error;
    return error.hint === undefined ? error.message : `${error.message}; ${error.hint}`;
  }

  it('are files beside the config and packages, ES modules and CommonJS, one strategy or several', async () => {
    write(
      'named.mjs',
      `export const a = ${STRATEGY.replace('NAME', 'a')}; export const b = ${STRATEGY.replace('NAME', 'b')}; export const other = 1;`,
    );
    write('default.mjs', `export default ${STRATEGY.replace('NAME', 'c')};`);
    write('list.cjs', `module.exports = [${STRATEGY.replace('NAME', 'd')}];`);
    write('named.cjs', `exports.e = ${STRATEGY.replace('NAME', 'e')};`);
    write('node_modules/@acme/vpn/package.json', '{ "name": "@acme/vpn", "type": "module", "exports": "./main.js" }');
    write('node_modules/@acme/vpn/main.js', `export const f = ${STRATEGY.replace('NAME', 'f')};`);
    write('node_modules/events/index.js', `exports.g = ${STRATEGY.replace('NAME', 'g')};`); // not the module of Node
    const all = await names('./named.mjs', './default.mjs', './list.cjs', './named.cjs', '@acme/vpn', 'events');
    expect(all).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
  });

  it('that cannot be loaded are errors that say where they stand', async () => {
    write('throws.mjs', 'throw new Error("oops");');
    write('empty.mjs', 'export const nothing = 1;');
    write('future.mjs', `export const s = { apiVersion: 99, ...${STRATEGY.replace('NAME', 's')} };`);
    write('open.mjs', `export default ${STRATEGY.replace('NAME', 'open')};`);
    chmodSync(join(folder, 'open.mjs'), 0o666);
    expect(await refusal('./none.mjs')).to.match(
      /config\.yaml:3:5: the plugin "\.\/none\.mjs": it is neither a file nor a package/,
    );
    for (const name of ['no-such-package', 'util', 'node:util', 'fs/promises'])
      expect(await refusal(name)).to.match(/neither a file nor a package installed beside the config/);
    expect(await refusal('./throws.mjs')).to.match(/the plugin "\.\/throws\.mjs": oops/);
    expect(await refusal('./empty.mjs')).to.match(
      /does not export a strategy; export an object with "name" and "create"/,
    );
    expect(await refusal('./future.mjs')).to.match(
      /made for version 99 of the plugin interface, and this is version 2; update fdpass/,
    );
    expect(await refusal('./open.mjs')).to.match(/can be written by/);
  });

  it('with a syntax error say in which file and line, also if that is one that they import', async () => {
    write('wrong.mjs', 'export const a = 1;\n\nexport const = ;\n');
    write('with space/wrong.mjs', '\nexport const = ;\n');
    write('imports.mjs', "import './with space/wrong.mjs';\nthrow new Error('is run');\n");
    write('wrong.cjs', 'exports.a = 1;\nexports.b = ;\n');
    write('lacks.mjs', "import { nothing } from './wrong.cjs';\nimport { b } from './named.mjs';\n");
    write('json.mjs', "JSON.parse('{');\n");
    const place = (path: string): RegExp => new RegExp(`: ${join(folder, path)}: Unexpected token '.'$`);
    expect(await refusal('./wrong.mjs')).to.match(place('wrong.mjs:3'));
    expect(await refusal('./imports.mjs')).to.match(place('with space/wrong.mjs:2'));
    expect(await refusal('./wrong.cjs')).to.match(place('wrong.cjs:2'));
    expect(await refusal('./lacks.mjs')).to.match(/lacks\.mjs:\d+: |wrong\.cjs:2: /);
    expect(await refusal('./json.mjs')).to.match(/the plugin .*: Expected property name/);
  });

  it('may not take the name of another', async () => {
    write('again.mjs', `export default ${STRATEGY.replace('NAME', 'a')};`);
    expect(await names('./named.mjs', './again.mjs').catch((error: Error) => error.message)).to.match(
      /the plugin "\.\/again\.mjs": the strategy "a" is registered twice/,
    );
  });
});
