import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { requirePeers, run, startServer, temporaryFolder } from '@fdpass/test-lab';
import { Greeter } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdrecv, NO_CONFIG } from './commands.spec.helper.js';

/** What costs time in each start, counted: times depend on the machine. `npm run bench -- start` measures them. */
describe('a start that passes a descriptor', () => {
  const folder = temporaryFolder();
  const report = join(folder.path, 'report');
  const config = join(folder.path, 'config.yaml');
  const hook = join(folder.path, 'hook.cjs');
  let greeter: Greeter;
  before(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    writeFileSync(config, 'rules: [ { host: "*", use: direct } ]\n', { mode: 0o600 });
    writeFileSync(hook, HOOK);
  });
  after(async () => {
    await greeter.close();
    folder.remove();
  });

  /**
   * Reports at _exit(2), which koffi calls: the bundles that the launcher has read, and the public modules of Node that were
   * loaded besides those of every Node.
   */
  const HOOK = `const fs = require('node:fs');
const { builtinModules } = require('node:module');
const before = new Set(process.moduleLoadList);
const bundles = [];
const { readFileSync, writeFileSync } = fs;
fs.readFileSync = function (path) {
  if (/\\/bundle\\/(?!launch).*\\.cjs$/.test(path)) bundles.push(require('node:path').basename(path));
  return readFileSync.apply(this, arguments);
};
const report = () => {
  const loaded = process.moduleLoadList.filter((name) => !before.has(name)).map((name) => name.replace('NativeModule ', ''));
  const modules = loaded.filter((name) => builtinModules.includes(name));
  writeFileSync(${JSON.stringify(report)}, JSON.stringify({ bundles, modules }));
};
const { dlopen } = process;
process.dlopen = function (module) {
  dlopen.apply(this, arguments);
  const { load, ...koffi } = module.exports;
  module.exports = { ...koffi, load: (name) => watched(load(name)) };
};
const watched = (libc) => ({
  func: (prototype) => {
    const call = libc.func(prototype);
    return prototype.includes(' _exit(') ? (...args) => { report(); return call(...args); } : call;
  },
});
`;

  async function startOf(...args: readonly string[]): Promise<{ bundles: string[]; modules: string[] }> {
    const env = { XDG_CACHE_HOME: folder.path, FDPASS_AGENT: 'none' };
    const options = ['--no-rehash-snapshot', `--require=${hook}`]; // as all starts but the first
    const words = [process.execPath, ...options, FDPASS_BIN, ...args, '127.0.0.1', String(greeter.port)];
    const { status, stderr } = await fdrecv(words, { env });
    expect([status, stderr]).to.deep.equal([0, '']);
    return JSON.parse(readFileSync(report, 'utf8'));
  }

  it('loads one bundle, and one module of Node', async () => {
    expect(await startOf()).to.deep.equal({ bundles: ['fdpass.cjs'], modules: ['vm'] });
  });

  it('loads what it has cached of a config, and nothing that reads one', async () => {
    let start = await startOf('--config', config);
    // What has only just been written is not cached: it might change again within the clock's grain.
    for (let turn = 0; turn < 100 && start.bundles.includes('load.cjs'); turn++)
      start = await startOf('--config', config);
    expect(start).to.deep.equal({ bundles: ['fdpass.cjs', 'config-cache.cjs'], modules: ['vm'] });
  });
});

describe('a start through the launcher', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it('is quick from the second time on, with compiled code of its own, until one needs much of Node', async () => {
    const greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    const env = { XDG_CACHE_HOME: folder.path, PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
    const version = `code-${process.version}-${process.arch}`;
    const kept = (): string[] => readdirSync(join(folder.path, 'fdpass')).filter((name) => name.startsWith('code-'));
    const noted = (): string[] => readdirSync(join(folder.path, 'fdpass/known-nodes', dirname(process.execPath)));
    try {
      for (const expected of [[version], [version, `${version}-quick`]]) {
        const { status, stderr } = await fdrecv([FDPASS_BIN, '127.0.0.1', String(greeter.port)], { env });
        expect([status, stderr]).to.deep.equal([0, '']);
        expect(kept()).to.have.members(expected);
      }
      expect(noted()).to.have.members(['node.newer', 'node.older']);
      // Streams of Node's own are what a file needs, and those are many modules.
      const words = ['-c', `"$0" --stdio 127.0.0.1 ${greeter.port} </dev/null >"$XDG_CACHE_HOME/out"`, FDPASS_BIN];
      const { status, stderr } = await run('/bin/sh', words, { env: { ...NO_CONFIG, ...env } });
      expect([status, stderr, noted()]).to.deep.equal([0, '', ['node.heavy']]);
    } finally {
      await greeter.close();
    }
  });
});

/** Those of the process itself, which come at any time: memory, threads. */
const OF_NODE =
  /^(futex|mmap|munmap|mprotect|madvise|mremap|brk|getpid|sched_\w+|rt_sig\w+|clone3?|set_robust_list|rseq)$/;

describe('a dial through a SOCKS hop', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  it('takes at most 24 system calls', async function () {
    const { strace = '', microsocks = '' } = requirePeers(this, 'strace', 'microsocks');
    const greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    const socks = await startServer(microsocks, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
    const log = join(folder.path, 'log');
    const script = `
      import { existsSync } from 'node:fs';
      import { builtinFramework } from ${JSON.stringify(new URL('../dist/command-framework.js', import.meta.url).href)};
      const { router } = await builtinFramework(false);
      const target = { host: '127.0.0.1', port: ${greeter.port} };
      const route = await router.routeVia(target, ['socks5://127.0.0.1:${socks.port}'], '/');
      for (let dial = 0; dial < 3; dial++) {
        existsSync('/dial ' + dial);
        const connection = await router.dial(route);
        existsSync('/dialled ' + dial);
        connection.destroy();
      }
      process.exit(0);`;
    try {
      const words = ['-o', log, process.execPath, '--input-type=module', '--eval', script];
      const { status, stderr } = await run(strace, words);
      expect([status, stderr]).to.deep.equal([0, '']);
    } finally {
      await socks.close();
      await greeter.close();
    }
    const calls = callsBetween(readFileSync(log, 'latin1'), '/dial 2', '/dialled 2');
    expect(calls).to.include.members(['socket', 'connect', 'sendto', 'recvfrom']);
    expect(calls.length, calls.join(' ')).to.be.at.most(24);
  });
});

/** The names of the calls between two that name these paths. */
function callsBetween(log: string, from: string, to: string): string[] {
  const lines = log
    .slice(log.indexOf(`"${from}"`), log.indexOf(`"${to}"`))
    .split('\n')
    .slice(1, -1);
  return lines.flatMap((line) => /^(\w+)\(/.exec(line)?.[1] ?? []).filter((name) => !OF_NODE.test(name));
}
