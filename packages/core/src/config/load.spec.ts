import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect } from 'chai';
import { formatWhere, type Where } from '../ground/errors.js';
import { compileRules } from '../rules/rule-table.js';
import { refusal, useFolder } from './folder.spec.helper.js';
import { type Config, loadRules } from './load.js';

describe('loadRules', () => {
  const folder = useFolder();

  function load(name: string): Config {
    const config = loadRules({ file: folder.path(name) })?.config;
    if (config === undefined) throw new Error('not found');
    return config;
  }

  it('gives defaults, hops, rules and plugins, each with its place', async () => {
    const file = folder.write(
      'a.yaml',
      'defaults: { timeout: 5s }\nhops:\n  tor: socks5://h:1\nrules:\n  - host: a\n    use: tor\nplugins:\n  - ./p.js\n',
    );
    const config = load('a.yaml');
    expect(config).to.deep.include({
      file,
      sources: [file],
      defaults: { timeoutMs: 5000, tls: {}, socket: { keepAlive: true } },
    });
    expect(config.hops.get('tor')).to.include({ spec: 'socks5://h:1', baseDir: folder.path().replace(/\/\.?$/, '') });
    expect(config.rules[0]).to.include({ use: 'tor', baseDir: dirname(file) });
    expect(config.plugins[0]).to.include({ specifier: './p.js', from: file });
    const places = [config.hops.get('tor')?.where(), config.rules[0]?.where(), config.plugins[0]?.where()];
    expect(places.map((where) => where && formatWhere(where))).to.deep.equal([
      `${file}:3:3`,
      `${file}:5:5`,
      `${file}:8:5`,
    ]);
    const { match } = await compileRules(config.rules).decide({ host: 'a', port: 22 }, async () => []);
    expect(match?.rule).to.equal(config.rules[0]);
  });

  it('has a time-out of 30 s and keep-alive where nothing is said', () => {
    folder.write('a.yaml', '{}');
    expect(load('a.yaml').defaults).to.deep.equal({ timeoutMs: 30_000, tls: {}, socket: { keepAlive: true } });
    folder.write('b.yaml', 'defaults: { timeout: 0, keepAlive: false, tls: { kernel: true } }');
    expect(load('b.yaml').defaults).to.deep.equal({
      timeoutMs: 0,
      tls: { kernel: true },
      socket: { keepAlive: false },
    });
  });

  it('starts an agent only where the nearest file says so', () => {
    folder.write('none.yaml', 'extends: ./off.yaml');
    folder.write('off.yaml', '{ extends: ./on.yaml, agent: manual }');
    folder.write('on.yaml', 'agent: auto');
    folder.write('far.yaml', 'extends: ./on.yaml');
    folder.write('empty.yaml', '{}');
    const said = ['none', 'off', 'on', 'far', 'empty'].map((name) => load(`${name}.yaml`).agent);
    expect(said).to.deep.equal(['manual', 'manual', 'auto', 'auto', 'manual']);
  });

  it('is undefined where there is no config', () => {
    expect(loadRules({ env: {}, home: folder.path(), systemDir: folder.path('none') })).to.equal(undefined);
  });

  describe('with extends', () => {
    it('puts own rules first, then the extended ones in order; own hops and defaults win key by key; plugins add up', () => {
      const a = folder.write(
        'a.yaml',
        'extends: [b/b.yaml, ./c.json]\ndefaults: { timeout: 1s }\nhops: { x: a }\nrules: [{ use: a }]\nplugins: ./p.js\n',
      );
      const b = folder.write(
        'b/b.yaml',
        '\nextends: ../d.yaml\ndefaults: { timeout: 2s, keepAlive: false }\nhops: { x: b, y: b }\nrules: [{ use: b }]\nplugins: ./p.js\n',
      );
      const json =
        '{"defaults": {"keepAlive": true, "noDelay": true}, "hops": {"y": "c", "z": "c"}, "rules": {"use": "c"}}';
      const c = folder.write('c.json', json);
      const d = folder.write('d.yaml', '\n\nrules:\n  - use: d\n');
      const config = load('a.yaml');
      expect(config.sources).to.deep.equal([a, b, d, c]);
      expect(config.rules.map(({ use }) => use)).to.deep.equal(['a', 'b', 'd', 'c']);
      expect(config.defaults).to.deep.equal({
        timeoutMs: 1000,
        tls: {},
        socket: { keepAlive: false, noDelay: true },
      });
      expect(Object.fromEntries([...config.hops].map(([name, { spec }]) => [name, spec]))).to.deep.equal({
        x: 'a',
        y: 'b',
        z: 'c',
      });
      expect(config.plugins.map(({ specifier, from }) => [specifier, from])).to.deep.equal([
        ['./p.js', a],
        ['./p.js', b],
      ]);
      expect(config.rules.map(({ where }) => formatWhere(where()))).to.deep.equal([
        `${a}:4:9`,
        `${b}:5:9`,
        `${d}:4:5`,
        `${c}:1:${json.indexOf('{"use"') + 1}`,
      ]);
      expect(config.rules.map(({ baseDir }) => baseDir)).to.deep.equal([a, b, d, c].map((file) => dirname(file)));
      expect(formatWhere(config.hops.get('y')?.where() as Where)).to.match(new RegExp(`^${b}:4:`));
    });

    function installPackage(name: string, manifest: object, files: Record<string, string>): void {
      folder.write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', ...manifest }));
      for (const [file, text] of Object.entries(files)) folder.write(`node_modules/${name}/${file}`, text);
    }

    const packages: readonly (readonly [what: string, manifest: object, file: string])[] = [
      ['its main file', { main: './rules.yaml' }, 'rules.yaml'],
      ['its exports', { exports: './rules.json' }, 'rules.json'],
      ['fdpass.yaml', {}, 'fdpass.yaml'],
      ['fdpass.json, though it has code too', { main: './index.js' }, 'fdpass.json'],
    ];
    for (const [what, manifest, file] of packages) {
      it(`takes an installed package by ${what}`, () => {
        installPackage('@acme/fdpass-config', manifest, {
          [file]: '{"rules": [{"use": "acme"}]}',
          'index.js': 'throw new Error("ran")',
        });
        folder.write('a.yaml', 'extends: "@acme/fdpass-config"');
        const config = load('a.yaml');
        expect(config.rules.map(({ use }) => use)).to.deep.equal(['acme']);
        expect(config.sources[1]).to.equal(folder.path(`node_modules/@acme/fdpass-config/${file}`));
      });
    }

    it('never runs a package that is code', () => {
      installPackage('code', { main: './index.js' }, { 'index.js': 'throw new Error("ran")' });
      folder.write('a.yaml', 'extends: code');
      expect(refusal(() => load('a.yaml')).message).to.match(
        /a\.yaml:1:10: the package's file is .*index\.js, which is neither YAML nor JSON/,
      );
    });

    it('resolves packages of an extended file from that file', () => {
      folder.write('b/node_modules/inner/fdpass.yaml', 'rules: { use: inner }');
      folder.write('b/node_modules/inner/package.json', '{}');
      folder.write('b/b.yaml', 'extends: inner');
      folder.write('a.yaml', 'extends: ./b/b.yaml');
      expect(load('a.yaml').rules.map(({ use }) => use)).to.deep.equal(['inner']);
      folder.write('c.yaml', 'extends: inner');
      expect(refusal(() => load('c.yaml')).message).to.match(/neither a file nor a package installed here/);
    });

    it('takes no package from the current directory, whatever NODE_PATH says', () => {
      folder.write('clone/modules/evil/fdpass.yaml', 'rules: { use: evil }');
      folder.write('clone/modules/evil/package.json', '{}');
      const file = folder.write('a.yaml', 'extends: evil');
      const program = `import(process.argv[1]).then(({ loadRules }) => console.log(loadRules({ file: process.argv[2] }))).catch((error) => console.log(error.message))`;
      const result = spawnSync(process.execPath, ['-e', program, new URL('./load.js', import.meta.url).href, file], {
        cwd: folder.path('clone'),
        env: { NODE_PATH: 'modules' },
        encoding: 'utf8',
      });
      expect(result.stdout).to.contain(`${file}:1:10: NODE_PATH has the relative folder "modules"`);
    });

    it('takes a file in the home folder', () => {
      const name = `none-${process.pid}.yaml`;
      folder.write('a.yaml', `extends: "~/${name}"`);
      const home = process.getBuiltinModule('node:os').homedir();
      expect(refusal(() => load('a.yaml')).message).to.contain(`${home}/${name}: no such file`);
    });

    it('takes the home folder that it is told', () => {
      const file = folder.write('a.yaml', 'extends: "~/b.yaml"');
      folder.write('home/b.yaml', 'rules: { use: b }');
      for (const options of [{ home: folder.path('home') }, { env: { HOME: folder.path('home') } }])
        expect(loadRules({ file, ...options })?.config.rules[0]?.use).to.equal('b');
    });

    it('counts a file once that is reached twice, where it comes first', () => {
      folder.write('a.yaml', 'extends: [b.yaml, c.yaml]');
      folder.write('b.yaml', 'extends: d.yaml\nrules: { use: b }');
      folder.write('c.yaml', 'extends: d.yaml\nrules: { use: c }');
      folder.write('d.yaml', 'rules: { use: d }');
      expect(load('a.yaml').rules.map(({ use }) => use)).to.deep.equal(['b', 'd', 'c']);
    });

    it('shows a cycle as a whole, through links too', () => {
      folder.write('start.yaml', 'extends: a.yaml');
      const a = folder.write('a.yaml', 'extends: b/b.yaml');
      const b = folder.write('b/b.yaml', 'rules: []\nextends: ../link.yaml');
      symlinkSync('a.yaml', folder.path('link.yaml'));
      const error = refusal(() => load('start.yaml'));
      expect(error.message).to.equal(`${b}:2:10: the config extends itself: ${a} -> ${b} -> ${a}`);
      const self = folder.write('self.yaml', 'extends: ./self.yaml');
      expect(refusal(() => load('self.yaml')).message).to.equal(
        `${self}:1:10: the config extends itself: ${self} -> ${self}`,
      );
    });

    const bad: readonly (readonly [what: string, specifier: string, message: RegExp])[] = [
      ['a missing file', './none.yaml', /a\.yaml:1:10: cannot extend "\.\/none\.yaml": .*none\.yaml: no such file/],
      ['a missing package', '@acme/none', /1:10: this is neither a file nor a package installed here/],
      ['a module of Node', 'fs', /1:10: this is neither/],
      ['a folder', './d', /d is a folder/],
      ['the folder above', '..', /is a folder/],
      ['a URL', 'https://h/x', /is neither a file nor a package/],
      ['a file that others can write', './open.yaml', /cannot extend "\.\/open\.yaml": .*can be written by everybody/],
      ['a file that is broken', './broken.yaml', /broken\.yaml:2:1: the config has no "rulse"/],
    ];
    for (const [what, specifier, message] of bad) {
      it(`refuses ${what}`, () => {
        mkdirSync(folder.path('d'));
        chmodSync(folder.write('open.yaml', '{}'), 0o602);
        folder.write('broken.yaml', 'rules: []\nrulse: []');
        folder.write('a.yaml', `extends: ${JSON.stringify(specifier)}`);
        expect(refusal(() => load('a.yaml')).message).to.match(message);
      });
    }
  });
});
