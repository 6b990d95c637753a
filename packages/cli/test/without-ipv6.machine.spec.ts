import { appendFileSync, existsSync } from 'node:fs';
import { formatError, makeTarget } from '@fdpass/core';
import { describeInMachine } from '@fdpass/test-lab';
import { firstLine, type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { builtinFramework } from '../dist/command-framework.js';
import { fdpass } from './commands.spec.helper.js';

describeInMachine('a kernel without IPv6', import.meta.url, { kernelArguments: ['ipv6.disable=1'] }, () => {
  let server: ScriptedServer;
  before(async () => {
    appendFileSync('/etc/hosts', '127.0.0.1 both.example\n::1 both.example\n::1 six.example\n');
    server = await startScriptedServer(async (line) => {
      await line.send('hello\n');
      line.end();
    });
  });
  after(() => server?.close());

  it('has no addresses of it', () => expect(existsSync('/proc/net/if_inet6')).to.equal(false));

  for (const host of ['127.0.0.1', 'both.example']) {
    it(`reaches ${host}`, async () => {
      const { router } = await builtinFramework({ content: { rules: [{ use: 'happy-eyeballs' }] }, baseDir: '/' });
      const connection = await router.dial(await router.route(makeTarget({ host, port: server.port })));
      expect(await firstLine(connection)).to.equal('hello\n');
      connection.destroy();
    });
  }

  it('relays by the command', async () => {
    const { status, stdout, stderr } = await fdpass(['--stdio', 'both.example', String(server.port)]);
    expect([status, stdout, stderr]).to.deep.equal([0, 'hello\n', '']);
  });

  for (const host of ['::1', 'six.example']) {
    it(`says why ${host} cannot be reached`, async () => {
      const { router } = await builtinFramework({ content: { rules: [{ use: 'happy-eyeballs' }] }, baseDir: '/' });
      const dialling = router.dial(await router.route(makeTarget({ host, port: 9 })));
      expect(await dialling.then(String, formatError)).to.contain('address family not supported');
    });
  }
});
