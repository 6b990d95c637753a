import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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

  describe('never loses an ssh_config:', () => {
    const OLD = 'Host foo\n  User me\n';

    it('lines that are not UTF-8 keep their bytes', async () => {
      const at = home('bytes');
      const old = Buffer.from('Host f\xf6\n  User \xe4\r\n# Gr\xfc\xdfe\n  ProxyCommand nc -x s:1 %h %p\n', 'latin1');
      writeFileSync(at.ssh, old);
      const { status, stdout } = await fdpass(['init', '--yes'], { env: at.env });
      expect([status, readFileSync(`${at.ssh}.before-fdpass`)]).to.deep.equal([0, old]);
      expect(readFileSync(at.ssh).subarray(0, old.length)).to.deep.equal(old);
      expect(stdout).to.contain('config:4: nc stays as it is: '); // no pattern can have these bytes
    });

    it('when the disk is full, and then leaves nothing behind', async () => {
      const at = home('full', `${OLD}${'# much\n'.repeat(30_000)}`);
      const before = read(at.ssh);
      const limited = ['-c', `ulimit -f 100; exec '${FDPASS_BIN}' init --yes`];
      const { status, stderr } = await run('bash', limited, { env: at.env });
      expect(stderr).to.match(
        /^fdpass: \[config\] cannot write .*config.before-fdpass, so ssh_config was not changed: /,
      );
      expect(status).to.equal(78);
      expect([read(at.ssh), existsSync(at.config), readdirSync(join(at.path, '.ssh'))]).to.deep.equal([
        before,
        false,
        ['config'],
      ]);
    });

    const REFUSALS: readonly (readonly [what: string, arrange: (path: string) => void, why: RegExp])[] = [
      ['a link to nothing', (path) => symlinkSync('/nonexistent/config', path), /it is a link to a file that does not/],
      ['a link to itself', (path) => symlinkSync(path, path), /\[config\] cannot read ~\/\.ssh\/config: too many symb/],
      ['a folder', (path) => mkdirSync(path), /ssh_config was not changed: it is not a file/],
      [
        'a byte order mark',
        (path) => writeFileSync(path, `\uFEFF${OLD}`),
        /ssh refuses its own settings: .*line 1: Bad/,
      ],
      [
        'an old copy',
        (path) => [path, `${path}.before-fdpass`].map((file) => writeFileSync(file, OLD)),
        /before-fdpass, so ssh_config was not changed: it exists/,
      ],
    ];
    for (const [index, [what, arrange, why]] of REFUSALS.entries()) {
      it(`where there is ${what}`, async () => {
        const at = home(`refused${index}`);
        arrange(at.ssh);
        const before = lstatSync(at.ssh);
        const { status, stderr } = await fdpass(['init', '--yes'], { env: at.env });
        expect(stderr.trimEnd()).to.match(why).and.not.match(/\n/);
        expect([status, existsSync(at.config)]).to.deep.equal([78, false]);
        expect([lstatSync(at.ssh).ino, lstatSync(at.ssh).mtimeMs]).to.deep.equal([before.ino, before.mtimeMs]);
      });
    }

    it('of another user', async function () {
      if (process.geteuid?.() !== 0) return this.skip();
      const at = home('stranger', OLD);
      chownSync(at.ssh, 65_534, 65_534);
      const { stderr } = await fdpass(['init', '--yes'], { env: at.env });
      expect(stderr).to.match(/ssh_config was not changed: it belongs to another user$/m);
      expect([read(at.ssh), existsSync(at.config)]).to.deep.equal([OLD, false]);
    });

    it('that was changed while the question waited for an answer', async function () {
      const script = requirePeers(this, 'script')['script'] ?? 'script';
      const at = home('meanwhile', OLD);
      const change = `sleep 1; echo '# mine' >> '${at.ssh}'; echo y`;
      const command = `(${change}) | '${script}' -qec "'${FDPASS_BIN}' init" /dev/null`;
      const { stdout } = await run('sh', ['-c', command], { env: at.env });
      expect(stdout).to.match(/ssh_config was not changed: it has changed meanwhile/);
      expect([read(at.ssh), existsSync(at.config)]).to.deep.equal([`${OLD}# mine\n`, false]);
    });
  });

  it('writes what ssh and fdpass accept: keeps a command whose rule would be refused', async () => {
    const lines = ['Host "a b" c', 'Host d,e', 'Host !f', 'Host g'];
    const commands = ['nc -x s:1', 'nc -x s:1', 'nc -x s:1', 'nc -x s:99999'];
    const at = home('valid', lines.map((line, at) => `${line}\n  ProxyCommand ${commands[at]} %h %p\n`).join(''));
    const { stdout } = await fdpass(['init', '--yes'], { env: at.env });
    expect(stdout.match(/are not valid in a configuration/g)).to.have.length(4);
    expect((await fdpass(['check'], { env: at.env })).stdout).to.match(/1 rule, no errors/);
    expect((await run('ssh', ['-G', '-F', at.ssh, 'g'], { env: at.env })).status).to.equal(0);
  });

  it('prints no argument of a command, however its program is written', async () => {
    const programs = ['~/bin/ncat', "'/usr/bin/ncat'", '"/usr/bin/ncat"', 'exec\t/usr/bin/ncat', 'n"cat"'];
    const blocks = programs.map(
      (program, index) => `Host h${index}\n  ProxyCommand ${program} --proxy p:1 --proxy-auth me:hush %h %p\n`,
    );
    const { stdout } = await fdpass(['init', '--dry-run'], { env: home('hush', blocks.join('')).env });
    expect(stdout.match(/^-.*ProxyCommand.*$/gm)).to.have.length(5);
    expect(stdout).to.not.contain('hush');
  });

  it('reads past a folder that an Include names, and a folder in its pattern', async () => {
    const at = home('folders', 'Include ~/.ssh/*.d/*\n');
    mkdirSync(join(at.path, '.ssh/work.d/old'), { recursive: true });
    writeFileSync(join(at.path, '.ssh/work.d/w'), 'Host w\n  ProxyCommand nc -x s:1 %h %p\n');
    const { stdout } = await fdpass(['init', '--dry-run'], { env: at.env });
    expect(stdout).to.contain('~/.ssh/work.d/w:2: nc stays as it is; ');
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
