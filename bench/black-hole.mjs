// How long fdpass and `nc -F` take to connect to a name with an IPv6 address that swallows packets and a live IPv4 one, in
// a network namespace. The bound is 1.2 x (250 ms + round trip).
import { resolve } from 'node:path';
import { labUnavailable, runInLab } from '../packages/test-lab/dist/index.js';

const NC_LIMIT_S = 20;
const LAB = {
  addresses: ['192.0.2.1'],
  blackholes: ['2001:db8:dead::/48'],
  hosts: { 'both.example': ['2001:db8:dead::1', '192.0.2.1'] },
};
const SCRIPT = `
const { spawnSync, spawn } = require('node:child_process');
const net = require('node:net');
const run = (args) => new Promise((done) => {
  const start = performance.now();
  let said = '';
  const child = spawn(args[0], args.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  child.once('close', () => done({ ms: performance.now() - start, said }));
});
const server = net.createServer((socket) => socket.on('error', () => {}).end()).listen(2022, '192.0.2.1', async () => {
  const [fdrecv, fdpass] = process.argv.slice(1);
  for (let i = 0; i < 5; i++) {
    const { said } = await run([process.execPath, fdrecv, process.execPath, fdpass, '-vv', 'both.example', '2022']);
    console.log('fdpass: connected after ' + (/connected to both.* in ([0-9]+ ms)/.exec(said)?.[1] ?? 'an error: ' + said));
  }
  const { ms } = await run(['timeout', '${NC_LIMIT_S}', process.execPath, fdrecv, 'nc', '-F', 'both.example', '2022']);
  console.log('nc -F: ' + (ms > ${NC_LIMIT_S}000 ? 'not connected after ${NC_LIMIT_S} s' : 'connected after ' + Math.round(ms) + ' ms'));
  process.exit(0);
});`;

const reason = labUnavailable();
if (reason !== undefined) {
  console.log(`skipped: ${reason}`);
} else {
  const { stdout, stderr } = await runInLab(
    LAB,
    [process.execPath, '-e', SCRIPT, resolve('bin/fdrecv'), resolve('bin/fdpass')],
    { timeoutMs: 120_000 },
  );
  console.log(`${stdout}${stderr}`.trim());
}
