import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Agent } from '@fdpass/agent';
import { fdpassVersion } from '@fdpass/core';
import { kernelHasTls } from '@fdpass/core/sockets';
import { findProgram, golden, openScreen, requirePeers, useSshd } from '@fdpass/test-lab';
import { startHttpProxy, startScriptedServer, type TestProxy } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass } from './commands.spec.helper.js';
import { FDPASS_BLOCK, goodSshConfig, makeSshHome, type SshHome } from './ssh-home.spec.helper.js';

const ASCII = { LANG: 'C', LC_ALL: undefined, LC_CTYPE: undefined, NO_COLOR: undefined, FORCE_COLOR: undefined };

describe('fdpass doctor', () => {
  const { sshd, env } = useSshd();
  const homes: SshHome[] = [];
  let proxy: TestProxy;
  before(async () => {
    proxy = await startHttpProxy();
  });
  after(async () => {
    await proxy?.close();
    for (const home of homes) home.remove();
  });

  function homeWith(sshConfig = goodSshConfig(sshd())): SshHome {
    const home = makeSshHome(sshConfig);
    homes.push(home);
    return home;
  }

  const doctor = (home: SshHome, args: readonly string[] = [], more: NodeJS.ProcessEnv = {}) =>
    fdpass(['doctor', ...args], { env: { ...env, ...home.env, ...ASCII, ...more } });

  /** What it has found, as `SEVERITY: WHAT`. */
  async function findings(
    home: SshHome,
    args: readonly string[] = [],
    more: NodeJS.ProcessEnv = {},
  ): Promise<string[]> {
    const { checks } = JSON.parse((await doctor(home, ['--json', ...args], more)).stdout) as {
      checks: { findings: { severity: string; what: string }[] }[];
    };
    return checks.flatMap((check) => check.findings.map(({ severity, what }) => `${severity}: ${what}`));
  }

  /** What is not the same on every machine. */
  function neutral(text: string, home: SshHome): string {
    return text
      .replaceAll(home.path, 'HOME')
      .replaceAll(FDPASS_BIN, 'FDPASS')
      .replace(`Node ${process.versions.node} (${process.execPath})`, 'Node NODE (EXECUTABLE)')
      .replace(`fdpass ${fdpassVersion()}`, 'fdpass VERSION')
      .replace(/OpenSSH_\S+( Debian\S*)?/, 'OpenSSH_VERSION')
      .replace(/(descriptors can be passed); .*/, '$1; FEATURES')
      .replaceAll(/\b(127\.0\.0\.1:)\d+/g, '$1PORT')
      .replaceAll(/in \d+ ms: SSH-2\.0-\S.*/g, 'in N ms: SSH-2.0-GREETING');
  }

  function expectGolden(name: string, text: string): void {
    expect(text).to.equal(golden(new URL(`../test/golden/${name}.txt`, import.meta.url), text));
  }

  function withRules(): SshHome {
    const home = homeWith();
    home.write('.config/fdpass/password', 'right\n');
    const corp = `{ strategy: http-connect, url: "http://127.0.0.1:${proxy.port}", credentials: { username: me, passwordFile: password } }`;
    home.write('.config/fdpass/config.yaml', `hops: { corp: ${corp} }\nrules: [{ alias: target, use: corp }]\n`);
    return home;
  }

  it('finds nothing in a good set-up, and connects as ssh does', async () => {
    const home = withRules();
    const { status, stdout, stderr } = await doctor(home, ['target']);
    expectGolden('doctor-good', neutral(stdout, home));
    expect([status, stderr]).to.deep.equal([0, '']);
  });

  it('shows what is wrong, with a fix for each, and ends with 78', async () => {
    const home = homeWith(
      `Host legacy\n  ProxyCommand echo %h %p\n${goodSshConfig(sshd(), FDPASS_BLOCK.replace("'%r'", '%r'))}`,
    );
    home.write(
      '.config/fdpass/config.yaml',
      'hops: { spare: direct }\nrules: [{ alias: target, use: "socks5://127.0.0.1:1" }]\n',
    );
    home.write('.config/fdpass/config.toml', '');
    const { status, stdout, stderr } = await doctor(home, ['target'], { SHELL: '/bin/false' });
    expectGolden('doctor-broken', neutral(stdout, home));
    expect([status, stderr]).to.deep.equal([78, '']);
  });

  it('has ticks and colours on a terminal, and is gone from the line that it has waited on', async function () {
    requirePeers(this, 'tmux', 'dash');
    const home = homeWith();
    const screen = await openScreen({ columns: 120, rows: 40 }, { ...home.env, LANG: 'C.UTF-8' });
    try {
      await screen.type(`clear; '${process.execPath}' '${FDPASS_BIN}' doctor`);
      const text = await screen.until(/all is well\n\$/);
      expect(text)
        .to.match(/^✔ {2}ssh_config /m)
        .and.not.contain('checks done');
    } finally {
      await screen.close();
    }
    const { stdout } = await doctor(home, [], { FORCE_COLOR: '1' });
    expect(stdout).to.contain('\u001b[32m+\u001b[0m  ssh ');
    expect((await doctor(home, [], { FORCE_COLOR: '1', NO_COLOR: '1' })).stdout).to.contain('\u001b[32m');
    expect((await doctor(home, [], { NO_COLOR: '1' })).stdout).to.not.contain('\u001b');
  });

  describe('gives no false alarm', () => {
    const CASES: readonly (readonly [
      what: string,
      make: () => SshHome | Promise<SshHome>,
      env?: NodeJS.ProcessEnv,
      notes?: readonly RegExp[],
    ])[] = [
      ['without a configuration', () => homeWith()],
      [
        'for a host that goes through fdpass in another way',
        () =>
          homeWith(
            goodSshConfig(
              sshd(),
              `${FDPASS_BLOCK.replace('*', 'far').replace('%h', '--via direct %h')}${FDPASS_BLOCK}`,
            ),
          ),
      ],
      [
        'for a host that comes before a pattern',
        () => homeWith(`${FDPASS_BLOCK.replace('*', 'far')}Host fa*\n  ProxyJump target\n${goodSshConfig(sshd())}`),
      ],
      ['for a ProxyJump above the block', () => homeWith(`Host far\n  ProxyJump target\n${goodSshConfig(sshd())}`)],
      [
        'for a program that passes descriptors itself',
        () => homeWith(`Host far\n  ProxyCommand nc -F %h %p\n${goodSshConfig(sshd())}`),
      ],
      [
        'for one that says so',
        () => homeWith(`Host far\n  ProxyCommand dialer %h\n  ProxyUseFdpass yes\n${goodSshConfig(sshd())}`),
      ],
      [
        'for one that says no',
        () => homeWith(`Host far\n  ProxyCommand nc %h %p\n  ProxyUseFdpass no\n${goodSshConfig(sshd())}`),
      ],
      [
        'for --stdio without ProxyUseFdpass',
        () => homeWith(goodSshConfig(sshd(), FDPASS_BLOCK.replace('%h', '--stdio %h').replace(/ {2}ProxyUse.*\n/, ''))),
      ],
      [
        'for a command with $HOME',
        () => {
          const home = homeWith();
          home.write('fdpass', `#!/bin/sh\nexec '${FDPASS_BIN}' "$@"\n`, 0o755);
          home.write('.ssh/config', goodSshConfig(sshd(), FDPASS_BLOCK.replace(/'[^']*fdpass'/, '"$HOME"/fdpass')));
          return home;
        },
      ],
      [
        'for a copy of the configuration',
        () => {
          const home = withRules();
          home.write('.config/fdpass/config.yaml.bak', '');
          return home;
        },
        {},
        [/^note: ~\/\.config\/fdpass\/config\.yaml\.bak is not read$/],
      ],
      [
        'for a password that is asked for',
        () => {
          const home = homeWith();
          const corp = `{ strategy: http-connect, url: "http://127.0.0.1:${proxy.port}", credentials: { username: me, ask: true } }`;
          home.write('.config/fdpass/config.yaml', `rules: [{ alias: nobody, use: ${corp} }]\n`);
          return home;
        },
      ],
      [
        'for the variables of a proxy',
        () => {
          const home = homeWith();
          home.write('.config/fdpass/config.yaml', 'rules: [{ use: env }]\n');
          return home;
        },
        { ALL_PROXY: 'socks5h://127.0.0.1:1', NO_PROXY: '*' },
      ],
      [
        'for variables that no rule follows',
        () => homeWith(),
        { ALL_PROXY: 'socks5h://me:s3cret@127.0.0.1:1' },
        [/^note: ALL_PROXY is set, and no rule of fdpass follows that$/],
      ],
    ];
    for (const [what, make, more = {}, notes = []] of CASES) {
      it(what, async () => {
        const found = await findings(await make(), [], more);
        expect(found).to.have.length(notes.length);
        for (const [index, pattern] of notes.entries()) expect(found[index]).to.match(pattern);
      });
    }

    it('for a proxy that refuses to connect to itself', async () => {
      const strict = await startScriptedServer(async (line) => {
        await line.takeThrough('\r\n\r\n');
        await line.send('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n');
        line.end();
      });
      const home = homeWith();
      home.write(
        '.config/fdpass/config.yaml',
        `rules: [{ alias: nobody, use: [direct, "http://127.0.0.1:${strict.port}"] }]\n`,
      );
      expect(await findings(home)).to.deep.equal([]);
      await strict.close();
    });

    it('in a shell that is not a Bourne shell', async function () {
      const { fish = '' } = requirePeers(this, 'fish');
      expect(await findings(homeWith(), ['target'], { SHELL: fish })).to.deep.equal([]);
    });
  });

  it('looks at the configuration that the ProxyCommand names', async () => {
    const home = homeWith();
    const other = home.write('other.yaml', 'rules: [{ us: direct }]\n');
    home.write('.ssh/config', goodSshConfig(sshd(), FDPASS_BLOCK.replace('%h', `-c ${other} %h`)));
    const found = await findings(home);
    expect(found[0]).to.match(/^error: ~\/other\.yaml:1:9: a rule needs "use"/);
    expect(await findings(home, ['-c', home.write('right.yaml', 'rules: []\n')])).to.deep.equal([]);
  });

  it('looks at the configuration of all other hosts, if only the ProxyCommand of some names one', async () => {
    const home = homeWith();
    const other = home.write('other.yaml', 'rules: [{ us: direct }]\n');
    const block = FDPASS_BLOCK.replace('Host *', 'Host one').replace('%h', `-c ${other} %h`);
    home.write('.ssh/config', `${block}\n${goodSshConfig(sshd())}`);
    expect(await findings(home)).to.deep.equal([]);
    expect((await findings(home, ['one']))[0]).to.match(/^error: ~\/other\.yaml:1:9: a rule needs "use"/);
  });

  it('warns of a proxy that only some rules need', async () => {
    const home = homeWith();
    const gone = '"socks5://127.0.0.1:1"';
    home.write(
      '.config/fdpass/config.yaml',
      `hops: { gone: ${gone} }\nrules: [{ alias: nobody, use: { firstOf: [gone, direct] } }]\n`,
    );
    expect(await findings(home)).to.deep.equal([
      'warning: gone (socks5://127.0.0.1:1): cannot connect to 127.0.0.1:1: connection refused',
    ]);
  });

  it('notes where relay processes do TLS that the kernel was to do', async () => {
    const home = homeWith();
    const tls = `{ fingerprint: "${'00'.repeat(32)}"`;
    const hops = [
      `  asked: { strategy: http-connect, url: "https://127.0.0.1:1", tls: ${tls}, kernel: true } }`,
      `  declined: { strategy: socks, url: "socks5h+tls://127.0.0.1:1", tls: ${tls}, kernel: false } }`,
      '  default: "socks5h+tls://127.0.0.1:1"',
      '  plain: "socks5h://127.0.0.1:1"',
    ];
    const rules = 'rules: [{ alias: nobody, use: { firstOf: [asked, declined, default, plain] } }]';
    home.write(
      '.config/fdpass/config.yaml',
      `defaults: { tls: { kernel: true } }\nhops:\n${hops.join('\n')}\n${rules}\n`,
    );
    const found = (await findings(home)).filter((finding) => finding.includes('tls.kernel'));
    const say = (hop: string): string =>
      `note: ${hop}: a relay process does TLS, not the kernel (tls.kernel): it does not offer that`;
    const expected = [say('asked (https://127.0.0.1:1)'), say('default (socks5h+tls://127.0.0.1:1)')];
    expect(found).to.deep.equal(kernelHasTls() ? [] : expected);
  });

  it('knows an ssh that reads another home, and none', async () => {
    const home = homeWith();
    const ssh = findProgram('ssh') ?? '';
    const PATH = process.env['PATH'];
    expect((await findings(home, [], { PATH }))[0]).to.match(
      /^warning: ssh does not read .*\/\.ssh\/config: it takes .* for your home/,
    );
    expect(ssh).to.not.equal('');
    mkdirSync(join(home.path, 'empty'));
    expect(await findings(home, [], { PATH: join(home.path, 'empty') })).to.deep.equal([
      'error: there is no ssh in PATH',
    ]);
  });

  it('knows an agent of another version', async () => {
    const home = homeWith();
    const socket = join(home.path, '.run/fdpass/agent.sock');
    home.write('.run/fdpass/x', '');
    const agent = await Agent.start({ socket, idleMs: 0, serve: () => async () => 0 });
    const old = { ...agent.status, version: '0.0.1', left: 3, note: 'it was tired' };
    const own = await findings(home, [], { FDPASS_AGENT: undefined });
    Object.defineProperty(agent, 'status', { value: old });
    const others = await findings(home, [], { FDPASS_AGENT: undefined });
    agent.leave();
    expect(own).to.deep.equal([]);
    expect(others).to.deep.equal([
      `warning: the agent is fdpass 0.0.1, and this is ${fdpassVersion()}`,
      'note: the agent has left 3 connections to the command: it was tired',
    ]);
  });

  it('does not dial a host that ssh reaches in another way', async () => {
    const home = homeWith(`Host far\n  ProxyJump target\n${goodSshConfig(sshd())}`);
    const { checks } = JSON.parse((await doctor(home, ['--json', 'far'])).stdout);
    expect(checks.at(-1)).to.deep.include({
      name: 'host',
      state: 'ok',
      facts: ['ssh goes through the jump host target and does not run fdpass (~/.ssh/config:2)'],
    });
  });

  it('says that fdpass is only for the hosts of a Match block, where it is, and looks at one of them', async () => {
    const block = FDPASS_BLOCK.replace('Host *', 'Match originalhost localhost');
    const home = homeWith(`${block}Host far\n  ProxyJump target\n${goodSshConfig(sshd(), '')}`);
    const look = async (...hosts: string[]): Promise<object> => {
      const { checks } = JSON.parse((await doctor(home, ['--json', ...hosts])).stdout);
      return checks.find(({ name }: { name: string }) => name === 'ssh_config');
    };
    const facts = ['~/.ssh/config:2: ssh runs fdpass for the hosts of a Match block'];
    const what = 'only ssh can tell which hosts a Match block is for, so none of them was looked at';
    const fix = 'run "fdpass doctor HOST" for one of them';
    expect(await look()).to.deep.include({ state: 'note', facts, findings: [{ severity: 'note', what, fix }] });
    expect(await look('localhost')).to.deep.include({ state: 'ok', facts, findings: [] });
  });

  it('dials for bytes where ssh wants bytes', async () => {
    const home = homeWith(goodSshConfig(sshd(), FDPASS_BLOCK.replace(/ {2}ProxyUse.*\n/, '')));
    const { stdout } = await doctor(home, ['target']);
    expect(stdout).to.match(/connected in \d+ ms: SSH-2\.0-/);
  });

  describe('does not wait for ever', () => {
    const SLOW: Readonly<Record<string, string>> = {
      'for a command that does nothing': 'exec sleep 600',
      'for one that closes its stdout and goes on': 'exec sleep 600 >/dev/null',
      'for one that leaves another behind, with its stderr':
        'setsid sleep 600 >/dev/null &\necho $! >"$HOME/left"; exit 1',
    };
    for (const [what, line] of Object.entries(SLOW)) {
      it(what, async () => {
        const home = homeWith();
        const script = `#!/bin/sh\ncase "$*" in *--version) echo fdpass ${fdpassVersion()}; exit ;; esac\n${line}\n`;
        const launcher = home.write('bin/fdpass', script, 0o755);
        for (const passing of ['', '  ProxyUseFdpass yes\n']) {
          home.write('.ssh/config', goodSshConfig(sshd(), `Host *\n  ProxyCommand ${launcher} %h %p\n${passing}`));
          const found = await findings(home, ['--timeout', '1', 'target']);
          expect(found.at(-1)).to.equal('error: ssh cannot connect: the ProxyCommand has ended without a word');
          const left = join(home.path, 'left');
          if (existsSync(left)) process.kill(Number(readFileSync(left, 'utf8')));
        }
      });
    }

    it('for a command that has no version', async () => {
      const home = homeWith();
      const launcher = home.write('bin/fdpass', '#!/bin/sh\nexec sleep 600\n', 0o755);
      home.write('.ssh/config', goodSshConfig(sshd(), FDPASS_BLOCK.replace(/'[^']*fdpass'/, launcher)));
      expect(await findings(home, ['--timeout', '1'])).to.deep.equal([
        'error: ~/.ssh/config:16: ssh cannot run fdpass: it does not end',
      ]);
    });
  });

  it('refuses what is not a host, and a second one', async () => {
    const home = homeWith();
    for (const [args, message] of [
      [['-oProxyCommand=x'], /\[usage\]/],
      [['--', '-oProxyCommand=x'], /\[usage\] the host/],
      [['a', 'b'], /\[usage\] too many operands/],
    ] as const) {
      const { status, stderr } = await doctor(home, args);
      expect(stderr).to.match(message);
      expect(status).to.equal(64);
    }
  });
});
