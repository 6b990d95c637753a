import { readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import tls from 'node:tls';
import { createConnection, httpAgent, httpsAgent, pgStream, undiciConnector } from '@fdpass/adapters';
import {
  alternativeNames,
  type Background,
  expectNoDescriptorLeft,
  findPostgres,
  makeCertificate,
  openDescriptors,
  type Postgres,
  requirePeers,
  type Sshd,
  skipOrFail,
  startPostgres,
  startServer,
  startSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { type ConnectionDialer, createDialer, type UseInput } from 'fdpass';
import pg from 'pg';
import { Client as SshClient } from 'ssh2';
import { fetch, Agent as UndiciAgent } from 'undici';

/** Real clients to real servers, through each kind of way there. */
describe('client libraries through a dialer', () => {
  let sshd: Sshd;
  let postgres: Postgres;
  let socks: Background;
  let proxy: Background;
  let web: http.Server;
  let secureWeb: https.Server;
  let web2: http2.Http2Server;
  let ca: string;

  before(async function () {
    const found = requirePeers(this, 'ssh', 'sshd', 'microsocks', 'tinyproxy', 'openssl');
    const postgresFolder = findPostgres() ?? skipOrFail(this, 'not installed: PostgreSQL (initdb)');
    sshd = await startSshd();
    socks = await startServer(found['microsocks'] as string, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
    proxy = await startServer(found['tinyproxy'] as string, (port) => {
      const file = join(sshd.folder, 'tinyproxy.conf');
      writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nAllow 127.0.0.1\nUser root\nGroup root\n`);
      return ['-d', '-c', file];
    });
    postgres = await startPostgres(postgresFolder);
    const answer: http.RequestListener = (request, response) => response.end(`${request.method} ${request.url}`);
    const files = makeCertificate(sshd.folder, 'web', alternativeNames('DNS:localhost,IP:127.0.0.1'));
    const [cert, key] = [files.cert, files.key].map((file) => readFileSync(file, 'utf8')) as [string, string];
    ca = cert;
    web = await listening(http.createServer(answer));
    secureWeb = await listening(https.createServer({ cert, key }, answer));
    web2 = await listening(http2.createServer((request, response) => response.end(`${request.method} ${request.url}`)));
  });
  after(async () => {
    web?.closeAllConnections();
    web?.close();
    secureWeb?.closeAllConnections();
    secureWeb?.close();
    web2?.close();
    await Promise.all([socks, proxy, postgres, sshd].map((server) => server?.close()));
  });

  const sshOptions = (): string[] => sshd.options();
  const ways: Readonly<Record<string, () => UseInput>> = {
    'a SOCKS server': () => `socks5h://127.0.0.1:${socks.port}`,
    'an HTTP proxy': () => `http://127.0.0.1:${proxy.port}`,
    'a jump host': () => ({
      strategy: 'jump',
      hosts: [`${sshd.user}@127.0.0.1:${sshd.port}`],
      sshOptions: sshOptions(),
      patience: '100ms', // HTTP servers do not speak first
    }),
    'nothing between': () => 'direct',
  };

  for (const [name, use] of Object.entries(ways)) {
    describe(`through ${name}`, () => {
      let dialer: ConnectionDialer;
      let openBefore: readonly string[];
      beforeEach(() => {
        openBefore = openDescriptors();
        dialer = createDialer({ rules: [{ use: use() }], timeout: '20s' });
      });
      afterEach(async () => {
        await dialer.close();
        await expectNoDescriptorLeft(openBefore);
      });

      it('http.get, twice over one connection', async () => {
        const agent = httpAgent(dialer, { keepAlive: true, maxSockets: 1 });
        for (const path of ['/one', '/two']) {
          const url = `http://localhost:${portOf(web)}${path}`;
          expect(await get((done) => http.get(url, { agent }, done))).to.equal(`GET ${path}`);
        }
        agent.destroy();
      });

      it('http.get without an agent, and http2 and TLS over a stream that is not connected yet', async () => {
        const connect = createConnection(dialer);
        const url = `http://localhost:${portOf(web)}/made`;
        expect(await get((done) => http.get(url, { createConnection: connect }, done))).to.equal('GET /made');
        const client = http2.connect('http://localhost', {
          createConnection: () => connect(portOf(web2), '127.0.0.1'),
        });
        expect(await text(client.request({ ':path': '/two' }))).to.equal('GET /two');
        client.close();
        const secure = tls.connect({ socket: connect(portOf(secureWeb), 'localhost'), ca, servername: 'localhost' });
        secure.write('GET /raw HTTP/1.0\r\n\r\n');
        expect(await text(secure)).to.match(/^HTTP\/1\.1 200 OK.*GET \/raw$/s);
      });

      it('https.get, its certificate checked', async () => {
        const agent = httpsAgent(dialer, { ca });
        const url = `https://localhost:${portOf(secureWeb)}/safe`;
        expect(await get((done) => https.get(url, { agent }, done))).to.equal('GET /safe');
        const distrusting = httpsAgent(dialer);
        const refused = await get((done) => https.get(url, { agent: distrusting }, done)).catch((error) => error);
        expect(refused)
          .to.be.an('error')
          .with.property('code')
          .that.matches(/SELF_SIGNED|UNABLE_TO_VERIFY/);
        agent.destroy();
        distrusting.destroy();
      });

      it('undici fetch, with and without TLS', async () => {
        const dispatcher = new UndiciAgent({ connect: undiciConnector(dialer, { tls: { ca } }) });
        for (const url of [`http://localhost:${portOf(web)}/plain`, `https://localhost:${portOf(secureWeb)}/safe`]) {
          const response = await fetch(url, { dispatcher });
          expect(await response.text()).to.equal(`GET ${new URL(url).pathname}`);
        }
        await dispatcher.destroy();
      });

      it('http2, which reads from the handle itself', async () => {
        const socket = await dialer.dial({ host: '127.0.0.1', port: portOf(web2) });
        const client = http2.connect('http://localhost', { createConnection: () => socket });
        expect(await text(client.request({ ':path': '/two' }))).to.equal('GET /two');
        client.close();
      });

      it('ssh2 exec', async () => {
        const sock = await dialer.dial({ host: '127.0.0.1', port: sshd.port });
        const privateKey = readFileSync(join(sshd.folder, 'user'));
        expect(await exec({ sock, username: sshd.user, privateKey }, 'echo from afar')).to.equal('from afar\n');
      });

      it('pg, several clients of a pool at once', async () => {
        const pool = new pg.Pool({
          host: '127.0.0.1',
          port: postgres.port,
          user: 'tester',
          database: 'postgres',
          stream: pgStream(dialer),
          max: 4,
        });
        const rows = Array.from({ length: 8 }, (_, index) => pool.query('select $1::int * 2 as twice', [index]));
        const answers = (await Promise.all(rows)).map(({ rows: [row] }) => row.twice);
        expect(answers).to.deep.equal([0, 2, 4, 6, 8, 10, 12, 14]);
        const { rows: big } = await pool.query("select repeat('x', 5000000) as big");
        expect(big[0].big).to.have.length(5_000_000);
        await pool.end();
      });

      it('TLS on top of the route', async () => {
        const socket = await dialer.dial({ host: 'localhost', port: portOf(secureWeb) }, { tls: { ca } });
        expect(socket.authorized).to.equal(true);
        socket.write('GET /raw HTTP/1.0\r\n\r\n');
        expect(await text(socket)).to.match(/^HTTP\/1\.1 200 OK.*GET \/raw$/s);
        socket.destroy();
      });
    });
  }

  it('tell why a connection could not be had, each in its own way', async () => {
    const dialer = createDialer({ rules: [{ use: `socks5h://127.0.0.1:1` }] });
    const url = `http://localhost:${portOf(web)}/`;
    const agent = httpAgent(dialer);
    const said = async (promise: Promise<unknown>): Promise<string> =>
      promise.then(
        () => 'no error',
        (error: Error & { cause?: Error }) => `${error.message}: ${error.cause?.message}`, // fetch() has the reason as the cause
      );
    expect(await said(get((done) => http.get(url, { agent }, done)))).to.match(/refused/);
    const dispatcher = new UndiciAgent({ connect: undiciConnector(dialer) });
    expect(await said(fetch(url, { dispatcher }))).to.match(/refused/);
    const wrapped = await fetch(url, { dispatcher }).catch((error) => error);
    expect(wrapped.cause.cause).to.include({ code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port: 1 });
    const client = new pg.Client({ host: '127.0.0.1', port: 5432, user: 'x', stream: pgStream(dialer) });
    expect(await said(client.connect())).to.match(/refused/);
    await dispatcher.destroy();
    await dialer.close();
  });
});

function listening<Listener extends Server>(server: Listener): Promise<Listener> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** The body of a response. */
function get(start: (done: (response: http.IncomingMessage) => void) => http.ClientRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    start((response) => text(response).then(resolve, reject)).once('error', reject);
  });
}

function exec(config: Parameters<SshClient['connect']>[0], command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = new SshClient();
    client.once('error', reject).once('ready', () =>
      client.exec(command, (error, channel) => {
        if (error !== undefined) return reject(error);
        text(channel).then((output) => {
          client.once('close', () => resolve(output)).end();
        }, reject);
      }),
    );
    client.connect(config);
  });
}
