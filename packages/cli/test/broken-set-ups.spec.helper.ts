import { chmodSync, copyFileSync, cpSync, linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Sshd } from '@fdpass/test-lab';
import { refusedPort, type ScriptedServer, startHttpProxy, startScriptedServer, type TestProxy } from '@fdpass/testkit';
import { FDPASS_BIN } from './commands.spec.helper.js';
import { ROOT } from './packed.spec.helper.js';
import { FDPASS_BLOCK, goodSshConfig, type SshHome } from './ssh-home.spec.helper.js';

/** Servers that the set-ups need. */
export interface Peers {
  readonly sshd: Sshd;
  /** Nothing listens there. */
  readonly closed: number;
  /** Speaks no protocol of a proxy. */
  readonly chatty: ScriptedServer;
  /** Wants the password `right` of the user `me`. */
  readonly guarded: TestProxy;
}

/** Starts them; the caller closes them. */
export async function startPeers(sshd: Sshd): Promise<Peers & { close(): Promise<void> }> {
  const chatty = await startScriptedServer((line) => line.send('SSH-2.0-OpenSSH_9.2p1\r\n'));
  const guarded = await startHttpProxy({ credentials: 'me:right' });
  const close = async (): Promise<void> => {
    await chatty.close();
    await guarded.close();
  };
  return { sshd, closed: await refusedPort(), chatty, guarded, close };
}

/** What is to be found. */
export interface Expected {
  readonly check: string;
  readonly severity: 'error' | 'warning' | 'note';
  readonly what: RegExp;
  readonly fix: RegExp;
}

/** A set-up that was broken on purpose. */
export interface BrokenSetUp {
  readonly what: string;
  /** Breaks a home that is right: `ssh target` works in it. What it returns, or resolves to, can be a {@link BrokenRun}. */
  breakIt(home: SshHome, peers: Peers): unknown;
  readonly finds: Expected;
  /** What ssh says then, with what fdpass has said: enough to know the cause. */
  readonly ssh: RegExp;
}

/** How the programs run in a broken set-up. */
export interface BrokenRun {
  readonly env?: NodeJS.ProcessEnv;
  /** What ssh is asked to connect to. Default `target`. */
  readonly host?: string;
  /** For `fdpass doctor`. */
  readonly args?: readonly string[];
  /** The command that is run as `fdpass`. Default: the built one. */
  readonly fdpass?: string;
}

const LOST = /mm_receive_fd: .*\nproxy dialer did not pass back a connection/;
const WORKS = /^there\n/;

const both = (...patterns: readonly RegExp[]): RegExp =>
  new RegExp(patterns.map(({ source }) => `(?=[\\s\\S]*(?:${source.replace(/^\^/, '')}))`).join(''));

function configure(home: SshHome, text: string, mode?: number): void {
  home.write('.config/fdpass/config.yaml', text, mode);
}

function block(home: SshHome, { sshd }: Peers, text: string): void {
  home.write('.ssh/config', goodSshConfig(sshd, text));
}

/** An installation of the launcher alone, with or without what it runs. */
function install(home: SshHome, withBundle: boolean): string {
  const launcher = join(home.path, 'installed/bin/fdpass');
  mkdirSync(join(home.path, 'installed/bin'), { recursive: true });
  copyFileSync(join(ROOT, 'packages/cli/bin/fdpass.cjs'), launcher);
  chmodSync(launcher, 0o755);
  if (withBundle) cpSync(join(ROOT, 'packages/cli/bundle'), join(home.path, 'installed/bundle'), { recursive: true });
  return launcher;
}

