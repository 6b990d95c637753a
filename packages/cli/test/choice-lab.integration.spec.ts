import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireLab, runInLab, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN } from './commands.spec.helper.js';

/** Two routes to one host in a network namespace, of which the better one is black-holed. */
const LAB = { addresses: ['192.0.2.1'], blackholes: ['198.51.100.7'] };

const SCRIPT = `
const server = require('node:net').createServer((socket) => socket.on('error', () => {}).end('x')).listen(2022, '192.0.2.1', () => {
  const child = require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: ['ignore', 1, 1] });
  child.once('exit', (code) => process.exit(code));
});`;

describe('a black-holed route', () => {
  const folder = temporaryFolder();
  before(function () {
    requireLab(this);
  });
  after(() => folder.remove());

  const routes = '[ { strategy: direct, host: 198.51.100.7 }, { strategy: direct, host: 192.0.2.1 } ]';
  const uses: Readonly<Record<string, string>> = {
    'first-of, each route with a limit': `{ strategy: first-of, routes: ${routes}, timeout: 1s }`,
    race: `{ race: ${routes} }`,
    'race with a grace period for the better one': `{ strategy: race, routes: ${routes}, stagger: 50ms, grace: 200ms }`,
    'hosts, each with a limit': '{ strategy: hosts, hosts: [198.51.100.7, 192.0.2.1], timeout: 1s }',
  };
  for (const [what, use] of Object.entries(uses)) {
    it(`is passed over by ${what}`, async () => {
      const config = join(folder.path, 'config.yaml');
      writeFileSync(config, `rules:\n  - use: ${use}\n`, { mode: 0o600 });
      const words = [FDRECV_BIN, process.execPath, FDPASS_BIN, '-vv', '--config', config, 'host.example', '2022'];
      const { status, stdout } = await runInLab(LAB, [process.execPath, '-e', SCRIPT, ...words]);
      expect(status, stdout).to.equal(0);
      expect(stdout)
        .to.match(/connecting to 198\.51\.100\.7:2022/)
        .and.match(/inet stream local \S+ peer 192\.0\.2\.1:2022/);
    });
  }
});
