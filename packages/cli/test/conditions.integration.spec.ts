import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireLab, runInLab, temporaryFolder } from '@fdpass/test-lab';
import { Greeter } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, fdrecv, NO_CONFIG } from './commands.spec.helper.js';

/** One rule for each way to tell home from away, and what each leads to is an address that says which it was. */
describe('home and away in a network namespace', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  before(function () {
    requireLab(this);
    writeFileSync(
      config,
      `rules:
  - { name: interface, alias: interface, interface: home0, use: { strategy: direct, host: 192.0.2.7 } }
  - { name: no interface, alias: no-interface, interface: "!home0", use: { strategy: direct, host: 192.0.2.7 } }
  - { name: network, alias: network, localNetwork: 192.168.7.0/24, use: { strategy: direct, host: 192.0.2.7 } }
  - { name: not network, alias: not-network, not: { localNetwork: 192.168.7.0/24 }, use: { strategy: direct, host: 192.0.2.7 } }
  - { name: reachable, alias: reachable, reachable: { address: "192.168.7.1:80", timeout: 300ms }, use: { strategy: direct, host: 192.0.2.7 } }
  - { name: all, alias: all, interface: home0, localNetwork: 192.168.7.0/24, reachable: "192.168.7.1:80", use: direct }
  - { name: away, use: { strategy: direct, host: 192.0.2.8 } }
`,
      { mode: 0o600 },
    );
  });
  after(() => folder.remove());

  /** The rule for each alias, at home, after leaving, and back again. */
  const SCRIPT = `
const { execFileSync } = require('node:child_process');
const [, command, config] = process.argv;
const ip = (line) => execFileSync('ip', line.split(' '));
const aliases = ['interface', 'no-interface', 'network', 'not-network', 'reachable', 'all'];
const ruleFor = (alias) => JSON.parse(execFileSync(process.execPath,
  [command, 'explain', '--no-ssh', '--json', '-c', config, '--alias', alias, 'nas.example'], { encoding: 'utf8' })).reason.split('"')[1];
const http = require('node:child_process').spawn(process.execPath, ['-e',
  'require("node:net").createServer((socket) => socket.end()).listen(80, "0.0.0.0", () => console.log("up"))'], { stdio: ['ignore', 'pipe', 'inherit'] });
http.stdout.once('data', () => {
  const look = () => aliases.map(ruleFor);
  const seen = [];
  seen.push(look());
  ip('link add home0 type veth peer name far0'); ip('link set far0 up');
  ip('addr add 192.168.7.1/24 dev home0'); ip('link set home0 up');
  seen.push(look());
  ip('link del home0');
  seen.push(look());
  console.log(JSON.stringify(seen));
  process.exit(0);
});`;

  it('is told by an interface, a network and a place, when they come and when they go', async () => {
    const { status, stdout, stderr } = await runInLab(
      { blackholes: ['192.168.7.0/24'] },
      [process.execPath, '-e', SCRIPT, FDPASS_BIN, config],
      { env: NO_CONFIG },
    );
    expect(status, stderr).to.equal(0);
    const away = ['away', 'no interface', 'away', 'not network', 'away', 'away'];
    expect(JSON.parse(stdout)).to.deep.equal([
      away,
      ['interface', 'away', 'network', 'away', 'reachable', 'all'],
      away,
    ]);
  });
});

