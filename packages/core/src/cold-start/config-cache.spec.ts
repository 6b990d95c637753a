import {
  chmodSync,
  chownSync,
  cpSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { refusal } from '../config/folder.spec.helper.js';
import type { Config } from '../config/load.js';
import { loadRules, type ReadRules } from '../config/load.js';
import type { ConfigCache } from '../config/places.js';
import { changeAfterOpen } from '../ground/after-open.spec.helper.js';
import { makeTarget } from '../ground/read-target.js';
import { compileRules } from '../rules/rule-table.js';
import { cacheRules, readCached } from './config-cache.js';

const CONFIG = `
agent: auto
canonical: { domains: [corp.example], dns: 10.0.0.53 }
defaults: { timeout: 10s, keepAlive: { idle: 60s } }
hops:
  corp: { strategy: http-connect, url: "http://proxy.example:3128" }
rules:
  - { name: first, host: ["*.corp.example", "!x.corp.example", 10.0.0.0/8], port: [22, "2200-2299"], use: [corp, direct], timeout: 1m }
  - { user: root, alias: nas, use: { strategy: direct, host: 192.0.2.1 } }
  - { host: .example.org, localNetwork: "127.0.0.0/8", dns: [10.0.0.53], use: direct }
plugins: ["./plugin.mjs"]
extends: ./team.yaml
`;
const isRoot = process.getuid?.() === 0;
const STRANGER = 54321;
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

  function edit(file: string, what: string | RegExp, by: string): void {
    const text = readFileSync(file, 'utf8');
    expect(text).to.match(new RegExp(what));
    writeFileSync(file, text.replace(what, by));
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

  it('is the same as the one that is read, to the last place', async () => {
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
      const decided = [fresh, again].map(({ rules }) => compileRules(rules).decide(target, async () => []));
      const found = (await Promise.all(decided)).map(({ match }) => match?.index);
      expect(found[0], host).to.equal(found[1]);
    }
  });

  it('has conditions and patterns of files as they were read', async () => {
    write('hosts.txt', '# ours\n*.file.example\n!x.file.example\n');
    write(
      'config.yaml',
      `rules:
  - { host: [a, { file: hosts.txt }], profile: [home, "w*"], interface: "!wg0", use: direct }
  - { reachable: ["gw.example:22", { address: "[::1]:1", timeout: 3s }], exec: [/bin/true], use: direct }
  - { not: { localNetwork: ["10.0.0.0/8", "!10.1.0.0/16"], exec: { command: [./at-home], timeout: 1s } }, use: direct }
`,
    );
    const fresh = load();
    const again = readCached(config, cache)?.config as Config;
    const withoutLines = (config_: Config): unknown =>
      JSON.parse(
        JSON.stringify(seen(config_), (key, value) =>
          key === 'where' && value?.file?.endsWith('.txt') ? undefined : value,
        ),
      );
    expect(withoutLines(again)).to.deep.equal(withoutLines(fresh));
    expect(again.rules.map(({ conditions }) => Object.keys(conditions ?? {}).length > 0)).to.deep.equal([
      true,
      true,
      true,
    ]);
    expect(again.rules[0]?.host?.map(({ source }) => source)).to.deep.equal(['a', '*.file.example', '!x.file.example']);
    expect(again.sources).to.deep.equal([config, join(folder, 'hosts.txt')]);
  });

  it('is not used after a file of patterns has changed, or has gone', () => {
    const hosts = write('hosts.txt', 'a\n');
    write('config.yaml', 'rules: [{ host: { file: ./hosts.txt }, use: direct }]\n');
    load();
    expect(readCached(config, cache)?.config.rules[0]?.host?.[0]?.source).to.equal('a');
    chmodSync(hosts, 0o622);
    expect(refusal(() => load()).message).to.match(/hosts\.txt can be written by its group/);
    chmodSync(hosts, 0o600);
    load();
    expect(readCached(config, cache)).not.to.equal(undefined);
    writeFileSync(hosts, 'b\n');
    expect(readCached(config, cache)).to.equal(undefined);
    load();
    expect(readCached(config, cache)?.config.rules[0]?.host?.[0]?.source).to.equal('b');
    rmSync(hosts);
    expect(readCached(config, cache)).to.equal(undefined);
  });

  it('knows the place of every part of a rule or a hop too, which it reads again for that', async () => {
    const fresh = load();
    const again = readCached(config, cache)?.config as Config;
    const placesIn = async ({ rules, hops }: Config): Promise<unknown[]> => {
      const corp = hops.get('corp');
      return Promise.all([
        ...rules.map(({ locate }) => locate?.(['use'])),
        rules[0]?.locate?.(['use', 1]),
        rules[1]?.locate?.(['use', 'host'], 'key'),
        corp?.locate(['url']),
      ]);
    };
    const places = await placesIn(fresh);
    expect(await placesIn(again)).to.deep.equal(places);
    expect(new Set(places.map((place) => JSON.stringify(place)))).to.have.property('size', 7);
    rmSync(config);
    expect(await again.rules[1]?.locate?.(['use', 'host'])).to.deep.equal(again.rules[1]?.where());
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
    ['somebody else has written it (needs root)', (entry) => chownSync(entry, isRoot ? STRANGER : 0, 0)],
    ['it is cut off', (entry) => truncateSync(entry, 300)],
    ['it is damaged', (entry) => edit(entry, 'proxy.example', 'proxy.exbmple')],
    ['its stamps are gone', (entry) => edit(entry, /"stamps":\[.*?\]/, '"stamps":[]')],
    ['it is other JSON', (entry) => writeFileSync(entry, 'null')],
    ['it is of the old format', (entry) => writeFileSync(entry, '{"version":"1 1.2.3","stamps":[],"config":{}}')],
    ['it is empty', (entry) => writeFileSync(entry, '')],
    ['it is a link', replaceByLink],
  ];
  for (const [what, change] of unused) {
    it(`is not used when ${what}`, function () {
      if (what.includes('needs root') && !isRoot) this.skip();
      load();
      expect(readCached(config, cache)).not.to.equal(undefined);
      change(join(cache.folder, cached()[0] ?? ''));
      expect(readCached(config, cache)).to.equal(undefined);
      expect(load().rules).to.have.length(4);
    });
  }

  it('is looked at on the descriptor that is read: what is put in its place meanwhile does not count', () => {
    load();
    const entry = join(cache.folder, cached()[0] ?? '');
    cpSync(entry, join(folder, 'open'));
    chmodSync(join(folder, 'open'), 0o666);
    const swap = (): void => {
      renameSync(entry, join(folder, 'other'));
      renameSync(join(folder, 'open'), entry);
      renameSync(join(folder, 'other'), join(folder, 'open'));
    };
    expect(changeAfterOpen(swap, () => readCached(config, cache))).not.to.equal(undefined);
    expect(changeAfterOpen(swap, () => readCached(config, cache))).to.equal(undefined);
  });

  it('is not used when a build of the same version has written it in another shape', () => {
    later(() => {
      const rules = loadRules({ file: config }) as ReadRules;
      const [main] = rules.files;
      const { rules: written } = Object(main?.source.data) as { rules: { port: unknown }[] };
      Object.assign(written[0] ?? {}, { port: {} });
      cacheRules(rules, cache);
    });
    expect(cached()).to.have.length(1);
    expect(readCached(config, cache)).to.equal(undefined);
  });

  it('is not used after a link to the file was switched while it was read', () => {
    const link = join(folder, 'link.yaml');
    write('old.yaml', 'rules: { use: old }');
    write('new.yaml', 'rules: { use: new }');
    symlinkSync('old.yaml', link);
    const switchLink = (): void => {
      rmSync(link);
      symlinkSync('new.yaml', link);
    };
    expect(changeAfterOpen(switchLink, () => load(link)).rules[0]?.use).to.equal('old');
    expect(cached()).to.have.length(1);
    expect(readCached(link, cache)).to.equal(undefined);
    expect(load(link).rules[0]?.use).to.equal('new');
    expect(readCached(link, cache)?.config.rules[0]?.use).to.equal('new');
  });

  for (const [length, file] of [
    ['short', 'config.yaml'],
    ['long', `${'x'.repeat(200)}.yaml`],
  ] as const) {
    it(`is not used for another home folder, at a ${length} path`, () => {
      const home = process.env['HOME'];
      const path = write(file, 'extends: ~/team.yaml');
      try {
        for (const name of ['me', 'us']) {
          mkdirSync(join(folder, name));
          write(`${name}/team.yaml`, `rules: { use: ${name} }`);
        }
        const rules = ['me', 'us', 'me'].map((name) => {
          process.env['HOME'] = join(folder, name);
          return (readCached(path, cache)?.config ?? load(path)).rules[0]?.use;
        });
        expect(rules).to.deep.equal(['me', 'us', 'me']);
      } finally {
        if (home === undefined) delete process.env['HOME'];
        else process.env['HOME'] = home;
      }
    });
  }

  it('is refused like the files when others can write where one of them is', () => {
    mkdirSync(join(folder, 'team'));
    write('team/team.yaml', TEAM);
    write('config.yaml', CONFIG.replace('./team.yaml', './team/team.yaml'));
    load();
    expect(readCached(config, cache)).not.to.equal(undefined);
    chmodSync(join(folder, 'team'), 0o777);
    const { message } = refusal(() => readCached(config, cache));
    expect(message).to.match(/\/team can be written by its group and everybody/);
  });

  const notKept: readonly [what: string, text: string][] = [
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

  it('is not cached when the file was so new as it was read, however long that took', () => {
    const rules = loadRules({ file: config }) as ReadRules;
    later(() => cacheRules(rules, cache));
    expect(cached()).to.deep.equal([]);
  });

  it('leaves no file behind when it cannot be written, or when its writer was killed', () => {
    load();
    const entry = join(cache.folder, cached()[0] ?? '');
    rmSync(entry);
    mkdirSync(entry);
    load();
    expect(cached()).to.deep.equal([basename(entry)]);
    rmdirSync(entry);
    for (const [name, ageMs] of [
      ['killed', 2 * LONG_AGO_MS],
      ['writing', 0],
    ] as const) {
      writeFileSync(`${entry}.${name}`, '');
      const then = (realNow() + LONG_AGO_MS - ageMs) / 1000;
      utimesSync(`${entry}.${name}`, then, then);
    }
    load();
    expect(cached().sort()).to.deep.equal([basename(entry), `${basename(entry)}.writing`]);
  });

  it('does not follow what is put where it is written', () => {
    load();
    const entry = join(cache.folder, cached()[0] ?? '');
    write('victim', 'text');
    symlinkSync(join(folder, 'victim'), `${entry}.${process.pid}`);
    rmSync(entry);
    load();
    expect(readFileSync(join(folder, 'victim'), 'utf8')).to.equal('text');
  });

  it('is not cached where others can write, or where no folder can be', () => {
    chmodSync(cache.folder, 0o777);
    load();
    expect(cached()).to.deep.equal([]);
    cache = { ...cache, folder: join(config, 'below-a-file') };
    expect(load().rules).to.have.length(4);
    cache = { ...cache, folder: join(folder, 'link') };
    mkdirSync(join(folder, 'ours'), { mode: 0o700 });
    symlinkSync('ours', cache.folder);
    load();
    expect(cached()).to.deep.equal([]);
  });

  it('is kept in a folder that is made for it, for nobody else to see', () => {
    cache = { ...cache, folder: join(folder, 'home/.cache/fdpass') };
    load();
    expect(cached()).to.have.length(1);
    expect(statMode(cache.folder)).to.equal(0o700);
  });

  it('makes no folder behind what others control', function () {
    mkdirSync(join(folder, 'shared'));
    mkdirSync(join(folder, 'theirs'));
    chmodSync(join(folder, 'shared'), 0o777);
    cache = { ...cache, folder: join(folder, 'shared/.cache/fdpass') };
    load();
    expect(readdirSync(join(folder, 'shared'))).to.deep.equal([]);
    if (!isRoot) this.skip();
    chmodSync(join(folder, 'shared'), 0o1777);
    symlinkSync(join(folder, 'theirs'), join(folder, 'shared/.cache'));
    lchownSync(join(folder, 'shared/.cache'), STRANGER, STRANGER);
    load();
    expect(readdirSync(join(folder, 'theirs'))).to.deep.equal([]);
    rmSync(join(folder, 'shared/.cache'));
    load();
    expect(cached()).to.have.length(1);
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