export const SET_UPS: readonly BrokenSetUp[] = [
  // What ssh's own files say.
  {
    what: 'ssh_config does not name fdpass',
    breakIt: (home, peers) => block(home, peers, ''),
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /^no ProxyCommand in ~\/\.ssh\/config runs fdpass$/,
      fix: /"fdpass init" shows/,
    },
    ssh: WORKS,
  },
  {
    what: 'the program of the ProxyCommand is not there',
    breakIt: (home, peers) => block(home, peers, FDPASS_BLOCK.replace(/'[^']*'/, '/nowhere/fdpass')),
    finds: {
      check: 'command',
      severity: 'error',
      what: /^~\/\.ssh\/config:\d+: ssh cannot run fdpass: .*\/nowhere\/fdpass: not found$/,
      fix: /^write the path of fdpass: \//,
    },
    ssh: both(/\/nowhere\/fdpass: not found/, LOST),
  },
  {
    what: 'the launcher cannot be executed',
    breakIt(home, peers) {
      const launcher = install(home, false);
      chmodSync(launcher, 0o644);
      block(home, peers, FDPASS_BLOCK.replace(/'[^']*'/, launcher));
    },
    finds: {
      check: 'command',
      severity: 'error',
      what: /ssh cannot run fdpass: .*Permission denied$/,
      fix: /^run: chmod \+x .*\/installed\/bin\/fdpass$/,
    },
    ssh: both(/Permission denied/, LOST),
  },
  {
    what: 'the whole ProxyCommand is in quotes',
    breakIt: (home, peers) =>
      block(home, peers, `Host *\n  ProxyCommand "${FDPASS_BIN} %h %p"\n  ProxyUseFdpass yes\n`),
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /the quotes around the whole command make it one word/,
      fix: /^leave out these quotes$/,
    },
    ssh: both(/not found/, LOST),
  },
  {
    what: 'another ProxyCommand inherits ProxyUseFdpass',
    breakIt(home, peers) {
      const own = 'Host legacy\n  HostName 127.0.0.1\n  ProxyCommand echo SSH-2.0-legacy\n';
      block(home, peers, `${own}${FDPASS_BLOCK}`);
      return { host: 'legacy' };
    },
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /^~\/\.ssh\/config:\d+: echo inherits ProxyUseFdpass yes of ~\/\.ssh\/config:\d+, and ssh fails/,
      fix: /^add "ProxyUseFdpass no" after ~\/\.ssh\/config:\d+$/,
    },
    ssh: /mm_receive_fd: no message header/,
  },
  {
    what: 'a ProxyJump stands below the block of fdpass',
    breakIt: (home, peers) => block(home, peers, `${FDPASS_BLOCK}Host target\n  ProxyJump nowhere.invalid\n`),
    finds: {
      check: 'ssh_config',
      severity: 'warning',
      what: /^ProxyJump of ~\/\.ssh\/config:\d+ has no effect: ssh takes the first that it finds/,
      fix: /^move the block of ~\/\.ssh\/config:\d+ above .*: the block of fdpass must be the last one$/,
    },
    ssh: WORKS,
  },
  {
    what: 'a ProxyJump for all hosts stands in the way',
    breakIt: (home, peers) => block(home, peers, `Host *\n  ProxyJump nowhere.invalid\n${FDPASS_BLOCK}`),
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /^ssh never reaches ~\/\.ssh\/config:\d+: ProxyJump of ~\/\.ssh\/config:\d+ comes first$/,
      fix: /^move that line below, or limit it to some hosts$/,
    },
    ssh: /nowhere\.invalid/,
  },
  {
    what: '--stdio and ProxyUseFdpass yes',
    breakIt: (home, peers) => block(home, peers, FDPASS_BLOCK.replace('--user', '--stdio --user')),
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /--stdio gives bytes, and with ProxyUseFdpass yes ssh wants a descriptor$/,
      fix: /^leave out --stdio$/,
    },
    ssh: /mm_receive_fd: no message header/,
  },
  {
    what: 'ProxyUseFdpass is missing',
    breakIt: (home, peers) => block(home, peers, FDPASS_BLOCK.replace(/ {2}ProxyUseFdpass.*\n/, '')),
    finds: {
      check: 'ssh_config',
      severity: 'warning',
      what: /ssh does not take the socket, so a process stays for each session/,
      fix: /^add "ProxyUseFdpass yes" after ~\/\.ssh\/config:\d+$/,
    },
    ssh: WORKS,
  },
  {
    what: '%r has no quotes',
    breakIt(home, peers) {
      block(
        home,
        peers,
        `Match originalhost x\n  HostName 127.0.0.1\n  User CORP\\bob\n${FDPASS_BLOCK.replace("'%r'", '%r')}`,
      );
      configure(home, 'rules:\n  - { user: CORPbob, use: "socks5://127.0.0.1:1" }\n');
      return { host: 'x' };
    },
    finds: {
      check: 'ssh_config',
      severity: 'warning',
      what: /%r has no quotes, so the shell takes characters such as a backslash out of it$/,
      fix: /^write '%r', with the quotes$/,
    },
    ssh: both(/rule 1 .*connection refused/, LOST), // the backslash is gone
  },
  {
    what: 'rules ask for the user, and fdpass is not told',
    breakIt(home, peers) {
      block(home, peers, FDPASS_BLOCK.replace("--user '%r' ", ''));
      configure(home, `rules:\n  - { user: ${peers.sshd.user}, use: direct }\n  - { use: "socks5://127.0.0.1:1" }\n`);
    },
    finds: {
      check: 'ssh_config',
      severity: 'warning',
      what: /fdpass is not told the user, and there are rules with "user", which never match$/,
      fix: /^add --user '%r' to the ProxyCommand$/,
    },
    ssh: both(/rule 2 .*connection refused/, LOST),
  },
  {
    what: '%p is missing',
    breakIt: (home, peers) => block(home, peers, FDPASS_BLOCK.replace(' %p', '')),
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /fdpass will refuse its arguments: %h or %p is missing$/,
      fix: /^write: ProxyCommand fdpass --user '%r' --alias '%n' %h %p$/,
    },
    ssh: both(/fdpass: \[usage\] the port is missing/, LOST),
  },
  {
    what: 'an option is misspelt',
    breakIt: (home, peers) => block(home, peers, FDPASS_BLOCK.replace('--alias', '--alais')),
    finds: {
      check: 'ssh_config',
      severity: 'error',
      what: /fdpass will refuse its arguments: unknown option "--alais"/,
      fix: /ProxyCommand fdpass/,
    },
    ssh: both(/fdpass: \[usage\] unknown option "--alais"; did you mean "--alias"\?/, LOST),
  },
  {
    what: 'ControlPersist hides what fdpass says',
    breakIt(home, peers) {
      const persist = `Host *\n  ControlMaster auto\n  ControlPath ${home.path}/%C\n  ControlPersist 5m\n`;
      block(home, peers, `${persist}${FDPASS_BLOCK}`);
      configure(home, 'rules:\n  - { use: "socks5://127.0.0.1:1" }\n');
    },
    finds: {
      check: 'ssh_config',
      severity: 'note',
      what: /^~\/\.ssh\/config:\d+: with ControlPersist ssh hides what fdpass says/,
      fix: /"fdpass last-error"/,
    },
    ssh: new RegExp(`^${LOST.source}`), // and nothing before it
  },
  {
    what: 'ssh does not know a keyword',
    breakIt: (home, peers) => block(home, peers, `${FDPASS_BLOCK}  ProxyUseFdPas yes\n`),
    finds: {
      check: 'ssh',
      severity: 'error',
      what: /^ssh refuses its own settings: .*config: line \d+: Bad configuration option: proxyusefdpas$/,
      fix: /^correct that file/,
    },
    ssh: /line \d+: Bad configuration option: proxyusefdpas/,
  },
  {
    what: 'others can write a file of ssh',
    breakIt(home, peers) {
      const file = home.write('.ssh/team', 'Host x\n', 0o666);
      block(home, peers, `Include ${file}\n${FDPASS_BLOCK}`);
    },
    finds: {
      check: 'ssh',
      severity: 'error',
      what: /Bad owner or permissions on .*\/\.ssh\/team$/,
      fix: /chmod go-w .*\/\.ssh\/team$/,
    },
    ssh: /Bad owner or permissions on .*\/\.ssh\/team/,
  },
  // The shell and the environment.
  {
    what: 'SHELL is empty',
    breakIt: () => ({ env: { SHELL: '' } }),
    finds: {
      check: 'shell',
      severity: 'error',
      what: /^SHELL is empty, so ssh cannot start/,
      fix: /^set SHELL to \/bin\/sh/,
    },
    ssh: both(/No such file or directory/, LOST),
  },
  {
    what: 'SHELL is not a shell',
    breakIt: () => ({ env: { SHELL: '/bin/false' } }),
    finds: {
      check: 'shell',
      severity: 'error',
      what: /^SHELL is \/bin\/false, which cannot run a ProxyCommand: it ended with status 1$/,
      fix: /^set SHELL to \/bin\/sh/,
    },
    ssh: LOST,
  },
  {
    what: 'the shell greets',
    breakIt: (home) => ({
      env: { SHELL: home.write('bin/greeter', '#!/bin/sh\necho hello\nexec /bin/sh "$@"\n', 0o755) },
    }),
    finds: {
      check: 'shell',
      severity: 'error',
      what: /greeter prints something before it runs a command/,
      fix: /only in interactive shells$/,
    },
    ssh: /mm_receive_fd: no message header/,
  },
  {
    what: 'fdpass is only in the PATH of the user',
    breakIt(home, peers) {
      symlinkSync(FDPASS_BIN, join(home.path, 'bin/fdpass'));
      block(home, peers, FDPASS_BLOCK.replace(/'[^']*'/, 'fdpass'));
    },
    finds: {
      check: 'command',
      severity: 'warning',
      what: /an ssh that your shell has not started .* cannot run fdpass: .*not found$/,
      fix: /^write the path of fdpass: .*\/bin\/fdpass$/,
    },
    ssh: WORKS,
  },
  {
    what: 'node is not in PATH',
    breakIt(home, peers) {
      block(home, peers, FDPASS_BLOCK.replace(/'[^']*'/, install(home, false)));
      return { env: { PATH: join(home.path, 'bin') } };
    },
    finds: {
      check: 'command',
      severity: 'error',
      what: /ssh cannot run fdpass: fdpass: .*node is not in PATH/,
      fix: /^write: env PATH="\/folder\/of\/node:\$PATH" .*\/installed\/bin\/fdpass$/,
    },
    ssh: both(/node is not in PATH/, LOST),
  },
  {
    what: 'koffi is not installed',
    breakIt(home, peers) {
      const launcher = install(home, true);
      block(home, peers, FDPASS_BLOCK.replace(/'[^']*'/, launcher));
      return { fdpass: launcher };
    },
    finds: {
      check: 'kernel',
      severity: 'error',
      what: /^descriptors cannot be passed: cannot load koffi/,
      fix: /^check that it is installed for this platform/,
    },
    ssh: both(/fdpass: \[internal\] .*koffi/, LOST),
  },
  {
    what: 'node is run without the launcher',
    breakIt(home, peers) {
      block(home, peers, FDPASS_BLOCK.replace(/('[^']*')/, `'${process.execPath}' $1`));
      return { env: { NODE_OPTIONS: '--no-warnings' } };
    },
    finds: {
      check: 'node',
      severity: 'warning',
      what: /^NODE_OPTIONS is set, and this fdpass was started by "node FILE"/,
      fix: /^start the launcher itself/,
    },
    ssh: WORKS,
  },
  {
    what: 'a variable of fdpass is wrong',
    breakIt: () => ({ env: { FDPASS_LOG: 'fdpass.log' } }),
    finds: {
      check: 'environment',
      severity: 'error',
      what: /^no connection is possible: FDPASS_LOG is not an absolute path$/,
      fix: /^write FDPASS_LOG=\/path\/of\/the\/file$/,
    },
    ssh: both(/fdpass: \[usage\] FDPASS_LOG is not an absolute path/, LOST),
  },
  {
    what: 'the variable of the proxy is wrong',
    breakIt(home) {
      configure(home, 'rules:\n  - use: env\n');
      return { env: { ALL_PROXY: 'nonsense://me:s3cret@127.0.0.1' } };
    },
    finds: { check: 'environment', severity: 'error', what: /^ALL_PROXY: unknown URL scheme$/, fix: /^use one of: / },
    ssh: both(/the variable ALL_PROXY: unknown URL scheme/, LOST),
  },
  {
    what: 'NO_PROXY has a pattern with a star',
    breakIt(home) {
      configure(home, 'rules:\n  - use: env\n');
      return { env: { ALL_PROXY: 'socks5://127.0.0.1:1', NO_PROXY: '127.*' } };
    },
    finds: {
      check: 'environment',
      severity: 'warning',
      what: /^NO_PROXY has the entry 127\.\*, which matches nothing$/,
      fix: /without a star$/,
    },
    ssh: both(/ALL_PROXY .*connection refused/, LOST),
  },
  // The configuration.
  {
    what: 'the configuration has a mistake',
    breakIt: (home) => configure(home, 'rules:\n  - { host: "*.example", us: direct }\n'),
    finds: {
      check: 'config',
      severity: 'error',
      what: /^~\/\.config\/fdpass\/config\.yaml:2:26: a rule has no "us"$/,
      fix: /did you mean "use"/,
    },
    ssh: both(/fdpass: \[config\] .*config\.yaml:2:\d+: /, LOST),
  },
  {
    what: 'others can write the configuration',
    breakIt: (home) => configure(home, 'rules: []\n', 0o666),
    finds: { check: 'config', severity: 'error', what: /config\.yaml can be written by /, fix: /^run: chmod go-w / },
    ssh: both(/fdpass: \[config\] .*can be written by .*chmod go-w/, LOST),
  },
  {
    what: 'the configuration has the wrong name',
    breakIt: (home) => void home.write('.config/fdpass/config.toml', '[[rules]]\n'),
    finds: {
      check: 'config',
      severity: 'warning',
      what: /^~\/\.config\/fdpass\/config\.toml is not read, and there is no configuration$/,
      fix: /name it ~\/\.config\/fdpass\/config\.yaml$/,
    },
    ssh: WORKS,
  },
  {
    what: 'a rule never matches',
    breakIt: (home) =>
      configure(home, 'rules:\n  - use: direct\n  - { host: 127.0.0.1, use: "socks5://127.0.0.1:1" }\n'),
    finds: { check: 'config', severity: 'warning', what: /this rule matches every host/, fix: /^move it to the end$/ },
    ssh: WORKS,
  },
  {
    what: 'a plugin is not there',
    breakIt: (home) => configure(home, 'plugins: [./gateway.mjs]\nrules: []\n'),
    finds: {
      check: 'plugins',
      severity: 'error',
      what: /config\.yaml:1:\d+: the plugin "\.\/gateway\.mjs": it is neither a file nor a package/,
      fix: /^install it there/,
    },
    ssh: both(/fdpass: \[config\] .*gateway\.mjs/, LOST),
  },
  {
    what: 'a plugin is made for another version',
    breakIt(home) {
      home.write('.config/fdpass/gateway.mjs', 'export default { name: "gate", apiVersion: 99, create() {} };\n');
      configure(home, 'plugins: [./gateway.mjs]\nrules: []\n');
    },
    finds: {
      check: 'plugins',
      severity: 'error',
      what: /made for version 99 of the plugin interface/,
      fix: /^update fdpass$/,
    },
    ssh: both(/fdpass: \[config\] .*made for version 99/, LOST),
  },
  // Proxies, passwords and the agent.
  {
    what: 'the proxy does not run',
    breakIt: (home, { closed }) =>
      configure(home, `hops: { corp: "socks5h://127.0.0.1:${closed}" }\nrules: [{ use: corp }]\n`),
    finds: {
      check: 'proxies',
      severity: 'error',
      what: /^corp \(socks5h:\/\/127\.0\.0\.1:\d+\): .*connection refused$/,
      fix: /^check that it is running, and the port$/,
    },
    ssh: both(/fdpass: \[unreachable\] .*corp .*connection refused/, LOST),
  },
  {
    what: 'what listens is not a proxy',
    breakIt: (home, { chatty }) => configure(home, `rules: [{ use: "http://127.0.0.1:${chatty.port}" }]\n`),
    finds: { check: 'proxies', severity: 'error', what: /does not speak HTTP/, fix: /./ },
    ssh: both(/fdpass: \[protocol\] .*does not speak HTTP/, LOST),
  },
  {
    what: 'the password is wrong',
    breakIt(home, { guarded }) {
      home.write('.config/fdpass/password', 'wrong\n');
      configure(
        home,
        `hops: { corp: { strategy: http-connect, url: "http://127.0.0.1:${guarded.port}", credentials: { username: me, passwordFile: password } } }\nrules: [{ use: corp }]\n`,
      );
    },
    finds: { check: 'proxies', severity: 'error', what: /^corp .*user name/, fix: /./ },
    ssh: both(/fdpass: \[permission\] .*corp .*user name/, LOST),
  },
  {
    what: 'others can read a password',
    breakIt(home, { guarded }) {
      home.write('.config/fdpass/password', 'right\n', 0o644);
      configure(
        home,
        `hops: { corp: { strategy: http-connect, url: "http://127.0.0.1:${guarded.port}", credentials: { username: me, passwordFile: password } } }\nrules: [{ use: corp }]\n`,
      );
    },
    finds: {
      check: 'credentials',
      severity: 'error',
      what: /^corp .*password holds a secret and is open to /,
      fix: /^run: chmod go= /,
    },
    ssh: both(/fdpass: \[config\] .*holds a secret and is open to .*chmod go=/, LOST),
  },
  {
    what: 'the program of the password fails',
    breakIt(home, { guarded }) {
      configure(
        home,
        `hops: { corp: { strategy: http-connect, url: "http://127.0.0.1:${guarded.port}", credentials: { username: me, passwordCommand: ["false"] } } }\nrules: [{ use: corp }]\n`,
      );
    },
    finds: {
      check: 'credentials',
      severity: 'error',
      what: /^corp .*the password command ended with status 1$/,
      fix: /./,
    },
    ssh: both(/fdpass: \[permission\] .*the password command ended with status 1/, LOST),
  },
  {
    what: 'netrc has no entry for the proxy',
    breakIt(home, { guarded }) {
      home.write('.netrc', 'machine other.example login me password right\n');
      configure(
        home,
        `hops: { corp: { strategy: http-connect, url: "http://127.0.0.1:${guarded.port}", credentials: { netrc: true } } }\nrules: [{ use: corp }]\n`,
      );
    },
    finds: {
      check: 'credentials',
      severity: 'error',
      what: /^corp .*\.netrc has no entry for 127\.0\.0\.1$/,
      fix: /./,
    },
    ssh: both(/fdpass: \[config\] .*\.netrc has no entry for 127\.0\.0\.1/, LOST),
  },
  {
    what: 'the agent has ended and its socket is still there',
    async breakIt(home) {
      home.write('.run/fdpass/x', '');
      const socket = join(home.path, '.run/fdpass/agent.sock');
      // A server that closes removes its socket; a link to it stays.
      const server = await new Promise<Server>((resolve) => {
        const made = createServer().listen(`${socket}.bound`, () => resolve(made));
      });
      linkSync(`${socket}.bound`, socket);
      await new Promise((resolve) => server.close(resolve));
      return { env: { FDPASS_AGENT: undefined } };
    },
    finds: {
      check: 'agent',
      severity: 'warning',
      what: /^~\/\.run\/fdpass\/agent\.sock is of an agent that has ended/,
      fix: /^run "fdpass agent start", or remove the socket$/,
    },
    ssh: WORKS,
  },
  // With a host.
  {
    what: 'the server does not listen on that port',
    breakIt(home, peers) {
      block(home, peers, `Host one\n  HostName 127.0.0.1\n  Port ${peers.closed}\n${FDPASS_BLOCK}`);
      return { args: ['one'], host: 'one' };
    },
    finds: {
      check: 'host',
      severity: 'error',
      what: /^ssh cannot connect: .*connection refused/,
      fix: /check that it is running, and the port/,
    },
    ssh: both(/fdpass: \[unreachable\] .*connection refused/, LOST),
  },
];
