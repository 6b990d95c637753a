import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Background,
  openScreen,
  requirePeers,
  type Screen,
  type Sshd,
  startServer,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import { refusedPort, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

const UTF8 = { LANG: 'C.UTF-8', LC_ALL: undefined, LC_CTYPE: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };

/** What was printed, in lines, without what is different each time: times and bars. */
function withoutTimes(stdout: string): string[] {
  return linesIn(stdout).map((line) =>
    line
      .replace(/^ *[\d.]+ m?s {2}.{24} {2}.{7} {2}/, '| ')
      .replace(/\d+\.\d+\.\d+ starts/, 'N starts')
      .replace(/in \d+ ms$/, 'in N ms'),
  );
}

/** `run` gives what a program prints as octets. */
function linesIn(stdout: string): string[] {
  return Buffer.from(stdout, 'latin1').toString().split('\n');
}

interface TraceDocument {
  readonly exitStatus: number;
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly greeting: Readonly<Record<string, unknown>> | null;
  readonly rows: readonly {
    readonly kind: string;
    readonly text: string;
    readonly state: string;
    readonly startMs: number;
    readonly endMs: number;
  }[];
}

describe('fdpass trace', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  describe('through microsocks and tinyproxy to sshd', () => {
    let sshd: Sshd;
    const running: Background[] = [];
    let via: readonly string[];
    let urls: readonly string[];

    before(async function () {
      const { microsocks = '', tinyproxy = '' } = requirePeers(this, 'sshd', 'microsocks', 'tinyproxy');
      sshd = await startSshd();
      const socks = await startServer(microsocks, (port) => ['-i', '127.0.0.1', '-p', String(port)]);
      const http = await startServer(tinyproxy, (port) => {
        const file = join(sshd.folder, 'tinyproxy.conf');
        writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nTimeout 60\nMaxClients 50\nBasicAuth me marker\n`);
        return ['-d', '-c', file];
      });
      running.push(socks, http);
      urls = [`socks5h://127.0.0.1:${socks.port}`, `http://me:marker@127.0.0.1:${http.port}`];
      via = urls.flatMap((url) => ['--via', url]);
    });
    after(async () => {
      for (const server of running) await server.close();
      await sshd?.close();
    });

    it('shows every hop, every step and the greeting, plain in a pipe, without the password', async () => {
      const place = `127.0.0.1:${sshd.port}`;
      const { status, stdout, stderr } = await fdpass(['trace', ...via, '127.0.0.1', String(sshd.port)], { env: UTF8 });
      const [socks = '', http = ''] = urls.map((url) => url.replace('me:marker', '***'));
      const httpPlace = http.slice(http.indexOf('@') + 1);
      const reached = [
        `|   ✔ ${socks} to ${httpPlace}`,
        `|     ✔ ${socks.slice('socks5h://'.length)}`,
        '|     > SOCKS5 greeting, offers no authentication',
        '|     < method: no authentication',
        `|     > CONNECT ${httpPlace}`,
        '|     < succeeded',
      ];
      const said = withoutTimes(stdout).filter((line) => !line.includes('warning: the password'));
      expect([status, stderr]).to.deep.equal([0, '']);
      expect(said.slice(0, -3)).to.deep.equal([
        place,
        '',
        '| · Node N starts',
        '| · fdpass is loaded',
        '| · no configuration',
        `| · route: ${socks} -> ${http}`,
        `| ✔ ${http} to ${place}`,
        ...reached,
        `|   > CONNECT ${place} HTTP/1.1`,
        '|   < HTTP/1.0 407 Proxy Authentication Required',
        '|   · the proxy wants authentication on a new connection',
        ...reached,
        `|   > CONNECT ${place} HTTP/1.1`,
        '|   < HTTP/1.0 200 Connection established',
        said.at(-4),
      ]);
      expect(said.at(-4)).to.match(/^\| ✔ greeting: "SSH-2\.0-OpenSSH.*" \(SSH\)$/);
      expect(said.slice(-3)).to.deep.equal(['', `connected to ${place} through ${socks} -> ${http} in N ms`, '']);
      expect(stdout).to.not.contain('marker');
    });

    it('writes JSON and a picture, neither with the password', async () => {
      const file = join(folder.path, 'trace.svg');
      const args = ['trace', '--json', '--svg', file, ...via, '127.0.0.1', String(sshd.port)];
      const { status, stdout } = await fdpass(args);
      const document = JSON.parse(stdout) as TraceDocument;
      expect([status, document.exitStatus, document.error]).to.deep.equal([0, 0, null]);
      expect(document.greeting).to.include({ protocol: 'SSH' });
      expect(document.rows.every(({ startMs, endMs }) => startMs <= endMs)).to.equal(true);
      const svg = readFileSync(file, 'utf8');
      expect(svg)
        .to.match(/^<svg /)
        .and.contain('CONNECT 127.0.0.1');
      expect(svg + stdout).to.not.match(/marker|bWU6/);
    });
  });

  describe('of what goes wrong', () => {
    let closing: ScriptedServer;
    let silent: ScriptedServer;
    let odd: ScriptedServer;
    before(async () => {
      closing = await startScriptedServer((line) => line.end());
      silent = await startScriptedServer(async (line) => void (await line.takeThrough('never')));
      odd = await startScriptedServer((line) => line.send('220 mail.example ESMTP\r\n'));
    });
    after(async () => {
      for (const server of [closing, silent, odd]) await server?.close();
    });

    it('ends with the line and the status of the connect form', async () => {
      const port = String(await refusedPort());
      const connecting = await fdpass(['127.0.0.1', port]);
      const { status, stdout, stderr } = await fdpass(['trace', '127.0.0.1', port], { env: UTF8 });
      expect(linesIn(stdout).slice(-3)).to.deep.equal([connecting.stderr.trim(), 'exit status 69', '']);
      expect([status, stderr]).to.deep.equal([69, '']);
      expect(withoutTimes(stdout)).to.include(`|   ✗ 127.0.0.1:${port}: connection refused`);
    });

    it('shows a proxy that stays silent as a wait without end', async () => {
      const proxy = `http://127.0.0.1:${silent.port}`;
      const { status, stdout } = await fdpass(['trace', '-w', '300ms', '--via', proxy, 'host.example'], { env: UTF8 });
      expect(status).to.equal(75);
      expect(withoutTimes(stdout)).to.include("|   ✗ waited for the proxy's response");
    });

    it('says what else the server speaks, and when it closes instead', async () => {
      const other = await fdpass(['trace', '127.0.0.1', String(odd.port)], { env: UTF8 });
      expect(withoutTimes(other.stdout)).to.include('| ✔ greeting: "220 mail.example ESMTP" (SMTP)');
      const none = await fdpass(['trace', '--json', '127.0.0.1', String(closing.port)]);
      expect([none.status, (JSON.parse(none.stdout) as TraceDocument).error]).to.deep.equal([
        69,
        {
          code: 'unreachable',
          message: 'the connection was closed before the server said anything',
          hint: "look in the server's log: it can refuse this address, or have too many connections",
          target: { host: '127.0.0.1', port: closing.port },
          rule: 'no configuration',
          exitStatus: 69,
        },
      ]);
    });

    it('shows a configuration that cannot be read', async () => {
      const config = join(folder.path, 'wrong.yaml');
      writeFileSync(config, 'rules: [ { use: sokcs } ]\n', { mode: 0o600 });
      const { status, stdout } = await fdpass(['trace', '-c', config, 'host.example'], { env: UTF8 });
      expect(status).to.equal(78);
      expect(withoutTimes(stdout).filter((line) => line.startsWith('| ✗'))).to.have.lengthOf(1);
    });

    it('refuses a picture that cannot be written', async () => {
      const { status, stderr } = await fdpass(['trace', '--svg', '/no/such/x.svg', '127.0.0.1', String(odd.port)]);
      expect([status, stderr]).to.deep.equal([
        64,
        'fdpass: [usage] cannot write the picture /no/such/x.svg: no such file or directory; choose another file with --svg\n',
      ]);
    });
  });

  describe('on a terminal', () => {
    let server: ScriptedServer;
    let screen: Screen;
    let greet: () => void;
    beforeEach(async function () {
      requirePeers(this, 'tmux', 'dash');
      const asked = new Promise<void>((resolve) => {
        greet = resolve;
      });
      server = await startScriptedServer(async (line) => {
        await asked;
        await line.send('SSH-2.0-late\r\n');
      });
      screen = await openScreen({ columns: 90, rows: 24 }, { ...NO_CONFIG, ...UTF8 });
    });
    afterEach(async () => {
      await screen?.close();
      await server?.close();
    });

    const start = (more = ''): Promise<void> =>
      screen.type(`clear; '${process.execPath}' '${FDPASS_BIN}' trace ${more} 127.0.0.1 ${server.port}`);

    it('is live, and the last picture takes the place of the ones before', async () => {
      await start();
      const live = await screen.until(/… greeting\n\nunder way for/);
      expect(live).to.match(/▸ +[\d.]+ m?s {2}… greeting$/m);
      greet();
      const last = await screen.until(/connected to .* in \d+ ms\n\$/);
      expect(last.match(/Node/g)).to.have.lengthOf(1);
      expect(last).to.contain('✔ greeting: "SSH-2.0-late" (SSH)').and.not.contain('under way');
      for (const line of last.split('\n')) expect(line.length).to.be.at.most(90);
    });

    it('draws nothing over a question, and goes on below the answer', async () => {
      const config = join(folder.path, 'ask.json');
      const proxy = await startScriptedServer(async (line) => {
        await line.takeThrough('\r\n\r\n');
        await line.send('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-asked\r\n');
      });
      try {
        const credentials = { username: 'me', ask: true };
        const use = { strategy: 'http-connect', url: `http://127.0.0.1:${proxy.port}`, auth: 'basic', credentials };
        writeFileSync(config, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
        await start(`-c '${config}'`);
        const asked = await screen.until(/Proxy password for me@127\.0\.0\.1:\d+:/);
        expect(asked.split('\n').at(-1)).to.match(/^Proxy password/);
        await screen.type('hush');
        const last = await screen.until(/connected to .* in \d+ ms\n\$/);
        expect(last).to.contain('Proxy password').and.contain('SSH-2.0-asked').and.not.contain('hush');
      } finally {
        await proxy.close();
      }
    });

    it('follows the width of the terminal, and shows no bars where that is small', async () => {
      await start();
      await screen.until(/under way for/);
      await screen.resize(40, 24);
      const narrow = await screen.until(/^ +[\d.]+ m?s {2}… greeting\n\nunder way/m);
      expect(narrow).to.not.contain('━');
      greet();
      await screen.until(/connected to/);
    });

    it('shows the end of a picture that is higher than the terminal, and all of it in the end', async () => {
      await screen.resize(90, 8);
      await start();
      const live = await screen.until(/under way for/);
      expect(live.split('\n').length).to.be.at.most(8);
      greet();
      await screen.until(/connected to/);
      await screen.resize(90, 40);
      const all = await screen.until(/Node/);
      expect(all).to.contain('route: happy-eyeballs');
    });
  });
});
