import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireLab, runInLab, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** Connects again and again, each time in a process of its own, and moves to another network in between. */
const SCRIPT = `
const { execFileSync, spawn } = require('node:child_process');
const [, command, config] = process.argv;
const fdpass = (alias) => new Promise((resolve) => {
  const words = [command, '-c', config, '-vv', '--stdio', '--alias', alias, 'host.example', '2022'];
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.resume();
  let said = '';
  child.stderr.on('data', (text) => { said += text; });
  child.once('close', (status) => resolve({ status, tried: [...said.matchAll(/connecting to ([\\d.]+):/g)].map(([, address]) => address), note: /goes first/.test(said) }));
});
const explain = (alias) => JSON.parse(execFileSync(process.execPath,
  [command, 'explain', '--no-ssh', '--json', '-c', config, '--alias', alias, 'host.example', '2022'], { encoding: 'utf8' })).decisions;
const ip = (line) => execFileSync('ip', line.split(' '));
require('node:net').createServer((socket) => socket.on('error', () => {}).end('x')).listen(2022, '192.0.2.1', async () => {
  const seen = [];
  for (const alias of ['first-of', 'race', 'never']) {
    const dials = [await fdpass(alias), await fdpass(alias)];
    const decisions = explain(alias);
    ip('addr add 192.168.7.2/24 dev lab1');
    dials.push(await fdpass(alias));
    ip('addr del 192.168.7.2/24 dev lab1');
    dials.push(await fdpass(alias));
    seen.push({ dials, decisions });
  }
  console.log(JSON.stringify(seen));
  process.exit(0);
});`;

const DEAD = '198.51.100.7';
const LIVE = '192.0.2.1';

describe('a route that is remembered', () => {
  const folder = temporaryFolder();
  before(function () {
    requireLab(this);
  });
  after(() => folder.remove());

  it('goes first the next time, not in another network, and again back in this one', async () => {
    const config = join(folder.path, 'config.yaml');
    const routes = `[{ strategy: direct, host: ${DEAD} }, { strategy: direct, host: ${LIVE} }]`;
    writeFileSync(
      config,
      `rules:
  - { alias: first-of, use: { strategy: first-of, routes: ${routes}, timeout: 1s, remember: 1h } }
  - { alias: race, use: { strategy: race, routes: ${routes}, stagger: 200ms, remember: 1h } }
  - { alias: never, use: { strategy: first-of, routes: ${routes}, timeout: 1001ms } }
`,
      { mode: 0o600 },
    );
    const { status, stdout, stderr } = await runInLab(
      { addresses: [LIVE], blackholes: [DEAD] },
      [process.execPath, '-e', SCRIPT, FDPASS_BIN, config],
      { env: { ...NO_CONFIG, XDG_CACHE_HOME: join(folder.path, 'cache') }, timeoutMs: 150_000 },
    );
    expect(status, stderr).to.equal(0);
    const unknown = { status: 0, tried: [DEAD, LIVE], note: false };
    const known = { status: 0, tried: [LIVE], note: true };
    // The winner of the network is known to both: they have the same routes to the same host.
    expect(JSON.parse(stdout)).to.deep.equal([
      { dials: [unknown, known, unknown, known], decisions: [`direct ${LIVE} goes first: it worked last time`] },
      { dials: [known, known, known, known], decisions: [`direct ${LIVE} goes first: it worked last time`] },
      { dials: [unknown, unknown, unknown, unknown], decisions: [] },
    ]);
  });
});
