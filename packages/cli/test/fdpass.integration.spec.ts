import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { findProgram, requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, fdpass, fdpassOnto, fdrecv, NO_CONFIG } from './commands.spec.helper.js';

/** One line on stderr, nothing on stdout, the documented status. */
function expectRefusal(
  ended: { status: number | null; stdout?: string; stderr: string },
  status: number,
  message: RegExp,
): void {
  expect(ended.stderr).to.match(/^fdpass: \[[a-z-]+\] [^\n]+\n$/);
  expect(ended.stderr)
    .to.match(message)
    .and.not.match(/please report it|at .*\.js:\d/);
  expect(ended.status).to.equal(status);
  expect(ended.stdout ?? '').to.equal('');
}

describe('fdpass', () => {
  const folder = temporaryFolder();
  let server: ScriptedServer;
  const port = (): string => String(server.port);

  before(async () => {
    server = await startScriptedServer(async (line) => {
      await line.send('banner\n');
      line.socket.end(await line.rest());
    });
  });
  after(async () => {
    await server.close();
    folder.remove();
  });

  function config(text: string, mode = 0o600): string {
    const file = join(folder.path, `config-${Math.random().toString(36).slice(2)}.yaml`);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  }

  describe('relaying', () => {
    it('copies both ways and passes the end of stdin on', async () => {
      const { status, stdout, stderr } = await fdpass(['127.0.0.1', port()], { input: 'text' });
      expect([status, stdout, stderr]).to.deep.equal([0, 'banner\ntext', '']);
    });

    it('is what --stdio asks for, onto a file too', async () => {
      const file = join(folder.path, 'out');
      const fd = openSync(file, 'w');
      const { status } = await fdpassOnto(fd, ['--stdio', '127.0.0.1', port()]);
      closeSync(fd);
      expect(status).to.equal(0);
    });
  });

  describe('choosing by rules', () => {
    it('takes the first rule that matches, by --user and --alias too', async () => {
      const file = config(`rules:
  - { user: root, use: { strategy: direct, host: 127.0.0.1, port: ${port()} } }
  - { alias: "nas*", use: { strategy: direct, host: 127.0.0.1, port: ${port()} } }
  - { host: "*", use: { strategy: direct, host: 127.0.0.1, port: 1 } }
`);
      for (const option of [
        ['--user', 'root'],
        ['--alias', 'NAS1'],
      ]) {
        expect((await fdpass(['-c', file, ...option, 'x.example', '22'])).stdout).to.equal('banner\n');
      }
      expectRefusal(
        await fdpass(['-c', file, 'x.example', '22']),
        69,
        /^fdpass: \[unreachable\] x\.example:22: rule 3 \(.*:4:5\): direct: .*127\.0\.0\.1:1.*refused/,
      );
    });

    it('explains without opening anything', async () => {
      const file = config(`hops: { home: { strategy: direct, host: 10.9.8.7 } }
rules:
  - { host: other.example, use: direct }
  - { host: "*.example", port: 22, use: home }
`);
      const { status, stdout } = await fdpass(['explain', '--json', '-c', file, 'a.example']);
      const explanation = JSON.parse(stdout);
      expect(status).to.equal(0);
      expect(explanation.reason).to.match(/^rule 2 \(.*:4:5\)$/);
      expect(explanation.route).to.deep.equal([
        { strategy: 'direct', label: 'home (direct)', options: { host: '10.9.8.7' } },
      ]);
      expect(explanation.skipped).to.deep.equal([
        { rule: 1, why: 'host', wanted: ['other.example'], where: { file, line: 3, column: 5 } },
      ]);
      expect((await fdpass(['explain', '-c', file, 'a.example'])).stdout)
        .to.contain('rule 2')
        .and.contain('skipped  rule 1 (line 3): host a.example does not match other.example\n');
    });

    it('says where a config was looked for, what was found there instead, and that hosts are reached directly', async () => {
      const found = join(folder.path, 'xdg/fdpass/config.toml');
      mkdirSync(dirname(found), { recursive: true });
      writeFileSync(found, '');
      const env = { XDG_CONFIG_HOME: join(folder.path, 'xdg') };
      for (const args of [['check'], ['explain', 'host.example']]) {
        const { status, stdout } = await fdpass(args, { env });
        expect(status).to.equal(0);
        expect(stdout)
          .to.contain('no configuration: all hosts are reached directly')
          .and.match(/looked for config\.yaml, .* in \S+\/xdg\/fdpass and \/etc\/fdpass\n/)
          .and.contain(`found ${found}, which is not read\n`);
      }
      const explained = await fdpass(['explain', '--json', 'host.example'], { env });
      expect(JSON.parse(explained.stdout)).to.deep.include({ config: null, isDefault: true, unread: [found] });
      const file = config('rules: [ { host: other.example, use: direct } ]\n');
      expect((await fdpass(['explain', '-c', file, 'host.example'])).stdout).to.contain(
        'no rule matches: such hosts are reached directly',
      );
    });

    it('explains which variable named the proxy of an env hop, also behind other hops, and which entry exempted a host', async () => {
      const file = config(`rules:
  - { host: "*.example", use: { firstOf: [[env, "socks5h://gate.corp.example:1"], [env, "http://gate.example"]] } }
  - use: env
`);
      const env = { ALL_PROXY: 'http://me:hush@proxy.example:3128', NO_PROXY: 'localhost,.corp.example' };
      const { stdout } = await fdpass(['explain', '-c', file, 'a.example'], { env });
      expect(stdout.match(/^decided .*$/gm)).to.deep.equal([
        'decided  env: no proxy: NO_PROXY exempts it by the entry .corp.example',
        'decided  env: ALL_PROXY names the proxy http://***@proxy.example:3128',
      ]);
      const plain = await fdpass(['explain', '--json', '-c', file, 'x.test'], { env });
      expect(JSON.parse(plain.stdout).decisions).to.deep.equal([
        'env: ALL_PROXY names the proxy http://***@proxy.example:3128',
      ]);
    });

    it('never falls back to a direct connection when a rule fails', async () => {
      const file = config(`rules: [ { use: { strategy: direct, port: 1 } } ]\n`);
      expectRefusal(await fdpass(['-c', file, '127.0.0.1', port()]), 69, /rule 1 .*refused/);
    });
  });

  describe('refuses on the command line', () => {
    const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [[], /the host is missing; see: fdpass --help/],
      [['host'], /the port is missing/],
      [['host', '22', 'more'], /too many operands: 3 instead of 2/],
      [['', '22'], /the host is empty/],
      [['a b', '22'], /space or a control character/],
      [['a\nb', '22'], /space or a control character/],
      [['--', '-oProxyCommand=x', '22'], /begins with a dash/],
      [['a'.repeat(254), '22'], /longer than 253 bytes/],
      [['xn--a.example', '22'], /punycode/],
      [['host', '0'], /the port is not a number from 1 to 65535/],
      [['host', '65536'], /the port is not a number/],
      [['host', 'ssh'], /the port is not a number/],
      [['--timeout', 'soon', 'host', '22'], /--timeout is not a duration/],
      [['--stdio', '--fdpass', 'host', '22'], /exclude each other/],
      [['--nope', 'host', '22'], /unknown option;/],
      [['--log', join(folder.path, 'none/log'), 'host', '22'], /cannot write the log/],
    ];
    for (const [args, message] of cases) {
      it(JSON.stringify(args.map((word) => word.slice(0, 30))), async () =>
        expectRefusal(await fdpass(args), 64, message),
      );
    }
  });

  describe('with --json says an error as one object', () => {
    const said = async (...args: readonly string[]): Promise<unknown> => {
      const { status, stdout, stderr } = await fdpass(args);
      const error = JSON.parse(stderr) as { readonly exitStatus: number };
      expect([stdout, stderr.split('\n').length, error.exitStatus]).to.deep.equal(['', 2, status]);
      return error;
    };

    it('of a dial, with all that the line has', async () => {
      const file = config('rules: [ { use: socks5h://127.0.0.1:1 } ]\n');
      expect(await said('--json', '-c', file, 'host.example', '22')).to.deep.equal({
        code: 'unreachable',
        message: 'cannot connect to 127.0.0.1:1: connection refused',
        hint: 'check that it is running, and the port',
        target: { host: 'host.example', port: 22 },
        rule: `rule 1 (${file}:1:10)`,
        hop: 'socks5h://127.0.0.1:1',
        attempts: [{ address: '127.0.0.1:1', reason: 'connection refused' }],
        exitStatus: 69,
      });
    });

    it('of several routes, each with its own', async () => {
      const file = config('rules: [ { use: { firstOf: [ socks5://127.0.0.1:1, http://127.0.0.1:1 ] } } ]\n');
      const { routes } = (await said('--json', '-c', file, 'host.example', '22')) as { routes: { label: string }[] };
      expect(routes.map(({ label }) => label)).to.deep.equal(['socks5://127.0.0.1:1', 'http://127.0.0.1:1']);
    });

    it('of a config, with its place', async () => {
      const file = config('rulez: []\n');
      expect(await said('-c', file, 'host.example', '22', '--json')).to.deep.include({
        code: 'config',
        where: { file, line: 1, column: 1 },
        exitStatus: 78,
      });
    });

    it('of a command line that cannot be taken apart, and of other commands', async () => {
      expect(await said('--json', '--nope', 'host.example', '22')).to.include({ code: 'usage', exitStatus: 64 });
      expect(await said('explain', '--json', 'a/b')).to.include({ code: 'usage', exitStatus: 64 });
      expect((await fdpass(['--nope', '--', '--json', '22'])).stderr).to.match(/^fdpass: \[usage\] unknown option/);
    });
  });

  it('refuses --fdpass where stdout is a pipe', async () => {
    const command = `{ "$0" "$1" --fdpass 127.0.0.1 ${port()}; echo "status $?" >&2; } | cat`;
    const { stdout, stderr } = await run('sh', ['-c', command, process.execPath, FDPASS_BIN], { env: NO_CONFIG });
    expect(stdout).to.equal('');
    expect(stderr).to.match(/^fdpass: \[usage\] .*stdout is not a unix socket.*ProxyUseFdpass.*\nstatus 64\n$/);
  });

  describe('refuses a config', () => {
    const cases: readonly (readonly [what: string, text: string, message: RegExp])[] = [
      ['that is not YAML', 'rules: [', /config-\w+\.yaml:1:\d+: /],
      ['that is empty', '', /:1:1: the file is empty/],
      ['with an unknown key', 'rulez: []\n', /:1:1: .*"rulez".*rules/],
      [
        'with an unknown hop',
        'rules: [ { use: corpp } ]\nhops: { corp: direct }\n',
        /:1:17: rule 1: "corpp" is neither a hop.*did you mean "corp"/,
      ],
      ['with a hop named twice', 'hops:\n  a: direct\n  a: direct\n', /:3:3: .*second time/],
      [
        'with an unknown option',
        'rules: [ { use: { strategy: direct, hostt: x } } ]\n',
        /:1:\d+: rule 1: direct: .*hostt/,
      ],
      [
        'with an opener in the middle of a chain',
        'rules: [ { use: [happy-eyeballs, direct] } ]\n',
        /direct opens sockets itself/,
      ],
    ];
    for (const [what, text, message] of cases) {
      it(what, async () => expectRefusal(await fdpass(['-c', config(text), '127.0.0.1', port()]), 78, message));
    }

    it('that extends itself', async () => {
      const file = join(folder.path, 'self.yaml');
      writeFileSync(file, 'extends: ./self.yaml\n', { mode: 0o600 });
      expectRefusal(await fdpass(['-c', file, 'h', '22']), 78, /self\.yaml:1:\d+: .*self\.yaml.*self\.yaml/);
    });

    it('that is missing, a folder, or open to others', async () => {
      expectRefusal(await fdpass(['-c', join(folder.path, 'none'), 'h', '22']), 78, /no such file/);
      expectRefusal(await fdpass(['-c', folder.path, 'h', '22']), 78, /folder/);
      expectRefusal(await fdpass(['-c', config('rules: []\n', 0o666), 'h', '22']), 78, /can be written by.*chmod go-w/);
      const env = { FDPASS_CONFIG: join(folder.path, 'none') };
      expectRefusal(await fdpass(['h', '22'], { env }), 78, /\/none.*no such file/);
    });

    it('whose folder cannot be told, with check too, once', async () => {
      const env = { XDG_CONFIG_HOME: undefined, HOME: 'home' };
      for (const args of [['h', '22'], ['check']])
        expectRefusal(await fdpass(args, { env }), 78, /the home folder is not an absolute path; set HOME/);
    });

    it('with check, showing every error and warning with its place, as compilers do', async () => {
      const file = config(
        'rules:\n  - { host: a, use: nope }\n  - { host: b, use: { strategy: direct, family: 5 } }\n  - { use: direct }\n  - { host: c, use: direct }\n',
      );
      const { status, stdout, stderr } = await fdpass(['check', file]);
      expect([status, stdout]).to.deep.equal([78, `${file}: 4 rules, 2 errors, 1 warning\n`]);
      const [first, second, third, ...more] = stderr.trimEnd().split('\n');
      expect(first).to.match(new RegExp(`^${file}:2:21: error: this word is neither`));
      expect(second).to.match(new RegExp(`^${file}:3:\\d+: error: direct: .*family`));
      expect(third).to.equal(
        `${file}:4:5: warning: this rule matches every host, so the rule after it never matches; move it to the end`,
      );
      expect(more).to.deep.equal([]);
      const { errors, warnings } = JSON.parse((await fdpass(['check', '--json', file])).stdout);
      expect([errors.length, warnings.length]).to.deep.equal([2, 1]);
      expect(errors[1]).to.include({ file, line: 3, code: 'config', hop: 'direct' });
      expect(warnings[0]).to.include({ file, line: 4, column: 5, hint: 'move it to the end' });
    });

    it('with check, not for warnings alone', async () => {
      const file = config('hops: { spare: direct }\nrules: [ { host: a, use: direct } ]\n');
      const warned = await fdpass(['check', file]);
      expect([warned.status, warned.stderr]).to.deep.equal([
        0,
        `${file}:1:9: warning: no rule uses this hop; delete it, unless you name it with --via\n`,
      ]);
      expect(warned.stdout).to.equal(
        `${file}: 1 rule, no errors, 1 warning\nhosts without a rule are reached directly, by happy-eyeballs\n`,
      );
      const good = await fdpass(['check', config('rules: [ { use: direct } ]\n')]);
      expect([good.status, good.stderr]).to.deep.equal([0, '']);
      expect(good.stdout).to.match(/1 rule, no error/);
    });

    it("never reads the current directory's", async () => {
      writeFileSync(join(folder.path, 'fdpass.yaml'), 'nonsense: true\n');
      writeFileSync(join(folder.path, 'config.yaml'), 'nonsense: true\n');
      const { status, stdout } = await fdpass(['127.0.0.1', port()], { cwd: folder.path });
      expect([status, stdout]).to.deep.equal([0, 'banner\n']);
    });
  });

  describe('refuses as stdout', () => {
    it('a file, nothing, and a terminal, each with the fix', async function () {
      const fd = openSync(join(folder.path, 'file'), 'w');
      expectRefusal(await fdpassOnto(fd, ['127.0.0.1', port()]), 64, /stdout is a file.*--stdio/);
      closeSync(fd);
      expectRefusal(await fdpassOnto('ignore', ['127.0.0.1', port()]), 64, /stdout is closed or \/dev\/null/);
      const shell = await run('sh', ['-c', `exec "$0" "$1" 127.0.0.1 ${port()} >&-`, process.execPath, FDPASS_BIN], {
        env: NO_CONFIG,
      });
      expectRefusal(shell, 64, /stdout is closed/);
      requirePeers(this, 'script');
      const command = `'${process.execPath}' '${FDPASS_BIN}' 127.0.0.1 ${port()}`;
      const terminal = await run(findProgram('script') ?? '', ['-qec', command, '/dev/null'], { env: NO_CONFIG });
      expect(terminal.status).to.equal(64);
      expect(terminal.stdout).to.match(/stdout is a terminal, .*; .*ProxyUseFdpass yes/);
    });
  });

  it('says so when no descriptor is left', async () => {
    // How many Node itself needs differs between versions. A jump needs a few more than that, so the first limit that is
    // too low is one that only the dial meets; with enough of them nothing listens there.
    for (let limit = 40; ; limit--) {
      const script = `ulimit -n ${limit}; exec "$0" "$1" --via jump://127.0.0.1:1 127.0.0.1 ${port()}`;
      const ended = await run('sh', ['-c', script, process.execPath, FDPASS_BIN], { env: NO_CONFIG, input: '' });
      if (ended.status === 69) continue;
      expectRefusal(
        ended,
        70,
        /no file descriptor left in this process; raise the limit: ulimit -n|cannot load koffi: .*ulimit -n/,
      );
      return;
    }
  });

  it('keeps stdout clean: nothing but one byte ever reaches stdout with a descriptor', async () => {
    const { status, stdout, stderr } = await fdrecv([
      '--stdio',
      process.execPath,
      FDPASS_BIN,
      '-vv',
      '127.0.0.1',
      port(),
    ]);
    expect([status, stdout]).to.deep.equal([0, 'banner\n']);
    expect(stderr).to.match(/ ms {2}passed the descriptor of 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+\n/);
    expect(stderr).to.match(/ ms {2}connected to 127\.0\.0\.1:\d+ through happy-eyeballs in \d+ ms\n$/);
  });

  it('answers a reader that has seen enough, and says why it cannot write', async () => {
    for (const [program, option] of [
      [FDPASS_BIN, '--help'],
      [FDPASS_BIN, '--version'],
      [FDRECV_BIN, '--help'],
    ] as const) {
      const child = spawn(program, [option], { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.destroy();
      let said = '';
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const [status] = await once(child, 'close');
      expect([status, said], option).to.deep.equal([0, '']);
      const full = await run('/bin/sh', ['-c', `"$0" ${option} >/dev/full`, program]);
      expect([full.status, full.stderr]).to.deep.equal([
        70,
        `${basename(program)}: [internal] cannot write to stdout: no space left on the device\n`,
      ]);
    }
  });

  it('says so if a file takes only a part of what it prints', async () => {
    const folder = temporaryFolder();
    const { status, stderr } = await run('/bin/sh', [
      '-c',
      'ulimit -f 1; "$0" --help >"$1"',
      FDPASS_BIN,
      join(folder.path, 'help'),
    ]);
    expect([status, stderr]).to.deep.equal([70, 'fdpass: [internal] cannot write to stdout: the file is too large\n']);
    folder.remove();
  });

  it('answers --help and --version', async () => {
    const help = await fdpass(['--help']);
    expect([help.status, help.stderr]).to.deep.equal([0, '']);
    expect(help.stdout).to.contain('fdpass [options] HOST PORT').and.contain('Exit status');
    expect((await fdpass(['--version'])).stdout).to.match(/^fdpass \d+\.\d+\.\d+\n$/);
  });
});
