import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  expectNoneLeft,
  type Finished,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { CLEAN, FDPASS, FDRECV } from './command.spec.helper.js';
import { Certificates, startTlsProxy, type TlsProxy } from './tls-proxy.spec.helper.js';

const SECRET = 'Marker-7q!x';
const BASIC = Buffer.from(`me:${SECRET}`).toString('base64');
/** The secret in every form it takes on its way. */
const FORMS = [SECRET, encodeURIComponent(SECRET), BASIC, Buffer.from(SECRET).toString('base64').replace(/=*$/, '')];
const VARIABLE = 'FDPASS_TEST_SECRET';

interface Source {
  readonly name: string;
  readonly userInfo?: string;
  readonly credentials?: object;
}

const SOURCES: readonly Source[] = [
  { name: 'the URL', userInfo: `me:${encodeURIComponent(SECRET)}@` },
  { name: 'a file', credentials: { username: 'me', passwordFile: 'secret' } },
  { name: 'the environment', credentials: { username: 'me', passwordEnv: VARIABLE } },
  { name: 'a program', credentials: { username: 'me', passwordCommand: ['./show-secret'] } },
  { name: 'a netrc file', credentials: { netrc: 'netrc' } },
  { name: 'SSH_ASKPASS', credentials: { username: 'me', ask: true } },
];

/** A proxy that takes the password (`right`), or refuses it and repeats the request (`wrong`). */
async function startProxy(takes: boolean): Promise<ScriptedServer> {
  return startScriptedServer(async (line) => {
    for (;;) {
      const request = (await line.takeThrough('\r\n\r\n')).toString('latin1');
      if (!request.includes(BASIC)) {
        await line.send('HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic realm="r"\r\nContent-Length: 0\r\n\r\n');
      } else if (takes) {
        await line.send('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-test\r\n');
        return line.end();
      } else {
        await line.send(`HTTP/1.1 403 No\r\n\r\n${request}`);
        return line.end();
      }
    }
  });
}

describe('http-connect by the command: a password', () => {
  const folder = temporaryFolder();
  const file = (name: string): string => join(folder.path, name);
  const write = (name: string, text: string, mode = 0o600): void => writeFileSync(file(name), text, { mode });
  const { env: mark, marker } = markedEnvironment();
  const env = {
    ...CLEAN,
    ...mark,
    [VARIABLE]: SECRET,
    SSH_ASKPASS: file('show-secret'),
    SSH_ASKPASS_REQUIRE: 'force',
  };
  let taking: ScriptedServer;
  let refusing: ScriptedServer;

  before(async () => {
    taking = await startProxy(true);
    refusing = await startProxy(false);
    write('secret', `${SECRET}\n`);
    write('show-secret', `#!/bin/sh\ncat '${file('secret')}'\n`, 0o700);
    write('netrc', `machine 127.0.0.1 login me password "${SECRET}"\n`);
  });
  after(async () => {
    await taking?.close();
    await refusing?.close();
    folder.remove();
  });
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  function writeConfig({ userInfo = '', credentials }: Source, port: number, more: object = {}): void {
    const scheme = 'tls' in more ? 'https' : 'http';
    const hop = { strategy: 'http-connect', url: `${scheme}://${userInfo}127.0.0.1:${port}`, credentials, ...more };
    write('config.json', JSON.stringify({ hops: { corp: hop }, rules: [{ use: 'corp' }] }));
  }

  const fdpass = (...args: readonly string[]): Promise<Finished> =>
    run(FDPASS, [...args, '--config', file('config.json')], { env });

  function expectNoSecret(text: string): void {
    for (const form of FORMS) expect(text).to.not.contain(form);
  }

  for (const source of SOURCES) {
    it(`from ${source.name} is used and never shown`, async () => {
      writeConfig(source, taking.port);
      rmSync(file('log'), { force: true });
      const dialled = await fdpass('--stdio', '-vv', '--log', file('log'), 'host.example', '22');
      expect(dialled.stdout).to.equal('SSH-2.0-test\r\n');
      expect(dialled.stderr.includes('warning: the password')).to.equal(source.userInfo !== undefined);
      expectNoSecret(dialled.stderr);
      expectNoSecret(readFileSync(file('log'), 'utf8'));
      for (const args of [['explain', '--json'], ['explain'], ['check'], ['trace', '--json']]) {
        const { stdout, stderr } = await fdpass(...args, ...(args[0] === 'check' ? [] : ['host.example', '22']));
        expectNoSecret(stdout + stderr);
      }
    });

    it(`from ${source.name} is in no error, even if the proxy repeats it`, async () => {
      writeConfig(source, refusing.port);
      const { status, stderr, stdout } = await fdpass('--stdio', '-vv', 'host.example', '22');
      expect(stderr).to.contain('the proxy answered 403 No').and.contain('***');
      expect(status).to.equal(77);
      expectNoSecret(stderr + stdout);
    });

    it(`from ${source.name} is in no error about a config that is wrong`, async () => {
      writeConfig(source, refusing.port, { headers: { 'bad name': SECRET }, nonsense: SECRET });
      const { status, stderr, stdout } = await fdpass('--stdio', '-vv', 'host.example', '22');
      expect(status).to.equal(78);
      expectNoSecret(stderr + stdout);
    });
  }

  describe('in a detached relay', () => {
    let proxy: TlsProxy;
    before(async function () {
      requirePeers(this, 'openssl');
      proxy = await startTlsProxy(new Certificates(folder.path), { targetPort: taking.port });
    });
    after(() => proxy?.close());

    for (const source of SOURCES) {
      it(`from ${source.name} is in no command line`, async function () {
        if (!existsSync('/proc/self/cmdline')) this.skip();
        // The tunnel ends at a proxy that waits for a second request, so the relay stays until we have looked.
        writeConfig(source, proxy.port, { tls: { ca: 'ca.pem' }, auth: 'basic' });
        const args = ['--stdio', FDPASS, '--config', file('config.json'), 'host.example', '22'];
        const child = spawn(FDRECV, args, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
        const exited = once(child, 'exit');
        let said = '';
        child.stderr.on('data', (chunk) => {
          said += String(chunk);
        });
        child.stdin.write('CONNECT x:1 HTTP/1.1\r\n\r\n');
        await once(child.stdout, 'data'); // the 407 of the far end: the tunnel is open
        const processes = markedProcesses(marker);
        expect(processes.filter((line) => line.includes('--detached-relay'))).to.have.lengthOf(1);
        expectNoSecret(processes.join('\n'));
        expect(proxy.requests.at(-1)).to.contain(`Basic ${BASIC}`);
        child.kill('SIGKILL');
        await exited;
        expectNoSecret(said);
      });
    }
  });
});
