import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  DnsServer,
  expectNoneLeft,
  type Finished,
  markedEnvironment,
  markedProcesses,
  NXDOMAIN,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';

const bin = (name: string): string => fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url));

const DEAD_PORT = 1;

describe('srv through the commands', () => {
  const folder = temporaryFolder();
  const { env, marker } = markedEnvironment();
  let names: DnsServer;
  let second: ScriptedServer;
  let third: ScriptedServer;

  before(async () => {
    names = await DnsServer.start();
    [second, third] = (await Promise.all(['SSH-second\n', 'SSH-third\n'].map(startGreeter))) as [
      ScriptedServer,
      ScriptedServer,
    ];
  });
  after(async () => {
    await Promise.all([names.close(), second.close(), third.close()]);
    folder.remove();
    await expectNoneLeft(() => markedProcesses(marker));
  });

  function startGreeter(greeting: string): Promise<ScriptedServer> {
    return startScriptedServer(async (line) => {
      await line.send(greeting);
      line.socket.end(await line.rest());
    });
  }

  /** Runs `fdpass`, as the child of `fdrecv --stdio` unless told otherwise. */
  function fdpass(
    host: string,
    port: number,
    receiver = [bin('fdrecv'), '--stdio', process.execPath],
  ): Promise<Finished> {
    const file = join(folder.path, 'config.yaml');
    writeFileSync(file, `rules: [{ use: { strategy: srv, servers: ["${names.address}"] } }]\n`);
    chmodSync(file, 0o600);
    const command = [bin('fdpass'), '--config', file, host, String(port)];
    const options = { input: 'text', env: { ...env, XDG_CONFIG_HOME: '/nonexistent', FDPASS_CONFIG: '' } };
    return run(process.execPath, [...receiver, ...command], options);
  }

  it('hands over a connection to the second server when the first is dead', async () => {
    names.answers.set('_ssh._tcp.example.org', [
      { priority: 30, weight: 0, port: third.port, target: 'localhost' },
      { priority: 10, weight: 0, port: DEAD_PORT, target: 'localhost' },
      { priority: 20, weight: 0, port: second.port, target: 'localhost' },
    ]);
    const { status, stdout, stderr } = await fdpass('example.org', 22);
    expect([status, stdout, stderr]).to.deep.equal([0, 'SSH-second\ntext', '']);
    expect(third.connections()).to.equal(0);
  });

  it('connects to the target itself where there is no record', async () => {
    names.answers.set('_ssh._tcp.localhost', NXDOMAIN);
    const { status, stdout } = await fdpass('localhost', third.port);
    expect([status, stdout]).to.deep.equal([0, 'SSH-third\ntext']);
  });

  it('says that a service is not offered', async () => {
    names.answers.set('_ssh._tcp.example.net', [{ priority: 0, weight: 0, port: 0, target: '.' }]);
    const { status, stderr } = await fdpass('example.net', 22, []);
    expect(status).to.equal(68);
    expect(stderr).to.match(/example\.net:22: rule 1 .*: srv: the SRV record .* is not offered there/);
  });
});
