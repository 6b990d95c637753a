import { dirname, join } from 'node:path';
import { type Finished, requirePeers, useSshd } from '@fdpass/test-lab';
import { expect } from 'chai';
import { fdpass, proxyCommand } from './commands.spec.helper.js';
import { makeSshHome, type SshHome } from './ssh-home.spec.helper.js';

const RULES = `hops:
  corp: { strategy: http-connect, url: "http://me:s3cret@proxy.example:3128" }
rules:
  - { alias: nas, user: me, use: corp }
  - { host: "*.chain.example", use: [{ race: [{ use: [corp, "socks5h://b.example"], delay: 250ms }, direct] }, { jump: { hosts: ["b.example"] } }] }
  - use: direct
`;

/** Lines of an explanation, their columns by one blank. */
function linesOf({ stdout }: Finished): string[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '));
}

describe('fdpass explain asks ssh, which', () => {
  before(function () {
    requirePeers(this, 'ssh');
  });
  const homes: SshHome[] = [];
  after(() => {
    for (const home of homes) home.remove();
  });

  function homeWith(sshConfig: string): SshHome {
    const home = makeSshHome(sshConfig);
    homes.push(home);
    home.write('.config/fdpass/config.yaml', RULES);
    return home;
  }
  const explain = ({ env }: SshHome, ...args: readonly string[]) => fdpass(['explain', ...args], { env });

  const command = proxyCommand('--user', '%r', '--alias', '%n');
  const BLOCK = `Host *\n  ProxyCommand ${command}\n  ProxyUseFdpass yes\n`;
  const CASES: readonly (readonly [what: string, sshConfig: string, host: string, lines: readonly string[]])[] = [
    [
      'runs fdpass for all hosts',
      BLOCK,
      'x',
      ['ssh runs fdpass (~/.ssh/config:2) and takes the connected socket from it'],
    ],
    [
      'gives it host name, port, user and what was typed',
      `Host nas\n  HostName nas.example\n  Port 2222\n  User me\n${BLOCK}`,
      'nas',
      ['target nas.example:2222, user me, typed as nas', 'hop 1 corp (http://***@proxy.example:3128)'],
    ],
    [
      'takes a ProxyJump that comes first',
      `Host x\n  ProxyJump bastion\n${BLOCK}`,
      'x',
      [
        'ssh goes through the jump host bastion and does not run fdpass (~/.ssh/config:2)',
        ' ProxyCommand of ~/.ssh/config:4 has no effect: ~/.ssh/config:2 comes first',
        ' if it ran fdpass:',
      ],
    ],
    [
      'does not heed a ProxyJump that comes late',
      `${BLOCK}Host x\n  ProxyJump bastion\n`,
      'x',
      [
        'ssh runs fdpass (~/.ssh/config:2) and takes the connected socket from it',
        ' ProxyJump of ~/.ssh/config:5 has no effect: ~/.ssh/config:2 comes first',
      ],
    ],
    [
      'runs the ProxyCommand of a block before',
      `Host x\n  ProxyCommand ncat --proxy-auth me:s3cret %h %p\n${BLOCK}`,
      'x',
      ['ssh runs ncat and not fdpass (~/.ssh/config:2), and wants a descriptor from it'],
    ],
    [
      'runs none',
      `Match host x\n  ProxyCommand none\n${BLOCK}`,
      'x',
      ['ssh connects by itself and does not run fdpass: ProxyCommand none in ~/.ssh/config:2'],
    ],
    [
      'has no ProxyCommand for this host',
      BLOCK.replace('*', 'y z'),
      'x',
      ['ssh connects by itself and does not run fdpass: no ProxyCommand applies to x'],
    ],
    [
      'gets bytes without ProxyUseFdpass',
      BLOCK.replace(/ {2}ProxyUse.*\n/, ''),
      'x',
      [
        'ssh runs fdpass (~/.ssh/config:2), which stays and copies all bytes: ProxyUseFdpass is not set',
        'gives bytes: fdpass stays and copies them for the whole session',
      ],
    ],
    [
      'knows which Match applies',
      `Match exec "false"\n  ProxyCommand none\nMatch exec "true"\n  ProxyJump j\n${BLOCK}`,
      'x',
      ['ssh goes through the jump host j and does not run fdpass (~/.ssh/config:4)'],
    ],
    [
      'looks at the files once more for Match final',
      'Match final host x.example\n  ProxyJump j\nHost x\n  HostName x.example\n',
      'x',
      ['ssh goes through the jump host j and does not run fdpass (~/.ssh/config:2)'],
    ],
    [
      'gives fdpass options that change the route',
      BLOCK.replace('%h %p', '--via socks5h://127.0.0.1:1080 -w 5 %h %p'),
      'x',
      ['chosen --via', 'hop 1 socks5h://127.0.0.1:1080', 'timeout 5 s'],
    ],
    [
      'gives fdpass what that does not take',
      BLOCK.replace('%h %p', '%h'),
      'x',
      [' fdpass will refuse its arguments: %h or %p is missing'],
    ],
    [
      'runs fdpass through a shell',
      BLOCK.replace('%h %p', '%h %p | cat'),
      'x',
      [' only its shell can tell with which arguments; this is for none'],
    ],
    [
      'leaves some of its options without effect',
      `${BLOCK}  ConnectTimeout 3\n  BindAddress 192.0.2.1\n  TCPKeepAlive yes\n  CanonicalizeHostname always\n`,
      'x',
      [
        'ignored ConnectTimeout 3 (~/.ssh/config:4) does not limit the dial with a ProxyCommand, only the wait for the greeting of the server; here: "timeout: 3s" in the rule or in defaults (it is 30s)',
        'ignored BindAddress 192.0.2.1 (~/.ssh/config:5) has no effect with a ProxyCommand; here: "bindAddress: 192.0.2.1" in defaults, or as an option of direct and happy-eyeballs',
      ],
    ],
  ];
  for (const [what, sshConfig, host, lines] of CASES) {
    it(what, async () => {
      const explained = await explain(homeWith(sshConfig), host);
      expect([explained.status, explained.stderr]).to.deep.equal([0, '']);
      expect(linesOf(explained)).to.include.members([...lines]);
      expect(explained.stdout).to.not.contain('s3cret');
      const ignored = lines.filter((line) => line.startsWith('ignored'));
      expect(linesOf(explained).filter((line) => line.startsWith('ignored'))).to.have.length(ignored.length);
    });
  }

  it('reads included files, in blocks that apply and in those that do not', async () => {
    const home = homeWith('');
    const mine = home.write('.ssh/mine', 'Match all\nHost *\n  ProxyJump mine\n');
    const other = home.write('.ssh/other', 'ProxyJump other\nMatch all\n  ProxyJump other\n');
    home.write('.ssh/config', `Host y\n  Include ${other}\nHost x\n  Include ${mine}\n`);
    expect(linesOf(await explain(home, 'x'))[0]).to.equal(
      'ssh goes through the jump host mine and does not run fdpass (~/.ssh/mine:3)',
    );
  });

  it('goes past a folder that an Include names, as ssh does', async () => {
    const home = homeWith('');
    const mine = home.write('.ssh/conf.d/old/x', '');
    home.write('.ssh/config', `Include ${dirname(dirname(mine))}/*\n${BLOCK}`);
    expect(linesOf(await explain(home, 'x'))[0]).to.match(/^ssh runs fdpass \(~\/\.ssh\/config:3\)/);
  });

  it('reads a file twice that is included twice, with what it includes', async () => {
    const home = homeWith('');
    const inner = home.write('.ssh/inner', 'Match host y\n  ProxyJump y\n');
    const outer = home.write('.ssh/outer', `Include ${inner}\n`);
    home.write('.ssh/config', `Include ${outer}\nInclude ${outer}\nMatch host x\n  ProxyJump bastion\n`);
    expect(linesOf(await explain(home, 'x'))[0]).to.match(/^ssh goes through the jump host bastion .*config:4\)$/);
  });

  it('names a line once that ssh reads again for "Match final", and does not blame "ProxyJump none"', async () => {
    const home = homeWith(`ProxyJump none\n${BLOCK}Match final all\n  Port 7\n`);
    expect(linesOf(await explain(home, 'x')).slice(0, 2)).to.deep.equal([
      'ssh runs fdpass (~/.ssh/config:3) and takes the connected socket from it',
      'target x:7, user root, typed as x',
    ]);
  });

  it('says nothing with --no-ssh: then the rules alone count', async () => {
    const home = homeWith(BLOCK);
    const explained = await explain(home, '--no-ssh', '--user', 'me', '--alias', 'nas', 'x.example', '2222');
    expect(linesOf(explained)).to.deep.equal([
      'target x.example:2222, user me, typed as nas',
      `config ${join(home.path, '.config/fdpass/config.yaml')}`,
      `chosen rule 1 (${join(home.path, '.config/fdpass/config.yaml')}:4:5)`,
      'implied happy-eyeballs, which connects to corp (http://***@proxy.example:3128)',
      'hop 1 corp (http://***@proxy.example:3128)',
      'gives the descriptor of the connected socket',
      'timeout 30 s',
    ]);
  });

  it('is asked as by ssh -p, -l and for an alias', async () => {
    const home = homeWith(`Host nas\n  Port 7\n${BLOCK}`);
    const target = async (...args: readonly string[]) => linesOf(await explain(home, ...args))[1];
    expect(await target('x', '2222')).to.match(/^target x:2222, user \S+, typed as x$/);
    expect(await target('--user', 'me', 'x')).to.equal('target x:22, user me, typed as x');
    expect(await target('--user', 'me', '--alias', 'nas', 'x.example')).to.equal(
      'target x.example:7, user me, typed as nas',
    );
  });

  it('can be missing, or refuse its own settings', async () => {
    const home = homeWith('Host *\n  ProxyUseFdPas yes\n');
    const refused = await explain(home, 'x');
    expect([refused.status, refused.stderr]).to.deep.equal([
      78,
      `fdpass: [config] ssh refuses its own settings: ${home.path}/.ssh/config: line 2: Bad configuration option: proxyusefdpas; correct that file: until then ssh does not connect at all\n`,
    ]);
    const missing = await fdpass(['explain', 'x'], { env: { ...home.env, PATH: home.path } });
    expect(linesOf(missing)[0]).to.equal('ssh is not in PATH; this is what the rules alone say');
  });

  it('shows nested routes in words', async () => {
    const lines = linesOf(await explain(homeWith(BLOCK), '--no-ssh', 'a.chain.example'));
    expect(lines.slice(4, 8)).to.deep.equal([
      'hop 1 race',
      ' route 1 (delay 250ms): happy-eyeballs (implied) -> corp (http://***@proxy.example:3128) -> socks5h://b.example',
      ' route 2: direct',
      'hop 2 jump: hosts b.example',
    ]);
  });

  it('answers programs too', async () => {
    const home = homeWith(`Host *\n  AddressFamily inet\n${BLOCK}`);
    const { ssh } = JSON.parse((await explain(home, '--json', 'x')).stdout);
    const at = (keyword: string, line: number) => ({ keyword, file: join(home.path, '.ssh/config'), line });
    expect(ssh).to.deep.include({
      host: 'x',
      hostName: 'x',
      port: 22,
      way: 'fdpass',
      by: at('proxycommand', 4),
      usesFdpass: { isOn: true, by: at('proxyusefdpass', 5) },
      unheeded: [],
    });
    expect(ssh.ineffective).to.have.length(1);
    expect(ssh.ineffective[0]).to.deep.include({ option: 'AddressFamily', by: at('addressfamily', 2) });
    expect(JSON.parse((await explain(home, '--json', '--no-ssh', 'x')).stdout).ssh).to.equal(null);
  });
});

describe('the options that fdpass explain calls ignored', () => {
  const { sshd, env } = useSshd();

  for (const [option, value] of Object.entries({
    AddressFamily: 'inet6',
    BindAddress: '192.0.2.1',
    BindInterface: 'none0',
  })) {
    it(`are: with ${option} ${value} ssh cannot connect to 127.0.0.1, and can through fdpass`, async () => {
      const more = { [option]: value, HostName: '127.0.0.1' };
      expect((await sshd().ssh('echo there', more, { env })).stdout).to.equal('');
      const through = { ...more, ProxyCommand: proxyCommand(), ProxyUseFdpass: 'yes' };
      expect((await sshd().ssh('echo there', through, { env })).stdout).to.equal('there\n');
    });
  }
});
