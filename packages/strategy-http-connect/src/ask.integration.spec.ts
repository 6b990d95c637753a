import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { CLEAN, FDPASS } from './command.spec.helper.js';

const SECRET = 'Marker-7q!x';

describe('http-connect by the command: a password that is asked for', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.json');
  const { env: mark, marker } = markedEnvironment();
  let proxy: ScriptedServer;

  before(async function () {
    requirePeers(this, 'script');
    proxy = await startScriptedServer(async (line) => {
      await line.takeThrough('\r\n\r\n');
      await line.send('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-test\r\n');
      line.end();
    });
    const credentials = { username: 'me', ask: true };
    const hop = { strategy: 'http-connect', url: `http://127.0.0.1:${proxy.port}`, auth: 'basic', credentials };
    writeFileSync(config, JSON.stringify({ rules: [{ use: hop }] }), { mode: 0o600 });
  });
  after(async () => {
    await proxy?.close();
    folder.remove();
  });
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  it('is read from the controlling terminal, which is then as it was', async () => {
    // stdin and stdout are not a terminal, as under ssh. script(1) provides the terminal and types its input.
    const command = `'${FDPASS}' --stdio --config '${config}' host.example 22 </dev/null | cat; stty -a | grep -o '.\\?echo\\b'`;
    const env = { ...CLEAN, ...mark, SSH_ASKPASS: undefined, SSH_ASKPASS_REQUIRE: undefined, SHELL: '/bin/sh' };
    const { stdout } = await run('script', ['-qec', command, '/dev/null'], { env, input: `${SECRET}x\u007f\r` });
    expect(stdout).to.contain(`Proxy password for me@127.0.0.1:${proxy.port}: `).and.contain('SSH-2.0-test');
    expect(stdout.trim().split(/\s+/).at(-1)).to.equal('echo');
    const [request = ''] = proxy.received.map((bytes) => bytes.toString());
    expect(request).to.contain(`Basic ${Buffer.from(`me:${SECRET}`).toString('base64')}`);
  });
});
