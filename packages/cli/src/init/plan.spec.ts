import { expect } from 'chai';
import { applyEdits, formatDiff } from './diff.js';
import { makePlan, type Plan, type Surroundings } from './plan.js';

function plan(ssh: string, more: Partial<Surroundings> = {}): Plan & { ssh: string } {
  const sshConfig = { path: '/nonexistent/.ssh/config', lines: ssh === '' ? [] : ssh.split('\n') };
  const made = makePlan({ environment: {}, sshConfig, command: 'fdpass', ...more });
  return { ...made, ssh: applyEdits(sshConfig.lines, made.sshEdits).join('\n') };
}

const FDPASS = `ProxyCommand fdpass --user '%r' --alias '%n' %h %p`;

describe('the plan of init', () => {
  it('for a machine without anything: one rule, one block', () => {
    const { config, ssh, notes } = plan('');
    expect(config.slice(1)).to.deep.equal(['rules:', '  - use: happy-eyeballs # every other host: directly']);
    expect(ssh.split('\n').slice(1)).to.deep.equal(['Host *', `    ${FDPASS}`, '    ProxyUseFdpass yes']);
    expect(notes).to.deep.equal([]);
  });

  it('converts each block in its place, and keeps what it cannot convert', () => {
    const { config, ssh, notes } = plan(
      [
        'Host a b.*',
        '\tProxyCommand nc -w 5 -x s:1 %h %p',
        'Host c',
        '  User me',
        '  proxycommand=mystery --token hush %h',
        'Host d',
        '  ProxyCommand none',
        'Host e',
        '  ProxyJump bastion',
        'Match user root',
        '  ProxyCommand nc -x s:1 %h %p',
        '  ProxyUseFdpass no',
      ].join('\n'),
    );
    expect(config.slice(1, 5)).to.deep.equal([
      'rules:',
      '  - alias: [a, "b.*"] # /nonexistent/.ssh/config:2',
      '    use: "socks5h://s:1"',
      '    timeout: 5s',
    ]);
    expect(ssh).to.contain(`Host a b.*\n\t${FDPASS}\n\tProxyUseFdpass yes\nHost c\n`);
    expect(ssh).to.contain(
      '  proxycommand=mystery --token hush %h\n  ProxyUseFdpass no\nHost d\n  ProxyCommand none\nHost e',
    );
    expect(ssh).to.contain('  ProxyCommand nc -x s:1 %h %p\n  ProxyUseFdpass no\n\n# Every other host');
    expect(notes).to.deep.equal([
      '/nonexistent/.ssh/config:5: mystery stays as it is: it is not one of the programs that fdpass init knows',
      '/nonexistent/.ssh/config:9: ProxyJump works as before',
      '/nonexistent/.ssh/config:11: nc stays as it is: only ssh can tell what its Match block matches',
    ]);
  });

  it('needs no last block after a command for every host, and leaves alone what ssh never comes to', () => {
    const { config, ssh } = plan('Host *\n  ProxyCommand nc -x s:1 %h %p\nHost late\n  ProxyCommand nc -x t:1 %h %p');
    expect(config.slice(2)).to.deep.equal(['  - use: "socks5h://s:1" # /nonexistent/.ssh/config:2']);
    expect(ssh).to.equal(`Host *\n  ${FDPASS}\n  ProxyUseFdpass yes\nHost late\n  ProxyCommand nc -x t:1 %h %p`);
  });

  it('does not set ssh up twice', () => {
    const ssh = `Host *\n  ${FDPASS}\n  ProxyUseFdpass yes`;
    expect(plan(ssh).ssh).to.equal(ssh);
    const nearly = 'Host a\n  ProxyCommand corkscrew p 1 %h %p /etc/fdpass/none';
    expect(plan(nearly).ssh).to.contain('ProxyUseFdpass no').and.to.contain(FDPASS);
  });

  it('takes the words of a line apart as ssh does: comments, quotes of both kinds, keywords in quotes, tabs', () => {
    const { config, ssh, notes } = plan(
      [
        'Host a "b" \'c\' d"e" # not f',
        '\t"ProxyCommand"\tnc -x s:1 %h %p\r',
        '"Host"=x',
        '  ProxyCommand none',
        'Match all # everyone',
        '  ProxyCommand nc -x s:2 %h %p',
      ].join('\n'),
    );
    expect(config.slice(2)).to.deep.equal([
      '  - alias: [a, b, c, de] # /nonexistent/.ssh/config:2',
      '    use: "socks5h://s:1"',
      '  - use: "socks5h://s:2" # /nonexistent/.ssh/config:6',
    ]);
    expect(ssh).to.contain(`\n\t${FDPASS}\n\tProxyUseFdpass yes\n"Host"=x\n`).and.to.not.contain('Every other host');
    expect(notes).to.deep.equal([]);
  });

  it('says that a block for the second pass comes too late', () => {
    const noted = (match: string) => plan(`Match ${match}\n  ProxyCommand nc -x s:1 %h %p`).notes.join('\n');
    expect(noted('host a final')).to.contain('config:2: ssh comes to this block after the last one');
    expect(noted('canonical all')).to.contain('after the last one');
    expect(noted('host final.example')).to.not.contain('after the last one');
  });

  it('keeps a command whose rule is refused, with its password', () => {
    const text = 'Host a\n  ProxyCommand ncat --proxy p:99999 --proxy-auth me:hush %h %p\n';
    const { config, secrets, ssh, notes, converted } = plan(text, { refused: new Set([1]) });
    expect([converted, secrets, config.slice(1)]).to.deep.equal([
      [],
      [],
      ['rules:', '  - use: happy-eyeballs # every other host: directly'],
    ]);
    expect(ssh).to.contain('me:hush %h %p\n  ProxyUseFdpass no\n');
    expect(notes.join()).to.match(/:2: ncat stays as it is: .* are not valid in a configuration$/);
  });

  it('says that ssh no longer canonicalizes names, unless CanonicalizeHostname is "always"', () => {
    const noted = (value: string) => plan(`CanonicalizeHostname ${value}`).notes.length;
    expect(['yes', 'always', 'no'].map(noted)).to.deep.equal([1, 0, 0]);
  });

  it('puts passwords into files, each once', () => {
    const command = (password: string) => `  ProxyCommand proxytunnel -p p:1 -P me:${password} -d %h:%p`;
    const hosts = ['uno', 'dos', 'uno'].map((password, index) => `Host h${index}\n${command(password)}`);
    const { config, secrets, ssh } = plan(hosts.join('\n'));
    expect(secrets).to.deep.equal([
      { name: 'p-1.password', text: 'uno' },
      { name: 'p-1-2.password', text: 'dos' },
    ]);
    expect(config.join('\n'))
      .to.match(/p-1\.password.*p-1-2\.password.*p-1\.password/s)
      .and.not.match(/uno|dos/);
    expect(ssh).to.not.match(/uno|dos/);
  });

  it('follows the proxy variables, Tor, and the configuration of the system', () => {
    expect(plan('', { environment: { HTTPS_PROXY: 'http://me:hush@p' } }).config.at(-1)).to.equal(
      '  - use: env # every other host: the proxy of HTTPS_PROXY, unless NO_PROXY exempts it',
    );
    expect(plan('', { torPort: 9150 }).config.slice(1, 6)).to.deep.equal([
      'hops:',
      '  tor: socks5h://127.0.0.1:9150',
      'rules:',
      '  - host: "*.onion"',
      '    use: tor',
    ]);
    expect(plan('', { systemConfig: '/etc/fdpass/config.yaml' }).config.slice(1)).to.deep.equal([
      'extends: "/etc/fdpass/config.yaml" # its rules come after these',
      'rules:',
      '  []',
    ]);
  });
});

describe('a diff', () => {
  const lines = ['one', 'two hush', 'three'];
  const edits = [
    { index: 1, removed: 1, lines: ['2', '2a'] },
    { index: 3, removed: 0, lines: ['end'] },
  ];
  it('has the changed lines alone, and hides what it is told to', () => {
    const hide = (line: string): string => line.replace('hush', '…');
    expect(formatDiff('f', lines, edits, { hide })).to.deep.equal([
      '--- f',
      '+++ f',
      '@@ -2 +2,2 @@',
      '-two …',
      '+2',
      '+2a',
      '@@ -3,0 +5 @@',
      '+end',
    ]);
    expect(applyEdits(lines, edits)).to.deep.equal(['one', '2', '2a', 'three', 'end']);
    expect(formatDiff('f', lines, [])).to.deep.equal([]);
  });
});
