import { join } from 'node:path';
import { makeTarget } from '@fdpass/core';
import { describeFd, loadSys } from '@fdpass/core/sockets';
import { expectNoDescriptorLeft, openDescriptors, temporaryFolder } from '@fdpass/test-lab';
import { firstLine, type Script, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { builtinFramework } from '../dist/command-framework.js';

const OK = 'OK 1073741824\n';
const SOCKS_GREETING = 3;
const SOCKS_REQUEST_BEFORE_NAME = 5;

/** Each proxy as the guest runs it, behind the monitor's answer: how it answers one CONNECT. */
const PROXIES: Readonly<Record<string, Script>> = {
  'socks5h://guest.example:1080': async (line) => {
    await line.take(SOCKS_GREETING);
    await line.send(Buffer.from([5, 0]));
    const request = await line.take(SOCKS_REQUEST_BEFORE_NAME);
    await line.take((request[4] ?? 0) + 2);
    await line.send(Buffer.concat([Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Buffer.from('SSH-2.0-guest\r\n')]));
  },
  'http://guest.example:1080': async (line) => {
    await line.takeThrough('\r\n\r\n');
    await line.send('HTTP/1.1 200 OK\r\n\r\nSSH-2.0-guest\r\n');
  },
};

describe("a virtual machine's multiplexed socket before a proxy", () => {
  const folder = temporaryFolder();
  const path = join(folder.path, 'vm.sock');
  let before: readonly string[];
  beforeEach(() => {
    before = openDescriptors();
  });
  afterEach(() => expectNoDescriptorLeft(before));
  after(() => folder.remove());

  for (const [proxy, script] of Object.entries(PROXIES)) {
    it(`is dialled once, and its descriptor is what is handed over (${proxy})`, async () => {
      const asked: string[] = [];
      const play: Script = async (line) => {
        asked.push(String(await line.takeThrough('\n')));
        await line.send(OK);
        await script(line);
      };
      const server: ScriptedServer = await startScriptedServer(play, { path });
      try {
        const content = { rules: [{ use: [{ strategy: 'local', path, mux: true }, proxy] }] };
        const { router } = await builtinFramework({ content, baseDir: '/' });
        const route = await router.route(makeTarget({ host: 'host.example', port: 22 }));
        expect(route.chain.needsRelay(route.target)).to.equal(false);
        const connection = await router.dial(route);
        const { family, peer } = describeFd(connection.descriptor ?? -1, loadSys());
        expect([family, peer]).to.deep.equal(['unix', { path }]);
        expect(await firstLine(connection)).to.equal('SSH-2.0-guest\r\n'); // none of it was read ahead
        expect(asked).to.deep.equal(['CONNECT 1080\n']);
      } finally {
        await server.close();
      }
    });
  }
});
