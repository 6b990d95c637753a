import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openScreen, requirePeers, run, type Screen, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

/** Completions in the real shells. */
describe('fdpass completion', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, '.config');
  const trap = join(folder.path, 'trap');
  const env: NodeJS.ProcessEnv = {
    ...NO_CONFIG,
    HOME: folder.path,
    XDG_CONFIG_HOME: config,
    XDG_DATA_HOME: join(folder.path, 'data'),
    PATH: `${join(folder.path, 'bin')}:${process.env['PATH']}`,
  };
  before(() => {
    for (const path of ['bin', '.ssh/conf.d', '.config/fdpass'])
      mkdirSync(join(folder.path, path), { recursive: true, mode: 0o700 });
    symlinkSync(FDPASS_BIN, join(folder.path, 'bin/fdpass'));
    writeFileSync(join(config, 'fdpass/config.yaml'), 'hops: { corp: "http://p:1" }\nrules: [{ use: corp }]\n');
    writeFileSync(join(folder.path, '.ssh/config'), 'Include conf.d/*\nHost nas *.wild !not\n');
    writeFileSync(join(folder.path, '.ssh/conf.d/work'), 'host=workbox\n');
    const known = [
      'known.example,192.0.2.1 ssh-ed25519 A',
      '[ported.example]:2222 ssh-ed25519 A',
      '@cert-authority authority.example ssh-ed25519 A',
      '|1|hash|ed= ssh-ed25519 A',
      `$(touch$IFS${trap}) ssh-ed25519 A`,
      `\`touch$IFS${trap}\` ssh-ed25519 A`,
      '-option ssh-ed25519 A',
    ];
    writeFileSync(join(folder.path, '.ssh/known_hosts'), `${known.join('\n')}\n`);
  });
  after(() => {
    expect(existsSync(trap)).to.equal(false);
    folder.remove();
  });

  it('lists hosts of ssh_config and known_hosts, and nothing that a shell could take for more', async () => {
    const { stdout } = await fdpass(['completion', 'hosts'], { env });
    expect(stdout.trim().split('\n')).to.include.members([
      'nas',
      'workbox',
      'known.example',
      '192.0.2.1',
      'ported.example',
      'authority.example',
    ]);
    expect(stdout).to.not.match(/[$`|*!]|^-/m);
  });

  it('lists hops and strategies, also with a configuration that is wrong', async () => {
    const hops = async (more: NodeJS.ProcessEnv = {}): Promise<string[]> =>
      (await fdpass(['completion', 'hops'], { env: { ...env, ...more } })).stdout.split('\n');
    expect(await hops()).to.include.members(['corp', 'http-connect', 'jump']);
    writeFileSync(join(folder.path, 'wrong.yaml'), 'nonsense');
    expect(await hops({ FDPASS_CONFIG: join(folder.path, 'wrong.yaml') }))
      .to.include('jump')
      .and.not.include('corp');
  });

  it('names the shells', async () => {
    const { status, stderr } = await fdpass(['completion', 'bsah'], { env });
    expect([status, stderr]).to.deep.equal([
      64,
      'fdpass: [usage] completion takes bash, zsh or fish, not "bsah"; did you mean "bash"?\n',
    ]);
  });

  /** What has been typed, and what must be among the candidates, or must not. */
  const typed: readonly (readonly [line: string, among: readonly string[], not: readonly string[]])[] = [
    ['fdpass exp', ['explain'], ['check']],
    ['fdpass ', ['explain', 'connect', 'nas', 'known.example'], ['corp', 'path']],
    ['fdpass na', ['nas'], ['explain']],
    ['fdpass explain ', ['nas', 'workbox'], ['check', 'corp']],
    ['fdpass explain nas ', [], ['nas', 'check']],
    ['fdpass explain --', ['--json', '--via'], ['--stdio']],
    ['fdpass --', ['--stdio', '--via', '--help'], ['--svg']],
    ['fdpass --via ', ['corp', 'jump'], ['nas', 'explain']],
    ['fdpass --via socks5://p:1 wor', ['workbox'], []],
    ['fdpass --user ', [], ['nas', 'explain']],
    ['fdpass strategies http', ['http-connect'], ['corp']],
    ['fdpass config ', ['path', 'edit'], ['nas']],
    ['fdpass credentials ', ['set'], ['corp']],
    ['fdpass credentials set ', ['corp'], ['set']],
    ['fdpass agent st', ['start', 'stop', 'status'], ['run']],
    ['fdpass help ', ['explain', 'agent'], ['nas']],
  ];

  function expectCandidates(candidates: readonly string[], among: readonly string[], not: readonly string[]): void {
    expect(candidates).to.include.members([...among]);
    for (const word of not) expect(candidates).to.not.include(word);
  }

  for (const [line, among, not] of typed) {
    it(`in bash: ${line}`, async function () {
      const { bash = '' } = requirePeers(this, 'bash');
      const script = `source <(fdpass completion bash); COMP_LINE=$1; COMP_POINT=\${#1}; _fdpass fdpass; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = await run(bash, ['-c', script, 'bash', line], { env });
      expect(stderr).to.equal('');
      expectCandidates(stdout.split('\n'), among, not);
    });

    it(`in fish: ${line}`, async function () {
      const { fish = '' } = requirePeers(this, 'fish');
      const script = 'fdpass completion fish | source; complete -C $argv[1]';
      const { stdout, stderr } = await run(fish, ['--no-config', '-c', script, line], { env });
      expect(stderr).to.equal('');
      expectCandidates(
        stdout.split('\n').map((each) => each.split('\t')[0] ?? ''),
        among,
        not,
      );
    });
  }

  describe('on a terminal', () => {
    /** Control-U takes back what has been typed. */
    const NEW_LINE = '\u0015';
    let screen: Screen;
    beforeEach(async function () {
      requirePeers(this, 'tmux');
      screen = await openScreen({ columns: 120, rows: 40 }, env);
    });
    afterEach(() => screen?.close());

    const shells: readonly (readonly [shell: string, start: string, prepare: string])[] = [
      ['bash', "PS1='> ' bash --norc --noprofile -i", 'source <(fdpass completion bash)'],
      [
        'zsh',
        "PS1='> ' zsh -f -i",
        'autoload -Uz compinit; compinit -u -d "$HOME/dump"; source <(fdpass completion zsh)',
      ],
    ];
    for (const [shell, start, prepare] of shells) {
      it(`in ${shell}: a command, its options, hosts, hops and strategies`, async function () {
        requirePeers(this, shell);
        await screen.type(start);
        await screen.until(/^> $|^>$/m);
        await screen.type(`${prepare}; clear; echo ready`);
        await screen.until(/^ready\n>$/m); // what is typed before the prompt is echoed twice
        for (const [keys, completed] of [
          ['fdpass exp\t', 'fdpass explain'],
          ['workb\t', 'fdpass explain workbox'],
          ['--js\t', 'fdpass explain workbox --json'],
          [`${NEW_LINE}fdpass --via cor\t`, 'fdpass --via corp'],
          [`${NEW_LINE}fdpass strategies http\t`, 'fdpass strategies http-connect'],
        ] as const) {
          await screen.press(keys);
          await screen.until(new RegExp(`^> ${completed}\\b`, 'm'));
        }
      });
    }
  });
});
