import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { Greeter } from '@fdpass/testkit';
import { expect } from 'chai';
import { fdpass } from './commands.spec.helper.js';

/** The command caches a config, and follows its files all the same. */
describe('fdpass with a config that it has seen before', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  const loaded = join(folder.path, 'loaded');
  const opened = join(folder.path, 'opened');
  const hook = join(folder.path, 'hook.cjs');
  let greeter: Greeter;
  before(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    writeFileSync(
      hook,
      `const fs = require('node:fs');
for (const name of ['openSync', 'readFileSync']) {
  const original = fs[name];
  fs[name] = function (path) {
    if (/\\.cjs$/.test(path)) fs.appendFileSync(${JSON.stringify(loaded)}, path + '\\n');
    if (/config\\.yaml$/.test(path)) fs.appendFileSync(${JSON.stringify(opened)}, name + '\\n');
    return original.apply(this, arguments);
  };
}\n`,
    );
  });
  after(async () => {
    await greeter.close();
    folder.remove();
  });

  function write(text: string): void {
    writeFileSync(config, text, { mode: 0o600 });
    const then = Date.now() / 1000 - 60;
    utimesSync(config, then, then);
  }

  /** One connection: how it ended, what greeted it, and which bundles took part. */
  async function connect(
    port: number = greeter.port,
  ): Promise<{ status: number | null; said: string; bundles: string }> {
    writeFileSync(loaded, '');
    const env = { XDG_CACHE_HOME: folder.path, NODE_OPTIONS: `--require=${hook}` };
    const { status, stdout, stderr } = await fdpass(['--config', config, '--stdio', '192.0.2.1', String(port)], {
      env,
    });
    return { status, said: stdout + stderr, bundles: readFileSync(loaded, 'utf8') };
  }

  const kept = (): string[] => readdirSync(join(folder.path, 'fdpass')).filter((name) => name.startsWith('config-'));

  it('reads it once, and again when it has changed', async () => {
    write('rules: [ { use: { strategy: direct, host: 127.0.0.1 } } ]\n');
    let first = await connect();
    expect(first).to.deep.include({ status: 0, said: 'SSH-2.0-greeter\r\n' });
    expect(first.bundles).to.match(/load\.cjs/);
    // What has only just been written is not kept: it might change again within the clock's grain.
    for (let turn = 0; turn < 100 && kept().length === 0; turn++) first = await connect();
    const again = await connect();
    expect(again).to.deep.include({ status: 0, said: 'SSH-2.0-greeter\r\n' });
    expect(again.bundles)
      .to.match(/config-cache/)
      .and.not.match(/load\.cjs|conditions\.cjs/); // which it has none of
    write('rules: [ { use: nonsense } ]\n');
    const changed = await connect();
    expect(changed.status).to.equal(78);
    expect(changed.said).to.match(/config\.yaml:1:17: rule 1: this word is neither/);
  });

  it('opens a config that it searches for once, and not at all if it is cached', async () => {
    mkdirSync(join(folder.path, 'xdg/fdpass'), { recursive: true });
    const found = join(folder.path, 'xdg/fdpass/config.yaml');
    writeFileSync(found, 'rules: [ { use: { strategy: direct, host: 127.0.0.1 } } ]\n', { mode: 0o600 });
    const env = {
      XDG_CACHE_HOME: folder.path,
      XDG_CONFIG_HOME: join(folder.path, 'xdg'),
      NODE_OPTIONS: `--require=${hook}`,
    };
    const open = async (): Promise<string> => {
      writeFileSync(opened, '');
      const { status } = await fdpass(['--stdio', '192.0.2.1', String(greeter.port)], { env });
      expect(status).to.equal(0);
      return readFileSync(opened, 'utf8');
    };
    let last = await open();
    expect(last).to.equal('openSync\n');
    // What has only just been written is not cached: it might change again within the clock's grain.
    for (let turn = 0; turn < 100 && last !== ''; turn++) {
      last = await open();
      expect(last).to.be.oneOf(['openSync\n', '']);
    }
    expect(last).to.equal('');
  });
});
