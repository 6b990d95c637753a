import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder, useSshd } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { fdpass, proxyCommand } from './commands.spec.helper.js';

/** What the user can say to fdpass before `ssh`, and what fdpass can say to the user although ssh hides it. */
describe('from the command line of ssh', () => {
  const { sshd, env: marked } = useSshd();
  const folder = temporaryFolder();
  const env = { ...marked, FDPASS_AGENT: 'none' };
  after(() => folder.remove());

  const passing = { ProxyCommand: proxyCommand(), ProxyUseFdpass: 'yes' };
  const through = (more: NodeJS.ProcessEnv) => sshd().ssh('echo there', passing, { env: { ...env, ...more } });

  it('FDPASS_VERBOSE shows what happens', async () => {
    const { stdout, stderr } = await through({ FDPASS_VERBOSE: '1' });
    expect(stdout).to.equal('there\n');
    expect(stderr).to.match(/^fdpass: .*no configuration/m);
  });

  it('FDPASS_LOG appends it to a file', async () => {
    const log = join(folder.path, 'log');
    const { stdout, stderr } = await through({ FDPASS_LOG: log });
    expect([stdout, stderr]).to.deep.equal(['there\n', '']);
    expect(readFileSync(log, 'utf8')).to.match(/handed-over/);
  });

  it('FDPASS_VIA names the route of this one connection, and errors name the variable', async () => {
    const jump = `jump://${sshd().user}@127.0.0.1:1`;
    expect((await through({ FDPASS_VIA: 'direct' })).stdout).to.equal('there\n');
    const { stderr } = await through({ FDPASS_VIA: `socks5://127.0.0.1:1 ${jump}` });
    expect(stderr).to.match(
      /^fdpass: \[unreachable\] localhost:\d+: FDPASS_VIA: socks5:\/\/127\.0\.0\.1:1: .*connection refused/,
    );
    const explained = await fdpass(['explain', 'host.example'], { env: { ...env, FDPASS_VIA: 'direct' } });
    expect(explained.stdout).to.match(/^chosen +FDPASS_VIA$/m);
  });

  describe('the last failure', () => {
    const state = join(folder.path, 'state');
    const kept = join(state, 'fdpass/last-error.json');
    const stateful = { ...env, XDG_STATE_HOME: state };
    const show = (...args: readonly string[]) => fdpass(['last-error', ...args], { env: stateful });
    let proxy: ScriptedServer;
    before(async () => {
      proxy = await startScriptedServer(async (line) => {
        await line.takeThrough('\r\n\r\n');
        await line.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
        line.end();
      });
    });
    after(() => proxy.close());

    it('is none before one has happened', async () => {
      expect((await show()).stdout).to.equal(`no connection has failed (${kept} does not exist)\n`);
      expect((await show('--json')).stdout).to.equal('null\n');
    });

    it('is kept where ssh has stderr on /dev/null, with its time and without a secret', async () => {
      const command = `${proxyCommand('--via', `http://me:s3cret@127.0.0.1:${proxy.port}`)} 2>/dev/null`;
      const { stderr } = await sshd().ssh('true', { ...passing, ProxyCommand: command }, { env: stateful });
      expect(stderr).to.not.contain('fdpass');
      expect(readFileSync(kept, 'utf8')).to.not.contain('s3cret');
      expect([statSync(kept).mode & 0o777, statSync(join(state, 'fdpass')).mode & 0o777]).to.deep.equal([0o600, 0o700]);
      const { stdout } = await show();
      expect(stdout).to.match(
        /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d, exit status 77\nfdpass: \[permission\] localhost:\d+: --via: http:\/\/\*\*\*@127\.0\.0\.1:\d+: .*403.*\n$/,
      );
      expect(JSON.parse((await show('--json')).stdout)).to.include({ code: 'permission', exitStatus: 77 });
    });

    it('is the one of connections alone, wrong arguments included', async () => {
      await fdpass(['--stdio', '127.0.0.1', '1'], { env: stateful });
      const before = readFileSync(kept, 'utf8');
      expect(JSON.parse(before)).to.include({ exitStatus: 69, target: '127.0.0.1:1' });
      await fdpass(['explain', '--config', '/nonexistent.yaml', 'host.example'], { env: stateful });
      expect((await through({ XDG_STATE_HOME: state })).stdout).to.equal('there\n');
      expect(readFileSync(kept, 'utf8')).to.equal(before);
      await fdpass(['--no-such-option', 'host.example', '22'], { env: stateful });
      expect(JSON.parse(readFileSync(kept, 'utf8'))).to.include({ code: 'usage', target: null });
    });

    it('that cannot be kept changes nothing: neither the line nor the status', async () => {
      const shared = join(folder.path, 'shared');
      mkdirSync(join(shared, 'fdpass'), { recursive: true, mode: 0o700 });
      writeFileSync(join(shared, 'fdpass/last-error.json'), '', { mode: 0o600 });
      chmodSync(join(shared, 'fdpass'), 0o777); // others could have put a link there
      for (const XDG_STATE_HOME of ['/dev/null', 'relative', shared, '/proc']) {
        const { status, stderr } = await fdpass(['127.0.0.1', '1'], { env: { ...env, XDG_STATE_HOME } });
        expect([status, stderr.split('\n').length]).to.deep.equal([69, 2]);
      }
      expect(existsSync('relative')).to.equal(false);
      expect(readFileSync(join(shared, 'fdpass/last-error.json'), 'utf8')).to.equal('');
    });

    it('that is damaged says so', async () => {
      writeFileSync(kept, '{');
      const { status, stderr } = await show();
      expect([status, stderr]).to.deep.equal([78, `fdpass: [config] ${kept} is damaged; delete it\n`]);
    });
  });
});
