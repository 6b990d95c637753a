import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import {
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { type ScriptedLine, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { CLEAN, FDPASS, FDRECV } from './command.spec.helper.js';
import { Certificates, startTlsProxy, type TlsProxy } from './tls-proxy.spec.helper.js';

const SIZE = 32 * 1024 * 1024;
const hash = (bytes: string | Uint8Array): string =>
  createHash('sha256')
    .update(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    .digest('hex');

describe('http-connect over TLS by the commands: dialled and relayed by a detached process', () => {
  const folder = temporaryFolder();
  const data = randomBytes(SIZE);
  const { env: mark, marker } = markedEnvironment();
  const env = { ...process.env, ...CLEAN, ...mark };
  let config = '';
  let certificates: Certificates;
  let target: ScriptedServer;
  let proxy: TlsProxy;
  /** What the target does with the connection. */
  let script: Parameters<typeof startScriptedServer>[0] = () => {};

  before(async function () {
    requirePeers(this, 'openssl');
    certificates = new Certificates(folder.path);
    target = await startScriptedServer((line) => script(line));
    proxy = await startTlsProxy(certificates, { targetPort: target.port });
    config = writeConfig('config.json', proxy.port, { ca: 'ca.pem' });
  });
  after(async () => {
    await proxy?.close();
    await target?.close();
    folder.remove();
  });
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  const argumentsFor = (file: string): string[] => ['--stdio', FDPASS, '--config', file, 'host.example', '22'];
  const relays = (): string[] => markedProcesses(marker).filter((line) => line.includes('--detached-relay'));

  function writeConfig(name: string, port: number, tls: object): string {
    const hop = { strategy: 'http-connect', url: `https://127.0.0.1:${port}`, tls };
    const file = `${folder.path}/${name}`;
    writeFileSync(file, JSON.stringify({ rules: [{ use: hop }] }), { mode: 0o600 });
    return file;
  }

  it('carries 32 MiB from the server, and ends with it', async () => {
    script = async (line) => {
      await line.send(data);
      line.end();
    };
    const { status, stdout, stderr } = await run(FDRECV, argumentsFor(config), { env });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(hash(stdout)).to.equal(hash(data));
  });

  it('carries 32 MiB to the server, and its answer after our end', async () => {
    script = async (line) => {
      await line.send(hash(await readRest(line)));
      line.end();
    };
    const { status, stdout, stderr } = await run(FDRECV, argumentsFor(config), { env, input: data });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout).to.equal(hash(data));
  });

  it('ends when our side has closed', async () => {
    let serverSawEnd: () => void = () => {};
    const gone = new Promise<void>((resolve) => {
      serverSawEnd = resolve;
    });
    script = async (line) => {
      line.socket.once('close', serverSawEnd);
      await line.send('hello');
      await line.stall();
      line.end();
    };
    const child = start(config);
    await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    expect(relays()).to.have.lengthOf(1);
    child.kill('SIGKILL');
    await gone;
  });

  it('ends when the proxy has closed, though our side stays open', async () => {
    script = async (line) => {
      await line.send('hello');
      await line.stall();
    };
    const lines: ScriptedLine[] = [];
    const front = await startScriptedServer((line) => {
      lines.push(line);
      return line.pipeTo(proxy.port);
    });
    const child = start(writeConfig('front.json', front.port, { ca: 'ca.pem' }));
    await once(child.stdout as NonNullable<ChildProcess['stdout']>, 'data');
    for (const line of lines) line.reset();
    await expectNoneLeft(() => relays());
    child.stdin?.end();
    await once(child, 'exit');
    await front.close();
  });

  it("brings the proxy's refusal to the waiting process's stderr", async () => {
    const refusing = await startTlsProxy(certificates, { reply: 'HTTP/1.1 403 No\r\n\r\n' });
    const file = writeConfig('refusing.json', refusing.port, { fingerprint: certificates.fingerprint('proxy') });
    const { status, stderr } = await run(FDPASS, ['--fdpass', '--config', file, 'host.example', '22'], { env });
    await refusing.close();
    expect(stderr).to.match(
      /^fdpass: \[permission\] host\.example:22: rule 1 .*: https:\/\/127\.0\.0\.1:\d+: the proxy answered 403 No;/,
    );
    expect(status).to.equal(77);
  });

  function start(file: string): ChildProcess {
    return spawn(FDRECV, argumentsFor(file), { env, stdio: ['pipe', 'pipe', 'ignore'] });
  }
});

/** All that a scripted connection is sent until its end, without putting it together piece by piece. */
async function readRest(line: { socket: import('node:net').Socket }): Promise<Buffer> {
  line.socket.removeAllListeners('data');
  const chunks: Buffer[] = [];
  for await (const chunk of line.socket.iterator({ destroyOnReturn: false })) chunks.push(chunk);
  return Buffer.concat(chunks);
}
