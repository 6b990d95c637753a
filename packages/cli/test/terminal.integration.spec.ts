import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  expectNoneLeft,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  type Sshd,
  startSshd,
  temporaryFolder,
} from '@fdpass/test-lab';
import { refusedPort } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

/** Questions on the controlling terminal, which script(1) provides. */
describe('a question on the terminal', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const command = `'${process.execPath}' '${FDPASS_BIN}'`;
  const env: NodeJS.ProcessEnv = {
    ...NO_CONFIG,
    ...mark,
    SHELL: '/bin/sh',
    SSH_ASKPASS: undefined,
    SSH_ASKPASS_REQUIRE: undefined,
    DISPLAY: undefined,
    WAYLAND_DISPLAY: undefined,
  };

  before(function () {
    requirePeers(this, 'script', 'stty');
  });
  after(() => folder.remove());
  afterEach(() => expectNoneLeft(() => markedProcesses(marker)));

  /** Runs a shell script on a terminal of its own and returns what appears there; `input` is typed as `question` appears. */
  async function onTerminal(
    script: string,
    { question, input = '', more = {} }: { question?: RegExp; input?: string; more?: NodeJS.ProcessEnv } = {},
  ): Promise<string> {
    // An end of the input would be typed too, as Control-D.
    const child = spawn('script', ['-qec', script, '/dev/null'], { env: { ...process.env, ...env, ...more } });
    let said = '';
    let isAnswered = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (isAnswered || question?.test(said) !== true) return;
      isAnswered = true;
      child.stdin.write(input);
    });
    await once(child, 'close');
    child.stdin.destroy();
    return said;
  }

  describe('for a password', () => {
    /** Waits for the question, which switches the echo off. */
    const ASKED = "until stty </dev/tty | grep -q -- '-echo\\b'; do :; done";
    const STATE =
      "stty -a </dev/tty | tr ' ' '\\n' | grep -E '^-?(echo|icanon|isig);?$' | sort | tr -d ';' | tr '\\n' ' '";
    let ask: string;

    before(() => {
      const config = join(folder.path, 'ask.json');
      const credentials = { username: 'me', ask: true };
      const use = { strategy: 'http-connect', url: 'http://127.0.0.1:1', auth: 'basic', credentials };
      writeFileSync(config, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
      ask = `${command} --stdio --config '${config}' host.example 22 </dev/null >'${join(folder.path, 'out')}' 2>&1`;
    });

    const SIGNALS = 'TERM HUP INT QUIT ABRT ALRM VTALRM PROF USR2 XCPU XFSZ IO PWR SYS';
    it(`leaves it as it was when a signal ends us: ${SIGNALS}`, async () => {
      const script = `for signal in ${SIGNALS}; do
  ${ask} & ${ASKED}; kill -$signal $!; wait $!
  echo "$signal $(kill -l $?) $(${STATE})"
done`;
      const stdout = await onTerminal(script);
      const ends = stdout.split(/\r?\n/).filter((line) => /^[A-Z0-9]+ [A-Z0-9]+ /.test(line));
      expect(ends.map((line) => line.trim())).to.deep.equal(
        SIGNALS.split(' ').map((signal) => `${signal} ${signal} echo icanon isig`),
      );
    });

    it('gives it back while we are stopped, and asks again afterwards', async () => {
      const script = `${ask} & ${ASKED}; kill -TSTP $!
until grep -q '^State:.T' /proc/$!/status; do :; done
echo "stopped $(${STATE})"
kill -CONT $!; ${ASKED}; kill -TERM $!; wait $!
echo "ended $(kill -l $?) $(${STATE})"`;
      const stdout = await onTerminal(script);
      expect(stdout)
        .to.match(/stopped echo icanon isig/)
        .and.match(/ended TERM echo icanon isig/);
      expect(stdout.match(/Proxy password for me@127\.0\.0\.1:1: /g)).to.have.length(2);
    });
  });

  describe('of a program that does something for the dial', () => {
    const QUESTION = 'printf "tunnel password: " >/dev/tty && read -r answer </dev/tty && echo "got $answer"; exit 3';
    const program = (terminal: boolean) => ({ command: ['sh', '-c', QUESTION], terminal });
    const RULES: Readonly<Record<string, (terminal: boolean, port: number) => object>> = {
      before: (terminal) => ({ use: 'direct', before: program(terminal) }),
      wake: (terminal, port) => ({ use: [{ strategy: 'direct', port }, { wake: program(terminal) }] }),
    };
    for (const [name, rule] of Object.entries(RULES)) {
      for (const terminal of [true, false]) {
        it(`${terminal ? 'is' : 'is not'} asked for ${name} with "terminal: ${terminal}"`, async () => {
          const config = join(folder.path, `${name}.json`);
          writeFileSync(config, JSON.stringify({ rules: [rule(terminal, await refusedPort())] }), { mode: 0o600 });
          const said = await onTerminal(`${command} --stdio --config '${config}' 127.0.0.1 1 </dev/null | cat`, {
            question: /tunnel password: /,
            input: 'opensesame\n',
          });
          const words = terminal ? /tunnel password: [\s\S]*^got opensesame\r$/m : /^sh: .*\/dev\/tty/m;
          expect(said)
            .to.match(words)
            .and.match(new RegExp(`${name}: "sh" ended with status 3: `));
        });
      }
    }
  });

  describe('of the ssh to a jump host', () => {
    let sshd: Sshd;
    let path: string;
    before(async function () {
      requirePeers(this, 'ssh', 'sshd');
      sshd = await startSshd();
      const options = { BatchMode: 'no', StrictHostKeyChecking: 'ask', UserKnownHostsFile: join(folder.path, 'hosts') };
      const words = sshd.options(options).map((word) => `'${word}'`);
      writeFileSync(join(folder.path, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${words.join(' ')} "$@"\n`);
      chmodSync(join(folder.path, 'ssh'), 0o755);
      path = `${folder.path}:${process.env['PATH']}`;
    });
    after(() => sshd?.close());
    const via = (query: string): string[] => [
      '--via',
      `jump://${sshd.user}@127.0.0.1:${sshd.port}${query}`,
      '127.0.0.1',
      String(sshd.port),
    ];

    it('cannot be asked without one, and the error says how it can', async () => {
      const { status, stderr } = await fdpass(['--stdio', ...via('')], { env: { ...env, PATH: path } });
      expect(status).to.equal(77);
      expect(stderr.trim().split('\n').at(-1)).to.match(
        /: "ssh" ended with status 255 .*Host key verification failed.*; set "terminal: true" .*"\?terminal=true" in a URL\) if ssh has to ask /,
      );
    });

    it('is asked there with ?terminal=true, and the session goes on', async () => {
      const words = ['--stdio', '-w', '20', ...via('?terminal=true')].map((word) => `'${word}'`).join(' ');
      const said = await onTerminal(`${command} ${words} </dev/null | head -c 8`, {
        question: /continue connecting \(yes\/no/,
        input: 'yes\n',
        more: { PATH: path },
      });
      expect(said).to.match(/SSH-2\.0-$/);
    });
  });
});
