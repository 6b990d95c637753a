// The detached relay through a proxy over TLS: 1 GiB from a server, checked by its hash, compared with the same data over a
// passed descriptor and over `nc`'s relay.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';

const TOTAL = Number(process.env.BYTES ?? 1024 ** 3);
const CHUNK = Buffer.alloc(64 * 1024);
for (let i = 0; i < CHUNK.length; i++) CHUNK[i] = (i * 31) & 255;

const folder = mkdtempSync(join(tmpdir(), 'fdpass-bench-'));
const file = (name) => join(folder, name);
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    file('key.pem'),
    '-out',
    file('cert.pem'),
  ],
  { stdio: 'ignore' },
);
execFileSync('sh', [
  '-c',
  `umask 077; printf 'rules: [ { use: { strategy: http-connect, url: "https://localhost:%s", tls: { ca: ${file('cert.pem')} } } } ]\\n' PORT > ${file('config.yaml')}`,
]);

const source = createServer({ allowHalfOpen: true }, (socket) => {
  let sent = 0;
  const feed = () => {
    while (sent < TOTAL) {
      sent += CHUNK.length;
      if (!socket.write(CHUNK)) return void socket.once('drain', feed);
    }
    socket.end();
  };
  socket.on('error', () => {}).resume();
  feed();
});
const proxy = createTlsServer(
  { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')), allowHalfOpen: true },
  (client) => {
    client
      .on('error', () => {})
      .once('data', () => {
        const far = connect({ port: source.address().port, host: '127.0.0.1', allowHalfOpen: true }, () => {
          client.write('HTTP/1.1 200 OK\r\n\r\n');
          client.pipe(far).on('error', () => {});
          far.pipe(client);
        });
      });
  },
);
await Promise.all([source, proxy].map((server) => new Promise((done) => server.listen(0, '127.0.0.1', done))));
execFileSync('sed', ['-i', `s/PORT/${proxy.address().port}/`, file('config.yaml')]);

const expected = createHash('sha256');
for (let sent = 0; sent < TOTAL; sent += CHUNK.length) expected.update(CHUNK);
const wanted = expected.digest('hex');

const port = String(source.address().port);
const fdrecv = [process.execPath, resolve('bin/fdrecv'), '--stdio', process.execPath, resolve('bin/fdpass')];
await transfer('relay through TLS', [...fdrecv, '--config', file('config.yaml'), '127.0.0.1', port]);
await transfer('passed descriptor', [...fdrecv, '127.0.0.1', port]);
await transfer('fdpass --stdio', [process.execPath, resolve('bin/fdpass'), '--stdio', '127.0.0.1', port]);
await transfer('nc', ['nc', '-N', '127.0.0.1', port]);
rmSync(folder, { recursive: true });
process.exit(0);

async function transfer(name, [command, ...args]) {
  const start = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const hash = createHash('sha256');
  for await (const chunk of child.stdout) hash.update(chunk);
  const seconds = (performance.now() - start) / 1000;
  const verdict = hash.digest('hex') === wanted ? 'hash equal' : 'HASH DIFFERS';
  console.log(
    `${name}: ${TOTAL / 1024 ** 2} MiB in ${seconds.toFixed(1)} s, ${(TOTAL / 1024 ** 2 / seconds).toFixed(0)} MiB/s, ${verdict}`,
  );
}