describe('conditions of the command', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  const count = join(folder.path, 'count');
  const env = { XDG_STATE_HOME: join(folder.path, 'state'), XDG_CACHE_HOME: join(folder.path, 'cache') };
  let greeter: Greeter;
  before(async () => {
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    writeFileSync(join(folder.path, 'ask'), '#!/bin/sh\necho x >>count\n');
    chmodSync(join(folder.path, 'ask'), 0o755);
  });
  after(async () => {
    await greeter.close();
    folder.remove();
  });

  function write(rules: string): void {
    writeFileSync(config, rules, { mode: 0o600 });
    writeFileSync(count, '');
  }

  const asked = (): number => readFileSync(count, 'utf8').length / 2;
  const run = (...words: string[]): ReturnType<typeof fdpass> => fdpass(['-c', config, ...words], { env });
  const use = (...words: string[]): ReturnType<typeof fdpass> => fdpass(['use', '-c', config, ...words], { env });

  it('are asked once for a dial, also where another process dials and relays', async () => {
    write('rules: [{ exec: [./ask], use: { strategy: direct, host: 127.0.0.1 } }]\n');
    const passed = await fdrecv([process.execPath, FDPASS_BIN, '-c', config, 'nas.example', String(greeter.port)], {
      env,
    });
    expect([passed.status, asked()], passed.stderr).to.deep.equal([0, 1]);
    write('rules: [{ exec: [./ask], use: { strategy: http-connect, url: "https://127.0.0.1:1" } }]\n');
    const relayed = await fdrecv([process.execPath, FDPASS_BIN, '-c', config, 'nas.example', '22'], { env });
    expect(relayed.stderr).to.match(/https:\/\/127\.0\.0\.1:1: .*connection refused/);
    expect(asked()).to.equal(1);
  });

  it('say with -v what they were answered, and the line of an error says which rule could not tell', async () => {
    write('rules: [{ exec: [./ask], reachable: "127.0.0.1:1", use: direct }, { exec: [./none], use: direct }]\n');
    const { status, stderr } = await run('-v', '--stdio', 'nas.example', '22');
    expect(status).to.equal(78);
    expect(stderr)
      .to.match(/whether 127\.0\.0\.1:1 can be reached: connection refused, after/)
      .and.match(
        /\[config\] .*config\.yaml:1:\d+: cannot run the program of "exec": no such file or directory; check that it is installed/,
      );
    expect(asked()).to.equal(0);
  });

  it('follow the profile that "fdpass use" sets, which takes only those that rules ask for', async () => {
    write(
      'rules: [{ name: h, profile: home, use: direct }, { name: w, not: { profile: home }, profile: "w*", use: direct }]\n',
    );
    const reason = async (): Promise<string> =>
      JSON.parse((await run('explain', '--no-ssh', '--json', 'x')).stdout).reason;
    expect((await use()).stdout).to.equal('no profile is in use\n');
    expect(await reason()).to.equal('no rule matches');
    expect(await use('home')).to.include({ status: 0, stdout: 'home\n' });
    expect((await use()).stdout).to.equal('home\n');
    expect(await reason()).to.match(/^rule 1 "h"/);
    expect((await use('work')).stdout).to.equal('work\n');
    expect(await reason()).to.match(/^rule 2 "w"/);
    const wrong = await use('hoem');
    expect([wrong.status, wrong.stderr]).to.deep.equal([
      64,
      'fdpass: [usage] no rule names this profile; did you mean "home"?\n',
    ]);
    expect((await use('--clear', 'home')).status).to.equal(64);
    expect((await use('--clear')).stdout).to.equal('no profile is in use\n');
    expect(await reason()).to.equal('no rule matches');
    expect((await fdpass(['completion', 'profiles'], { env: { ...env, FDPASS_CONFIG: config } })).stdout).to.equal(
      'home\n',
    );
  });

  it('are asked once for all hosts that "fdpass test" finds', async () => {
    write('rules: [{ exec: [./ask], use: { strategy: direct, host: 127.0.0.1, port: 1 } }]\n');
    mkdirSync(join(folder.path, '.ssh'), { recursive: true });
    writeFileSync(join(folder.path, '.ssh/config'), 'Host one two three\n  User me\n');
    const { stdout, stderr } = await fdpass(['test', '-c', config], { env: { ...env, HOME: folder.path } });
    expect(stdout, stderr).to.match(/one:22.*connection refused/);
    expect(asked()).to.equal(1);
  });

  it('are listed by a check, with what they say now', async () => {
    write('rules: [{ host: a, interface: nosuch0, use: direct }, { exec: [./ask], use: direct }]\n');
    const { status, stdout } = await run('check');
    expect(status).to.equal(0);
    expect(stdout)
      .to.match(/^now, rule 1 \(.*config\.yaml:1:9\): interface nosuch0: not up$/m)
      .and.match(/^now, rule 2 .*: exec \.\/ask: status 0$/m);
    const { conditions } = JSON.parse((await run('check', '--json')).stdout);
    expect(conditions[1]).to.deep.include({ rule: 2, line: 1 });
    expect(asked()).to.equal(2);
  });

  it('take hosts from a file beside the configuration, and say which line of it is wrong', async () => {
    const hosts = join(folder.path, 'hosts.txt');
    write('rules: [{ name: corp, host: { file: hosts.txt }, use: direct }]\n');
    writeFileSync(hosts, '# made by a program\n*.corp.example\n', { mode: 0o600 });
    const reason = async (): Promise<string> =>
      JSON.parse((await run('explain', '--no-ssh', '--json', 'a.corp.example')).stdout).reason;
    expect(await reason()).to.match(/^rule 1 "corp"/);
    const wrong: readonly (readonly [text: string, mode: number, expected: RegExp])[] = [
      ['a\n  b:22\n', 0o600, /hosts\.txt:2:3: error: the pattern has a port in it; put the port under "port"/],
      ['# nothing\n', 0o600, /config\.yaml:1:\d+: error: the file has no patterns in it, so the rule matches nothing/],
      ['!a\n', 0o600, /config\.yaml:1:\d+: error: a list of only negated patterns matches nothing/],
      [
        'a\n',
        0o622,
        /config\.yaml:1:\d+: error: cannot read the patterns: \S+hosts\.txt can be written by .*run: chmod/,
      ],
    ];
    for (const [text, mode, expected] of wrong) {
      writeFileSync(hosts, text);
      chmodSync(hosts, mode);
      expect((await run('check')).stderr, text).to.match(expected);
    }
  });
});
