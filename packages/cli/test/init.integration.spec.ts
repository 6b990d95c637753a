import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Background,
  type Finished,
  findProgram,
  requirePeers,
  run,
  startServer,
  temporaryFolder,
  useSshd,
} from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass } from './commands.spec.helper.js';

const PAGE = new URL('../../../docs/migration.md', import.meta.url);
/** The rows of the page: a ProxyCommand, and the `use` that it becomes. */
const ROWS = [...readFileSync(PAGE, 'utf8').matchAll(/^\| `([^`]*%h[^`]*)` \| `([^`]+)` \|$/gm)].map(
  ([, command = '', use = '']) => [command, use] as const,
);
const PASSWORD = 'opensesame';

describe('fdpass init', () => {
  const { sshd, env: marked } = useSshd();
  const folder = temporaryFolder();
  after(() => folder.remove());

  /** A home folder of its own with this ssh_config. */
  function home(
    name: string,
    sshConfig?: string,
  ): { path: string; env: NodeJS.ProcessEnv; ssh: string; config: string } {
    const path = join(folder.path, name);
    mkdirSync(join(path, '.ssh'), { recursive: true, mode: 0o700 });
    const ssh = join(path, '.ssh/config');
    if (sshConfig !== undefined) writeFileSync(ssh, sshConfig, { mode: 0o600 });
    const noProxy = Object.fromEntries(
      ['ALL_PROXY', 'HTTPS_PROXY', 'all_proxy', 'https_proxy'].map((variable) => [variable, undefined]),
    );
    const env = { ...marked, ...noProxy, HOME: path, XDG_CONFIG_HOME: join(path, '.config'), FDPASS_AGENT: 'none' };
    return { path, env, ssh, config: join(path, '.config/fdpass/config.yaml') };
  }

  const read = (path: string): string => readFileSync(path, 'utf8');

  describe('converts each command line of docs/migration.md, which works before and afterwards:', () => {
    let proxies: Readonly<Record<string, Background>>;
    before(async function () {
      const { tinyproxy = '' } = requirePeers(this, 'tinyproxy');
      const http = (name: string, more: string) =>
        startServer(tinyproxy, (port) => {
          const file = join(folder.path, `${name}.conf`);
          writeFileSync(file, `Port ${port}\nListen 127.0.0.1\nMaxClients 20\nAllow 127.0.0.1\n${more}\n`);
          return ['-d', '-c', file];
        });
      // OpenSSH is a server of SOCKS 4, 4a and 5.
      const socks = startServer('ssh', (port) => [
        ...sshd().options(),
        '-N',
        ...['-D', `127.0.0.1:${port}`, `${sshd().user}@127.0.0.1`],
      ]);
      const [plain, guarded, dynamic] = await Promise.all([
        http('plain', ''),
        http('guarded', `BasicAuth me ${PASSWORD}`),
        socks,
      ]);
      proxies = { 3128: plain, 8080: guarded, 1080: dynamic };
    });
    after(async () => {
      for (const proxy of Object.values(proxies ?? {})) await proxy.close();
    });

    /** A line of the page with the addresses of the servers here. */
    function real(line: string): string {
      const ports = line.replace(/\b(3128|8080|1080)\b/g, (port) => String(proxies[port]?.port));
      const jump = `-F ${join(folder.path, 'jump')} ${sshd().user}@127.0.0.1`;
      return ports.replaceAll(/(proxy|socks)\.example/g, '127.0.0.1').replace('me@bastion.example', jump);
    }

    /** What ssh's options say, as lines. */
    function sshLines(): string {
      const options = sshd()
        .options()
        .slice(2)
        .filter((word) => word !== '-o');
      return options.map((option) => `  ${option.replace('=', ' ')}\n`).join('');
    }

    for (const [index, [command, use]] of ROWS.entries()) {
      it(command, async function () {
        const [program = ''] = command.split(' ');
        requirePeers(this, program);
        const at = home(`row${index}`);
        const target = `Host target\n  HostName 127.0.0.1\n  User ${sshd().user}\n${sshLines()}`;
        const auth = join(at.path, '.ssh/proxy-auth');
        writeFileSync(auth, `me:${PASSWORD}\n`, { mode: 0o600 });
        writeFileSync(join(folder.path, 'jump'), sshLines().trimStart());
        const written = real(command).replace('~/.ssh/proxy-auth', auth);
        writeFileSync(at.ssh, `${target}  ProxyCommand ${written}\n`);
        const session = (): Promise<Finished> => run('ssh', ['-F', at.ssh, 'target', 'echo there'], { env: at.env });
        const asks = use.includes('ask: true');
        if (!asks) expect((await session()).stdout, 'before').to.equal('there\n');

        const { status, stdout, stderr } = await fdpass(['init', '--yes'], { env: at.env });
        expect([status, stderr]).to.deep.equal([0, '']);
        expect(`${stdout}${read(at.config)}${read(at.ssh)}`).to.not.contain(PASSWORD);
        const hosts = /"me@bastion.example"/.test(use)
          ? `["${sshd().user}@127.0.0.1"], sshOptions: ["-F", "${join(folder.path, 'jump')}"]`
          : '';
        const expected = real(use.replace('["me@bastion.example"]', hosts));
        expect(stdout).to.contain(`\n+    use: ${expected}\n`);
        expect(read(at.ssh)).to.match(/ProxyCommand '.*\/bin\/fdpass' .*\n {2}ProxyUseFdpass yes\n/);
        if (!asks) expect((await session()).stdout, 'afterwards').to.equal('there\n');
      });
    }
  });

  it('writes files that nobody else can read, and keeps the old ssh_config and its mode, also behind a link', async () => {
    const at = home('files');
    const dotfiles = join(at.path, 'dotfiles');
    const before = 'Host pt\n  ProxyCommand proxytunnel -p p:1 -P me:hush -d %h:%p\n';
    writeFileSync(dotfiles, before);
    chmodSync(dotfiles, 0o640);
    symlinkSync(dotfiles, at.ssh);
    const { stdout } = await fdpass(['init', '--yes'], { env: at.env });
    expect(stdout).to.not.contain('hush').and.to.contain('-  ProxyCommand proxytunnel …\n');
    const secret = join(at.path, '.config/fdpass/p-1.password');
    expect([at.config, secret, dotfiles].map((path) => statSync(path).mode & 0o777)).to.deep.equal([
      0o600, 0o600, 0o640,
    ]);
    expect([read(secret), read(`${dotfiles}.before-fdpass`)]).to.deep.equal(['hush\n', before]);
    expect((await fdpass(['check'], { env: at.env })).stdout).to.match(/2 rules, no errors/);
  });

  it('changes nothing without --yes or a terminal, with --dry-run, or if there is a configuration', async () => {
    const ssh = 'Host old\n  ProxyCommand nc -x s:1 %h %p\n';
    const at = home('nothing', ssh);
    const asked = await fdpass(['init'], { env: at.env });
    expect([asked.status, asked.stderr]).to.deep.equal([
      64,
      'fdpass: [usage] nothing was changed: there is no terminal to ask on; add --yes to make these changes\n',
    ]);
    const dry = await fdpass(['init', '--dry-run', '--yes'], { env: at.env });
    expect(dry.stdout).to.contain('+    use: "socks5h://s:1"\n');
    expect([existsSync(at.config), read(at.ssh)]).to.deep.equal([false, ssh]);
    mkdirSync(join(at.path, '.config/fdpass'), { recursive: true });
    writeFileSync(at.config, 'rules: []\n');
    const again = await fdpass(['init', '--yes'], { env: at.env });
    expect(again.status).to.equal(0);
    expect(again.stdout)
      .to.contain('    use: "socks5h://s:1"\n')
      .and.match(/nothing was changed, since ~\/.config\/fdpass\/config.yaml exists/);
    expect([read(at.config), read(at.ssh)]).to.deep.equal(['rules: []\n', ssh]);
  });

  it('asks on a terminal, and takes yes for yes', async function () {
    requirePeers(this, 'script');
    for (const [answer, isWritten] of [
      ['n', false],
      ['', false],
      ['yes', true],
    ] as const) {
      const at = home(`ask-${answer}`, '');
      const command = `'${process.execPath}' '${FDPASS_BIN}' init`;
      await run(findProgram('script') ?? 'script', ['-qec', command, '/dev/null'], {
        env: at.env,
        input: `${answer}\n`,
      });
      expect(existsSync(at.config), answer).to.equal(isWritten);
    }
  });

  it('names the lines of included files', async () => {
    const at = home('include', 'Include conf.d/*.conf\n');
    mkdirSync(join(at.path, '.ssh/conf.d'));
    writeFileSync(join(at.path, '.ssh/conf.d/work.conf'), 'Host w\n  ProxyCommand nc -x s:1 %h %p\n');
    chmodSync(join(at.path, '.ssh/conf.d/work.conf'), 0o600);
    expect((await fdpass(['init', '--dry-run'], { env: at.env })).stdout).to.contain(
      '~/.ssh/conf.d/work.conf:2: nc stays as it is; add "ProxyUseFdpass no" after that line\n',
    );
  });
});
