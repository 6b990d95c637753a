import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Config } from '../config/load.js';
import { loadRules, type ReadRules } from '../config/load.js';
import type { ConfigCache } from '../config/places.js';
import { makeTarget } from '../ground/read-target.js';
import { compileRules } from '../rules/rule-table.js';
import { cacheRules, readCached } from './config-cache.js';

const CONFIG = `
defaults: { timeout: 10s, keepAlive: { idle: 60s } }
hops:
  corp: { strategy: http-connect, url: "http://proxy.example:3128" }
rules:
  - { name: first, host: ["*.corp.example", "!x.corp.example", 10.0.0.0/8], port: [22, "2200-2299"], use: [corp, direct], timeout: 1m }
  - { user: root, alias: nas, use: { strategy: direct, host: 192.0.2.1 } }
  - { host: .example.org, localNetwork: "127.0.0.0/8", use: direct }
plugins: ["./plugin.mjs"]
extends: ./team.yaml
`;
const TEAM = 'rules: { host: "*.team.example", use: team }\nhops: { team: "socks5h://team.example" }\nplugins: other\n';

describe('a config that is cached between runs', () => {
  let folder: string;
  let cache: ConfigCache;
  let config: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fdpass-cache-'));
    cache = { folder: join(folder, 'cache'), version: '1.2.3' };
    mkdirSync(cache.folder, { mode: 0o700 });
    config = write('config.yaml', CONFIG);
    write('team.yaml', TEAM);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const LONG_AGO_MS = 60_000;

  /** Writes a file that has been there for a while, as far as can be told. ctime cannot be set, so now is put forward. */
  function write(name: string, text: string): string {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    const then = (realNow() - LONG_AGO_MS) / 1000;
    utimesSync(file, then, then);
    return file;
  }

  function replaceConfig(): void {
    rmSync(config);
    write('config.yaml', CONFIG);
  }

  function replaceByLink(entry: string): void {
    renameSync(entry, `${entry}.x`);
    symlinkSync(`${entry}.x`, entry);
  }

  const realNow = Date.now;
  function later<T>(action: () => T): T {
    Date.now = () => realNow() + LONG_AGO_MS;
    try {
      return action();
    } finally {
      Date.now = realNow;
    }
  }

  const read = (file: string): Config => {
    const rules = loadRules({ file }) as ReadRules;
    cacheRules(rules, cache);
    return rules.config;
  };
  const load = (file: string = config): Config => later(() => read(file));
  const cached = (): string[] => readdirSync(cache.folder);

  /** Everything of a config that can be looked at. */
  function seen(config: Config): unknown {
    const placed = <T extends { where(): unknown }>(value: T): object => ({ ...value, where: value.where() });
    const all = {
      ...config,
      hops: [...config.hops].map(([name, hop]) => [name, placed(hop)]),
      rules: config.rules.map(placed),
      plugins: config.plugins.map(placed),
    };
    const text = JSON.stringify(all, (_, value) => (typeof value === 'bigint' ? `${value}n` : value));
    return JSON.parse(text); // what is undefined is as good as absent
  }

  it('is the same as the one that is read, to the last place', () => {
    const fresh = load();
    const again = readCached(config, cache)?.config as Config;
    expect(seen(again)).to.deep.equal(seen(fresh));
    expect(again.rules).to.have.length(4);
    for (const [host, port, user] of [
      ['a.corp.example', 22, 'me'],
      ['x.corp.example', 22, 'me'],
      ['10.1.2.3', 2250, 'me'],
      ['example.org', 1, 'me'],
      ['a.team.example', 9, 'me'],
      ['other', 22, 'root'],
    ] as const) {
      const target = makeTarget({ host, port, user, alias: 'nas' });
      const found = [fresh, again].map(({ rules }) => compileRules(rules).find(target)?.index);
      expect(found[0], host).to.equal(found[1]);
    }
  });

  it('is readable for nobody else', () => {
    load();
    expect(cached()).to.have.length(1);
    expect(statMode(join(cache.folder, cached()[0] ?? ''))).to.equal(0o600);
  });

  const changes: readonly [what: string, change: () => void][] = [
    ['the file has changed', () => write('config.yaml', CONFIG.replace('10s', '20s'))],
    ['a file that it extends has changed', () => write('team.yaml', TEAM.replace('team.example"', 'tema.example"'))],
    ['a file that it extends is gone', () => rmSync(join(folder, 'team.yaml'))],
    ['the file was replaced by one like it', replaceConfig],
    ['its mode has changed', () => chmodSync(config, 0o666)],
  ];
  for (const [what, change] of changes) {
    it(`is not used when ${what}`, () => {
      load();
      expect(readCached(config, cache)).not.to.equal(undefined);
      change();
      expect(readCached(config, cache)).to.equal(undefined);
    });
  }

  const unused: readonly [what: string, change: (entry: string) => void][] = [
    ['another version has written it', () => (cache = { ...cache, version: '1.2.4' })],
    ['others can read it', (entry) => chmodSync(entry, 0o644)],
    ['others can write into the folder', () => chmodSync(cache.folder, 0o777)],
    ['it is damaged', (entry) => writeFileSync(entry, '{"version":')],
    ['it is empty', (entry) => writeFileSync(entry, '')],
    ['it is a link', replaceByLink],
  ];
  for (const [what, change] of unused) {
    it(`is not used when ${what}`, () => {
      load();
      change(join(cache.folder, cached()[0] ?? ''));
      expect(readCached(config, cache)).to.equal(undefined);
      expect(load().rules).to.have.length(4);
    });
  }

  const notKept: readonly [what: string, text: string][] = [
    ['a password in a URL', 'rules: [ { use: "http://me:secret@proxy.example" } ]'],
    ['a token among its options', 'rules: [ { use: { strategy: direct, token: secret } } ]'],
    ['a number that JSON does not have', 'rules: [ { use: { strategy: direct, size: .inf } } ]'],
  ];
  for (const [what, text] of notKept) {
    it(`is not cached with ${what}`, () => {
      write('config.yaml', text);
      load();
      expect(cached()).to.deep.equal([]);
    });
  }

  it('is not cached when it extends a package, which may change without a sign', () => {
    mkdirSync(join(folder, 'node_modules/acme'), { recursive: true });
    write('node_modules/acme/package.json', '{ "name": "acme", "main": "fdpass.yaml" }');
    write('node_modules/acme/fdpass.yaml', 'rules: []');
    write('config.yaml', 'extends: acme');
    load();
    expect(cached()).to.deep.equal([]);
  });

  it('is not cached when the file is so new that it may change without a sign', () => {
    read(config);
    expect(cached()).to.deep.equal([]);
  });

  it('is not cached where others can write, or where no folder can be', () => {
    chmodSync(cache.folder, 0o777);
    load();
    expect(cached()).to.deep.equal([]);
    cache = { ...cache, folder: join(config, 'below-a-file') };
    expect(load().rules).to.have.length(4);
  });

  it('is kept in a folder that is made for it, for nobody else to see', () => {
    cache = { ...cache, folder: join(folder, 'home/.cache/fdpass') };
    load();
    expect(cached()).to.have.length(1);
    expect(statMode(cache.folder)).to.equal(0o700);
  });

  it('makes room for others', () => {
    for (let number = 0; number < 40; number++) load(write(`${number}.yaml`, 'rules: []'));
    expect(cached()).to.have.length(32);
    expect(readCached(join(folder, '39.yaml'), cache)).not.to.equal(undefined);
  });
});

function statMode(file: string): number {
  return lstatSync(file).mode & 0o777;
}
