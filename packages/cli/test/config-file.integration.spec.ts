import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Finished, requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, NO_CONFIG } from './commands.spec.helper.js';

describe('fdpass config', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  /** A home folder with this configuration, if any. */
  function home(name: string, text?: string, mode = 0o600): { folder: string; file: string; env: NodeJS.ProcessEnv } {
    const path = join(folder.path, name, 'fdpass');
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const file = join(path, 'config.yaml');
    if (text !== undefined) writeFileSync(file, text);
    if (text !== undefined) chmodSync(file, mode);
    return { folder: path, file, env: { ...NO_CONFIG, XDG_CONFIG_HOME: join(folder.path, name), VISUAL: '' } };
  }

  const read = (path: string): string => readFileSync(path, 'utf8');
  const write = (text: string): string => `printf '${text}' >`;

  it('path tells where it is, or would be', async () => {
    const at = home('path');
    const missing = await fdpass(['config', 'path'], { env: at.env });
    expect([missing.status, missing.stdout]).to.deep.equal([0, `${at.file}\n`]);
    expect(missing.stderr).to.contain('there is no configuration yet');
    writeFileSync(at.file, 'rules: []\n');
    expect((await fdpass(['config', 'path'], { env: at.env })).stderr).to.equal('');
    const other = await fdpass(['config', 'path', '-c', '/etc/hosts'], { env: at.env });
    expect(other.stdout).to.equal('/etc/hosts\n');
    expect((await fdpass(['config', 'paht'], { env: at.env })).status).to.equal(64);
  });

  /** Edits with a shell command that gets the file's name appended. */
  const edit = (at: { env: NodeJS.ProcessEnv }, editor: string): Promise<Finished> =>
    fdpass(['config', 'edit'], { env: { ...at.env, EDITOR: editor } });

  it('edit replaces a configuration by a right one, in one step, with its mode, also behind a link', async () => {
    const at = home('right');
    const real = join(at.folder, 'dotfile.yaml');
    writeFileSync(real, 'rules: []\n');
    chmodSync(real, 0o644);
    symlinkSync(real, at.file);
    const { status, stdout } = await edit(at, write('rules:\\n  - use: direct\\n'));
    expect([status, stdout]).to.deep.equal([0, `${at.file} was changed\n`]);
    expect([read(real), statSync(real).mode & 0o777]).to.deep.equal(['rules:\n  - use: direct\n', 0o644]);
    expect(readdirSync(at.folder).sort()).to.deep.equal(['config.yaml', 'dotfile.yaml']);
  });

  it('edit begins a new one, and takes VISUAL before EDITOR', async () => {
    const at = home('new');
    const { stdout } = await fdpass(['config', 'edit'], {
      env: { ...at.env, EDITOR: 'false', VISUAL: 'sed -i s/happy-eyeballs/direct/' },
    });
    expect(stdout).to.equal(`${at.file} was changed\n`);
    expect(read(at.file)).to.contain('use: direct');
    expect(statSync(at.file).mode & 0o777).to.equal(0o600);
  });

  const keeping: readonly (readonly [what: string, editor: string, status: number, said: RegExp])[] = [
    [
      'an error',
      write('rules:\\n  - use: nonsense\\n'),
      78,
      /config\.yaml:2:\d+: error: .*was not changed: the new text has errors; find your text in .*rejected\.yaml/s,
    ],
    ['no change', 'true', 0, /^$/],
    ['an editor that fails', 'false', 78, /the editor failed, so nothing was changed/],
    [
      'a change by somebody else',
      'echo "# theirs" >>"$FILE"; echo "# mine" >>',
      78,
      /somebody else has changed it meanwhile/,
    ],
  ];
  for (const [index, [what, editor, status, said]] of keeping.entries()) {
    it(`edit keeps the old one at ${what}`, async () => {
      const at = home(`keep${index}`, 'rules: []\n');
      at.env['FILE'] = at.file;
      const ended = await edit(at, editor);
      expect(ended.status).to.equal(status);
      expect(ended.stderr).to.match(said);
      expect(read(at.file)).to.match(/^rules: \[\]\n(# theirs\n)?$/);
      expect(readdirSync(at.folder).filter((name) => name.startsWith('.edit'))).to.deep.equal([]);
    });
  }

  it('edit offers to go on, on a terminal', async function () {
    requirePeers(this, 'script');
    const at = home('again', 'rules: []\n');
    const flag = join(at.folder, 'second');
    const editor = `f() { if [ -e ${flag} ]; then echo "rules: [{ use: direct }]" >"$1"; else touch ${flag}; echo nonsense >"$1"; fi; }; f`;
    await run('script', ['-qec', `'${process.execPath}' '${FDPASS_BIN}' config edit`, '/dev/null'], {
      env: { ...at.env, EDITOR: editor },
      input: 'y\n',
    });
    expect(read(at.file)).to.equal('rules: [{ use: direct }]\n');
  });

  describe('credentials', () => {
    let proxy: ScriptedServer;
    before(async () => {
      proxy = await startScriptedServer(async (line) => {
        const request = await line.takeThrough('\r\n\r\n');
        const right = request.includes(Buffer.from('me:right').toString('base64'));
        await line.send(
          right ? 'HTTP/1.1 403 Forbidden\r\n\r\n' : 'HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n',
        );
        line.end();
      });
    });
    after(() => proxy.close());

    /** Sets those of a hop; the answers are what a program in place of the terminal gives. */
    async function set(
      name: string,
      answers: readonly string[],
      ...more: readonly string[]
    ): Promise<Finished & { file: string }> {
      const at = home(name, `hops: { corp: "http://127.0.0.1:${proxy.port}", direct-hop: direct }\n`);
      const asked = join(at.folder, 'asked');
      const ask = join(at.folder, 'ask');
      const script = answers.map((answer, index) => `  ${index}) echo '${answer}';;\n`).join('');
      writeFileSync(
        ask,
        `#!/bin/sh\nn=$(cat '${asked}' 2>/dev/null | wc -l)\necho "$1" >>'${asked}'\ncase $n in\n${script}esac\n`,
      );
      chmodSync(ask, 0o700);
      const env = { ...at.env, SSH_ASKPASS: ask, SSH_ASKPASS_REQUIRE: 'force' };
      const ended = await fdpass(['credentials', 'set', 'corp', ...more], { env });
      return { ...ended, file: join(at.folder, 'corp.password') };
    }

    it('are tried and kept in a file that nobody else can read', async () => {
      const { status, stdout, stderr, file } = await set('kept', ['right', 'right'], '--user', 'me');
      expect(status).to.equal(0);
      expect(stderr).to.match(/the proxy has not refused the password, and not connected either: .*403/);
      expect([read(file), statSync(file).mode & 0o777]).to.deep.equal(['right\n', 0o600]);
      expect(stdout).to.contain(
        `  corp: { strategy: http-connect, url: "http://127.0.0.1:${proxy.port}", credentials: { username: me, passwordFile: "corp.password" } }\n`,
      );
      expect(stdout + stderr).to.not.contain('right');
    });

    const refused: readonly (readonly [
      what: string,
      answers: readonly string[],
      more: readonly string[],
      status: number,
      said: RegExp,
    ])[] = [
      ['the proxy refuses', ['wrong', 'wrong'], ['--user', 'me'], 77, /refused the user name or the password/],
      [
        'differ the second time',
        ['right', 'rihgt'],
        ['--user', 'me'],
        64,
        /the two passwords differ, so nothing was changed/,
      ],
      ['are empty', ['', ''], ['--user', 'me'], 64, /the password is empty/],
      ['have no user name', [], [], 64, /the hop corp has no user name; give one with --user/],
    ];
    for (const [what, answers, more, status, said] of refused) {
      it(`that ${what} change nothing`, async () => {
        const ended = await set(what.replaceAll(' ', '-'), answers, ...more);
        expect([ended.status, existsSync(ended.file), existsSync(`${ended.file}.new`)]).to.deep.equal([
          status,
          false,
          false,
        ]);
        expect(ended.stderr).to.match(said);
      });
    }

    it('need a hop that has a proxy', async () => {
      const at = home('hops', 'hops: { corp: "http://p:1", direct-hop: direct }\n');
      const said = async (name: string): Promise<string> =>
        (await fdpass(['credentials', 'set', name], { env: at.env })).stderr;
      expect(await said('crop')).to.contain(
        'there is no hop of that name; the configuration names corp, direct-hop; did you mean "corp"?',
      );
      expect(await said('direct-hop')).to.match(/config\.yaml:1:\d+: the hop direct-hop has no URL of a proxy/);
    });
  });
});
