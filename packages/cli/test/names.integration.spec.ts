import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireLab, runInLab, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, NO_CONFIG } from './commands.spec.helper.js';

const TEST_LAB = fileURLToPath(import.meta.resolve('@fdpass/test-lab'));

/** Two name servers that know the same name by other addresses, and a third that the system asks, which knows nothing of it. */
const SCRIPT = `
import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { DnsServer } from ${JSON.stringify(TEST_LAB)};
const [, command, config] = process.argv;
const PORTS = {};
const start = async (name, address, answers) => {
  const server = await DnsServer.start(address);
  for (const [host, answer] of Object.entries(answers)) server.answers.set(host, answer);
  PORTS[name] = server.address;
  return server;
};
const home = await start('HOME', '192.0.2.53', { 'db.corp.example': ['192.0.2.1'], 'web.lab.example': ['192.0.2.3'] });
const office = await start('OFFICE', '2001:db8:1::53', { 'db.corp.example': ['192.0.2.8', '2001:db8:1::2'] });
const greet = (address) => new Promise((resolve) => createServer((socket) => socket.on('error', () => {}).end('from ' + address)).listen(2022, address, resolve));
for (const address of ['192.0.2.1', '192.0.2.3', '2001:db8:1::2']) await greet(address);
const fs = await import('node:fs');
fs.writeFileSync(config, fs.readFileSync(config, 'utf8').replace(/HOME|OFFICE/g, (name) => JSON.stringify(PORTS[name])));
const fdpass = (...words) => new Promise((resolve) => {
  const child = spawn(process.execPath, [command, '-c', config, '-v', '--stdio', ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (text) => { out += text; });
  child.stderr.on('data', (text) => { err += text; });
  child.once('close', (status) => resolve({ status, out, err }));
});
const seen = [];
for (const words of [['--alias', 'home', 'db.corp.example'], ['--alias', 'office', 'db.corp.example'], ['--alias', 'none', 'db.corp.example'], ['--alias', 'home', 'web']])
  seen.push(await fdpass(...words, '2022'));
console.log(JSON.stringify(seen));
process.exit(0);`;

describe('split DNS', () => {
  const folder = temporaryFolder();
  before(function () {
    requireLab(this);
  });
  after(() => folder.remove());

  it('asks the name servers of the rule, tries all addresses, and makes short names whole', async () => {
    const config = join(folder.path, 'config.yaml');
    writeFileSync(
      config,
      `canonical: { domains: [corp.example, lab.example], dns: HOME }
rules:
  - { alias: home, host: ["*.corp.example", "*.lab.example"], dns: HOME, use: happy-eyeballs }
  - { alias: office, dns: OFFICE, use: happy-eyeballs }
`,
      { mode: 0o600 },
    );
    const lab = {
      addresses: ['192.0.2.1', '192.0.2.3', '192.0.2.53', '2001:db8:1::2', '2001:db8:1::53'],
      blackholes: ['192.0.2.8'],
    };
    const script = join(folder.path, 'script.mjs');
    writeFileSync(script, SCRIPT.replace('[, command, config]', '[, , command, config]'));
    const { status, stdout, stderr } = await runInLab(lab, [process.execPath, script, FDPASS_BIN, config], {
      env: NO_CONFIG,
    });
    expect(status, stderr).to.equal(0);
    const [home, office, none, short] = JSON.parse(stdout) as { status: number; out: string; err: string }[];
    expect(home?.out, home?.err).to.equal('from 192.0.2.1');
    expect(home?.err).to.match(/db\.corp\.example \(IPv4\) by 192\.0\.2\.53:\d+: 192\.0\.2\.1/);
    expect(office?.out, office?.err).to.equal('from 2001:db8:1::2');
    expect(none?.status).to.equal(68); // the system does not know it
    expect(short?.out, short?.err).to.equal('from 192.0.2.3');
  });
});
