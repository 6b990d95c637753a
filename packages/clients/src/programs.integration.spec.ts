import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  findPostgres,
  requirePeers,
  run,
  skipOrFail,
  startPostgres,
  startServer,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import { startSocksProxy, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import {
  type Started,
  startGrpc,
  startMail,
  startMongo,
  startMqtt,
  startMysql,
  startWeb,
  startWeb2,
} from './servers.spec.helper.js';

const HOST = '127.0.0.1';
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const PAGE = 'docs/programs.md';
/** The network that programs of pages see: names under `.example`, with the ports of the test's servers. */
const NETWORK = new URL('../../cli/dist-test/doc-network.spec.helper.js', import.meta.url).href;
const REGISTER = new URL('../../cli/dist/register.js', import.meta.url).href;

/** A server behind the proxy, and what its program says. */
interface Recipe {
  /** What the proxy is asked for. */
  readonly host: string;
  readonly start: (context: Mocha.Context) => Promise<{ readonly port: number; close(): unknown }>;
  readonly says: string;
  readonly env?: () => NodeJS.ProcessEnv;
}

const web = (path: string, says = `200 /${path}`): Recipe => ({ host: 'web.example', start: startWeb, says });

let ssh: { readonly user: string; readonly key: string } | undefined;

const RECIPES: Readonly<Record<string, Recipe>> = {
  undici: web('undici'),
  fetch: web('fetch'),
  axios: web('axios'),
  got: web('got'),
  ky: web('ky'),
  ws: web('ws', 'ws'),
  http2: { host: 'web2.example', start: startWeb2, says: '/http2' },
  'grpc-js': { host: HOST, start: startGrpc, says: 'grpc-js' },
  ssh2: {
    host: 'ssh.example',
    async start(context) {
      requirePeers(context, 'ssh', 'sshd');
      const sshd = await startSshd();
      ssh = { user: sshd.user, key: join(sshd.folder, 'user') };
      return sshd;
    },
    says: 'ready',
    env: () => ({ SSH_USER: ssh?.user, SSH_KEY: ssh?.key }),
  },
  pg: {
    host: 'db.example',
    start: async (context) =>
      startPostgres(findPostgres() ?? skipOrFail(context, 'not installed: PostgreSQL (initdb)')),
    says: '42',
  },
  mysql2: { host: 'mysql.example', start: startMysql, says: '[{"answer":42}]' },
  ioredis: {
    host: 'redis.example',
    async start(context) {
      const { 'redis-server': redis } = requirePeers(context, 'redis-server');
      const words = (port: number): string[] => ['--port', String(port), '--bind', HOST, '--save', ''];
      return startServer(redis as string, words);
    },
    says: '42',
  },
  mongodb: { host: 'mongo.example', start: startMongo, says: '{"ok":1}' },
  nodemailer: { host: 'mail.example', start: startMail, says: '["you@mail.example"]' },
  mqtt: { host: 'mqtt.example', start: startMqtt, says: 'mqtt' },
};

/** The programs of the page, by the headings that they are under. */
function programsOf(page: string): Map<string, string> {
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [, name = '', program = ''] = /^(\S+)\n.*?```js[^\n]*\n(.*?)```/s.exec(section) ?? [];
      return [name, program];
    }),
  );
}

describe(`the clients of ${PAGE}`, () => {
  const programs = programsOf(readFileSync(join(ROOT, PAGE), 'utf8'));
  const folder = temporaryFolder();
  let within: string;
  before(() => {
    within = mkdtempSync(join(ROOT, 'packages/clients/.tmp-')); // where packages are found as in a program of one's own
  });
  after(() => {
    rmSync(within, { recursive: true, force: true });
    folder.remove();
  });

  it('are those that are tried here', () => {
    expect([...programs.keys()]).to.deep.equal(Object.keys(RECIPES));
  });

  for (const [name, { host, start, says, env }] of Object.entries(RECIPES)) {
    const program = programs.get(name) ?? '';
    const isUnaware = !program.includes("'fdpass'");

    it(`${name} reaches its server through the proxy${isUnaware ? ', by fdpass/register' : ''}`, async function () {
      const server: Started = await start(this);
      let proxy: TestProxy | undefined;
      try {
        proxy = await startSocksProxy({ hosts: { [host]: `${HOST}:${server.port}` } });
        const file = join(within, `${name}.js`);
        // grpc-js looks names up itself.
        writeFileSync(file, program.replace('grpc.example:50051', `${HOST}:${server.port}`));
        const config = join(folder.path, `${name}.yaml`);
        writeFileSync(config, `rules: [{ use: "socks5h://${HOST}:${proxy.port}" }]`, { mode: 0o600 });
        const { status, stdout, stderr } = await run(
          process.execPath,
          ['--import', isUnaware ? REGISTER : NETWORK, file],
          {
            env: {
              ...env?.(),
              HOME: folder.path,
              FDPASS_CONFIG: isUnaware ? config : '',
              FDPASS_EXAMPLE_PORTS: JSON.stringify({ 1080: proxy.port }),
            },
          },
        );
        expect([stdout.trim(), stderr, status]).to.deep.equal([says, '', 0]);
        expect(proxy.asked.map((asked) => asked.replace(/:\d+$/, ''))).to.include(host);
      } finally {
        await proxy?.close();
        await server.close();
      }
    });
  }
});
