import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { agentSocket } from '@fdpass/agent';
import { type Finished, requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN } from './commands.spec.helper.js';
import { manifestIn, ROOT } from './packed.spec.helper.js';

const SHELLS: Readonly<Record<string, readonly string[]>> = { dash: [], bash: [], busybox: ['sh'] };
const ARGUMENTS = ['a b', '', '*', '$(id)', '`id`', "it's", '"', '\\', '-v', 'line\nline', '~', '--'];

/** What starts the commands before Node does: which Node, and in which environment. */
describe('the launcher of the commands', () => {
  it('assigns to no variable that the user could have exported', () => {
    const [script = ''] = readFileSync(FDPASS_BIN, 'utf8').split('\nexit 78\n');
    const code = script.replaceAll(/^\s*#.*$/gm, '');
    const assigned = [...code.matchAll(/(?:^|[\s(])(?<!-o )(?:(\w+)=|for (\w+)(?: in|;))/gm)].map(
      ([, by, loop]) => by ?? loop ?? '',
    );
    const others = new Set(assigned.filter((name) => !name.startsWith('fdpass_')));
    expect(assigned.length).to.be.above(10);
    expect([...others].sort()).to.deep.equal(['FDPASS_LEFT_TO', 'IFS', 'NODE_OPTIONS', 'PATH']);
  });

  const folder = temporaryFolder();
  const at = (path: string): string => join(folder.path, path);
  const command = at('installed/bin/fdpass.cjs');
  const link = at('links/fdpass');

  before(() => {
    const folders = [
      'clone/node_modules/otel',
      'installed/bin',
      'installed/bundle',
      'links',
      'beside',
      'with-node',
      'odd * [n]ame',
      'folder/node',
    ];
    for (const path of [...folders, 'odd pattern name', 'none']) mkdirSync(at(path), { recursive: true });
    writeFileSync(at('clone/node_modules/otel/index.js'), 'console.log("stranger");');
    for (const path of ['clone/node', 'odd pattern name/node']) {
      writeFileSync(at(path), '#!/bin/sh\necho stranger\n');
      chmodSync(at(path), 0o755);
    }
    for (const path of ['with-node', 'beside', 'odd * [n]ame']) symlinkSync(process.execPath, join(at(path), 'node'));
    // The launcher as it is, in front of a program that says how it was started.
    copyFileSync(FDPASS_BIN, command);
    writeFileSync(
      at('installed/bundle/launch.cjs'),
      `(exports, require) => {
const stat = require('node:fs').readFileSync('/proc/self/stat', 'latin1');
const waitedFor = stat.slice(stat.lastIndexOf(')')).split(' ')[9]; // page faults of children, proc_pid_stat(5)
exports.launch = (file) =>
  console.log(JSON.stringify({ file, args: process.argv.slice(2), env: process.env, waitedFor, options: process.execArgv }));
}`,
    );
    symlinkSync(command, link);
    symlinkSync(command, at('beside/fdpass'));
  });
  after(() => folder.remove());

  /** Starts a command in a hostile clone, with these variables and no others. */
  function start(env: Record<string, string>, words: readonly string[] = [command]): Promise<Finished> {
    const [program = '', ...args] = words;
    const unset = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
    return run(program, args, { cwd: at('clone'), env: { ...unset, ...env } });
  }

  /** The same for one that starts: what it says of itself. */
  async function started(
    env: Record<string, string>,
    words?: readonly string[],
  ): Promise<{ file: string; args: string[]; env: Record<string, string>; waitedFor: string; options: string[] }> {
    const { status, stdout, stderr } = await start(env, words);
    expect([status, stderr]).to.deep.equal([0, '']);
    return JSON.parse(stdout);
  }

  for (const [shell, applet] of Object.entries(SHELLS)) {
    it(`becomes Node with every argument as it is, through ${shell}`, async function () {
      const { [shell]: program = '' } = requirePeers(this, shell);
      const { file, args, waitedFor } = await started({ PATH: at('with-node') }, [
        program,
        ...applet,
        link,
        ...ARGUMENTS,
      ]);
      expect(args).to.deep.equal(ARGUMENTS);
      expect(file).to.equal(command);
      expect(waitedFor, 'a process was started on the way').to.equal('0');
    });
  }

  const taken: Readonly<Record<string, string>> = {
    NODE_OPTIONS: '--require otel',
    NODE_PATH: 'node_modules',
    NODE_DEBUG: 'module,net',
    NODE_COMPILE_CACHE: 'cache',
    NODE_V8_COVERAGE: 'coverage',
    NODE_ICU_DATA: 'node_modules/full-icu',
    NODE_REDIRECT_WARNINGS: 'warnings',
    NODE_PENDING_DEPRECATION: '1',
    NODE_PRESERVE_SYMLINKS: '1',
    NODE_PRESERVE_SYMLINKS_MAIN: '1',
    NODE_REPL_EXTERNAL_MODULE: 'otel',
    NODE_CHANNEL_FD: '3',
    NODE_UNIQUE_ID: '1',
  };
  for (const [name, value] of Object.entries(taken)) {
    it(`takes ${name} away`, async () => {
      const { env } = await started({ PATH: at('with-node'), [name]: value }, [link]);
      expect(env).to.not.have.property(name);
    });
  }

  it('keeps them for the command that "run" and "exec" run for the user, the others apart', async () => {
    const { NODE_CHANNEL_FD = '', NODE_UNIQUE_ID = '', ...given } = taken;
    const odd: Record<string, string> = {
      ...given,
      NODE_OPTIONS: '--title "a b"',
      NODE_PATH: "$HOME `id` '*' \n ",
      NODE_DEBUG: '',
    };
    for (const words of [['run'], ['-v', 'exec', 'h'], ['--exec', 'nc']]) {
      const { env } = await started({ PATH: at('with-node'), ...odd, NODE_CHANNEL_FD, NODE_UNIQUE_ID }, [
        link,
        ...words,
      ]);
      const kept = Object.entries(env).filter(([name]) => /^(FDPASS_USER|NODE)_/.test(name));
      const wanted = Object.entries(odd).map(([name, value]) => [`FDPASS_USER_${name}`, value]);
      expect(Object.fromEntries(kept)).to.deep.equal(Object.fromEntries(wanted));
    }
    const { env } = await started({ PATH: at('with-node'), ...odd }, [link, 'host.example', '22']);
    expect(Object.keys(env).filter((name) => name.startsWith('FDPASS_USER_'))).to.deep.equal([]);
  });

  it("leaves the user's other variables", async () => {
    const kept = {
      PATH: at('with-node'),
      NODE_EXTRA_CA_CERTS: command,
      HTTPS_PROXY: 'http://proxy.example',
      ODD: ' a\n*',
    };
    expect((await started(kept)).env).to.include(kept);
  });

  it('gives FDPASS_NODE_OPTIONS to Node', async () => {
    const hook = at('my hook.cjs');
    writeFileSync(hook, 'process.env.HOOKED = "yes";');
    const env = { PATH: at('with-node'), NODE_OPTIONS: '--require otel', FDPASS_NODE_OPTIONS: `--require "${hook}"` };
    expect((await started(env)).env).to.include({ HOOKED: 'yes' });
  });

  const searches: readonly [where: string, PATH: string, word: string][] = [
    ['in PATH', `${at('none')}:${at('with-node')}`, command],
    ['beside the link that it was started by', at('none'), at('beside/fdpass')],
    ['behind relative folders in PATH', `.::../clone:${at('with-node')}`, command],
    ['behind a folder with its name', `${at('folder')}:${at('with-node')}`, command],
    ['in a folder with characters that a shell replaces', at('odd * [n]ame'), command],
  ];
  for (const [where, PATH, word] of searches) {
    it(`finds node ${where}`, async () => {
      expect((await started({ PATH }, [word])).file).to.equal(command);
    });
  }

  it('finds the node that built the clone, through a link of the user too', async () => {
    const { version } = manifestIn(join(ROOT, 'packages/cli'));
    symlinkSync(FDPASS_BIN, at('own-fdpass'));
    symlinkSync(FDRECV_BIN, at('own-fdrecv'));
    for (const name of ['fdpass', 'fdrecv']) {
      const { status, stdout } = await start({ PATH: at('none') }, [at(`own-${name}`), '--version']);
      expect([status, stdout]).to.deep.equal([0, `${name} ${version}\n`]);
    }
  });

  describe('and the agent:', () => {
    /** An ssh that says what it was started with. */
    const SSH = `#!/bin/sh
[ -z "$FAKE_STATUS" ] && exit 255
printf '%s\\0' "$@"
exit "$FAKE_STATUS"
`;
    const socket = at('run/fdpass/agent.sock');
    let env: Record<string, string>;
    let server: Server;
    before(async () => {
      for (const path of ['run/fdpass', 'with-ssh']) mkdirSync(at(path), { recursive: true });
      writeFileSync(at('with-ssh/ssh'), SSH, { mode: 0o755 });
      writeFileSync(at('run/file'), '');
      symlinkSync('fdpass', at('run/linked'));
      env = {
        PATH: `${at('with-ssh')}:${at('with-node')}`,
        XDG_RUNTIME_DIR: at('run'),
        FAKE_STATUS: '69',
        FDPASS_LEFT_TO: 'ssh',
      };
      server = createServer().listen(socket);
      await once(server, 'listening');
    });
    after(() => server.close());

    for (const [shell, applet] of Object.entries(SHELLS)) {
      it(`hands it every argument as it is, and exits with its status, through ${shell}`, async function () {
        const { [shell]: program = '' } = requirePeers(this, shell);
        const args = [...ARGUMENTS.filter((word) => !word.includes('\n')), '22'];
        const { status, stdout } = await start(env, [program, ...applet, link, ...args]);
        const options = ['-F', 'none', '-q', '-T', '-S', socket, '-o', 'ProxyCommand=false', '-o', 'SendEnv=*'];
        expect(stdout.split('\0')).to.deep.equal([...options, 'agent', [link, ...args].join('\n'), '']);
        expect(status).to.equal(69);
      });

      it(`becomes Node with every argument as it is when it does not serve, through ${shell}`, async function () {
        const { [shell]: program = '' } = requirePeers(this, shell);
        const args = [...ARGUMENTS.filter((word) => !word.includes('\n')), '22'];
        const words = [program, ...applet, link, ...args];
        expect((await started({ ...env, FAKE_STATUS: '' }, words)).args).to.deep.equal(args);
      });
    }

    const places: readonly [where: string, env: Record<string, string>][] = [
      ['of FDPASS_AGENT', { FDPASS_AGENT: socket }],
      ['in the cache folder', { XDG_RUNTIME_DIR: '', XDG_CACHE_HOME: at('run') }],
      ["in the home folder's cache", { XDG_RUNTIME_DIR: '', HOME: at('home') }],
    ];
    for (const [where, more] of places) {
      it(`uses the socket ${where}, as the agent does`, async () => {
        mkdirSync(at('home'), { recursive: true });
        if (!existsSync(at('home/.cache'))) symlinkSync(at('run'), at('home/.cache'));
        const { stdout } = await start({ ...env, ...more }, [link, 'host', '22']);
        expect(stdout.split('\0')[5]).to.equal(agentSocket({ ...env, ...more }));
      });
    }

    const unasked: readonly [when: string, env: Record<string, string>, words?: readonly string[]][] = [
      ['there is no socket', { XDG_RUNTIME_DIR: at('none') }],
      ['a file is in its place', { FDPASS_AGENT: at('run/file') }],
      ['its folder is a link', { FDPASS_AGENT: at('run/linked/agent.sock') }],
      ['FDPASS_AGENT is "none"', { FDPASS_AGENT: 'none' }],
      ['ssh would replace parts of the path', { FDPASS_AGENT: `${at('run')}/%u/../fdpass/agent.sock` }],
      ['Node is to have options', { FDPASS_NODE_OPTIONS: '--no-warnings' }],
      ['there is no ssh', { PATH: at('with-node') }],
      ['ssh is in a relative folder', { PATH: `../with-ssh:${at('with-node')}` }],
      ['an argument has a line feed', {}, [link, 'a\nb', '22']],
      ['the last argument is not a port', {}, [link, 'explain', 'host']],
      ['there are no arguments', {}, [link]],
      ['it is fdrecv', {}, [at('links/fdrecv'), 'nc', '22']],
      ['it does not know its own path', {}, ['/bin/sh', '-c', `cd ${at('links')} && exec /bin/sh ./fdpass host 22`]],
    ];
    for (const [when, more, words = [link, 'host', '22']] of unasked) {
      it(`is not asked when ${when}`, async () => {
        if (!existsSync(at('links/fdrecv'))) symlinkSync(command, at('links/fdrecv'));
        expect((await started({ ...env, ...more }, words)).file).to.equal(command);
      });
    }

    it('is not asked when stdout is not a socket', async () => {
      const { stdout } = await start(env, ['/bin/sh', '-c', `${link} host 22 >out; /bin/cat out`]);
      expect(JSON.parse(stdout)).to.include({ file: command });
    });

    it("is not asked when it is another user's", async function () {
      if (process.getuid?.() !== 0) this.skip();
      for (const path of [socket, at('run/fdpass')]) {
        chownSync(path, 12345, 12345);
        expect((await started(env, [link, 'host', '22'])).file).to.equal(command);
        chownSync(path, 0, 0);
      }
    });
  });

  describe('starts a node quickly that is known to accept the option for it:', () => {
    const QUICK = '--no-rehash-snapshot';
    const second = Math.floor(statSync(process.execPath).mtimeMs / 1000);
    const marks = at(`known/fdpass/known-nodes${at('with-node')}`);
    const env = { PATH: at('with-node'), XDG_CACHE_HOME: at('known') };

    /** Leaves the files that a node leaves, so many seconds from its own time. */
    function mark(older: number | undefined, newer: number | undefined): void {
      rmSync(marks, { recursive: true, force: true });
      mkdirSync(marks, { recursive: true });
      for (const [end, offset] of Object.entries({ older, newer })) {
        if (offset === undefined) continue;
        writeFileSync(join(marks, `node.${end}`), '');
        utimesSync(join(marks, `node.${end}`), second + offset, second + offset);
      }
    }

    for (const [shell, applet] of Object.entries(SHELLS)) {
      it(`only then, through ${shell}`, async function () {
        const { [shell]: program = '' } = requirePeers(this, shell);
        const optionsWith = async (older?: number, newer?: number): Promise<string[]> => {
          mark(older, newer);
          return (await started(env, [program, ...applet, link, 'a b', '22'])).options;
        };
        expect(await optionsWith(-1, 1), 'its own time').to.deep.equal([QUICK]);
        expect(await optionsWith(-9, -7), 'upgraded').to.deep.equal([]);
        expect(await optionsWith(7, 9), 'an older one').to.deep.equal([]);
        expect(await optionsWith(-1), 'half of it').to.deep.equal([]);
        expect(await optionsWith(undefined, 1), 'the other half').to.deep.equal([]);
        expect(await optionsWith(), 'nothing').to.deep.equal([]);
      });
    }

    it('in the cache of the home folder', async () => {
      mark(-1, 1);
      mkdirSync(at('home of it'), { recursive: true });
      symlinkSync(at('known'), at('home of it/.cache'));
      const { options } = await started({ PATH: at('with-node'), HOME: at('home of it') }, [link, 'host', '22']);
      expect(options).to.deep.equal([QUICK]);
    });

    const plain: readonly [what: string, words: readonly string[], env?: Record<string, string>][] = [
      ['a command that stays', ['listen', '1080']],
      ['a program with its own proxy', ['-v', 'run', 'nc', 'host', '22']],
      ['an agent', ['agent', 'start', '1080']],
      ['what is not a connection', ['explain', 'host']],
      ['no arguments', []],
      ['a node with options of the user', ['host', '22'], { FDPASS_NODE_OPTIONS: '--no-warnings' }],
      ['a relative cache folder', ['host', '22'], { XDG_CACHE_HOME: '../known' }],
    ];
    it('not for fdrecv, which starts a program', async () => {
      mark(-1, 1);
      if (!existsSync(at('links/fdrecv'))) symlinkSync(command, at('links/fdrecv'));
      expect((await started(env, [at('links/fdrecv'), 'nc', 'host', '22'])).options).to.deep.equal([]);
    });

    for (const [what, words, more] of plain) {
      it(`not for ${what}`, async () => {
        mark(-1, 1);
        expect((await started({ ...env, ...more }, [link, ...words])).options).to.deep.equal([]);
      });
    }
  });

  it('says what to write where there is no node, and runs none of the current directory', async () => {
    for (const PATH of ['', '.', at('none'), ':../clone']) {
      const { status, stdout, stderr } = await start({ PATH });
      expect([status, stdout]).to.deep.equal([78, '']);
      expect(stderr).to.equal(
        `fdpass.cjs: [config] node is not in PATH or beside ${command}; say where it is: env PATH="/folder/of/node:$PATH" ${command}\n`,
      );
    }
  });

  it('is the same for both commands', () => {
    expect(readFileSync(FDRECV_BIN, 'utf8')).to.equal(readFileSync(FDPASS_BIN, 'utf8'));
  });

  describe('and the bundles:', () => {
    /** Says where its compiled code would be kept. */
    const BUNDLE = `() => {
  const [script] = globalThis[Symbol.for('fdpass.loaded-scripts.v1')];
  console.log(script?.file ?? 'nowhere');
}`;
    const own = at('whole/bin/fdpass.cjs');
    const bundle = at('whole/bundle/fdpass.cjs');
    before(() => {
      for (const path of ['whole/bin', 'whole/bundle']) mkdirSync(at(path), { recursive: true });
      copyFileSync(FDPASS_BIN, own);
      for (const name of ['launch.cjs', 'code-folder.cjs'])
        copyFileSync(join(ROOT, 'packages/cli/bundle', name), at(`whole/bundle/${name}`));
      for (const [path, mode] of [
        ['private', 0o700],
        ['open', 0o777],
        ['open/below', 0o700],
        ['sticky', 0o1777],
        ['sticky/own', 0o755],
        ['shared', 0o700],
        ['shared/fdpass', 0o1777],
        ['linked', 0o700],
        ['foreign', 0o755],
        ['mine', 0o700],
      ] as const) {
        mkdirSync(at(path));
        chmodSync(at(path), mode);
      }
      for (const path of ['private', 'sticky/own', 'open/below', 'mine']) mkdirSync(at(`${path}/fdpass`), 0o700);
      symlinkSync(at('private'), at('link'));
      symlinkSync(at('private/fdpass'), at('linked/fdpass'));
    });
    beforeEach(() => writeFileSync(bundle, BUNDLE));

    const kept: Readonly<Record<string, string>> = {
      'a folder of the user': 'private',
      'one that is missing, which is made': 'fresh/cache',
      'one behind a link of the user': 'link',
      'one in a folder like /tmp': 'sticky/own',
    };
    for (const [where, path] of Object.entries(kept)) {
      it(`keep compiled code in ${where}`, async () => {
        const { stdout } = await start({ PATH: at('with-node'), XDG_CACHE_HOME: at(path) }, [own]);
        const version = `code-${process.version}-${process.arch}`;
        expect(stdout).to.equal(`${join(at(path), 'fdpass', version, bundle)}\n`);
      });
    }

    const unkept: Readonly<Record<string, Record<string, string>>> = {
      'in a folder that others can write in': { XDG_CACHE_HOME: at('open') },
      'in one below such a folder': { XDG_CACHE_HOME: at('open/below') },
      'in a folder like /tmp itself': { XDG_CACHE_HOME: at('shared') },
      'in a link': { XDG_CACHE_HOME: at('linked') },
      'in a file': { XDG_CACHE_HOME: own },
      'without a home folder': {},
      'in a relative folder': { XDG_CACHE_HOME: '../private' },
      'when Node has options': { XDG_CACHE_HOME: at('private'), FDPASS_NODE_OPTIONS: '--no-warnings' },
    };
    for (const [where, env] of Object.entries(unkept)) {
      it(`do not keep it ${where}`, async () => {
        expect((await start({ PATH: at('with-node'), ...env }, [own])).stdout).to.equal('nowhere\n');
      });
    }

    it("do not keep it in another user's folder, or below one", async function () {
      if (process.getuid?.() !== 0) this.skip();
      const env = { PATH: at('with-node'), XDG_CACHE_HOME: at('mine') };
      for (const path of ['mine', 'mine/fdpass']) {
        chownSync(at(path), 12345, 12345);
        expect((await start(env, [own])).stdout, path).to.equal('nowhere\n');
        chownSync(at(path), 0, 0);
      }
      expect((await start(env, [own])).stdout).to.contain(at('mine'));
    });

    const UNBUILT = 'not built yet; run: npm run build';
    const failures: readonly [what: string, prepare: () => void, says: string][] = [
      ['the bundle is missing', () => rmSync(bundle), UNBUILT],
      [
        'another file is missing',
        () => writeFileSync(bundle, "(exports, require) => require('node:fs').readFileSync('/missing')"),
        "ENOENT: no such file or directory, open '/missing'; please report it",
      ],
      [
        'another module is missing',
        () => writeFileSync(bundle, "(exports, require) => require('missing')"),
        "Cannot find module 'missing'; please report it",
      ],
      ['the launcher is missing', () => rmSync(at('whole/bundle/launch.cjs')), UNBUILT], // last: it does not come back
    ];
    for (const [what, prepare, says] of failures) {
      it(`say so if ${what}`, async () => {
        prepare();
        const { status, stderr } = await start({ PATH: at('with-node') }, [own]);
        expect([status, stderr]).to.deep.equal([70, `fdpass: [internal] ${says}\n`]);
      });
    }
  });

  it('says that a Node is too old, with the version that the package asks for', async () => {
    const { engines } = manifestIn(join(ROOT, 'packages/cli')) as unknown as { engines: { node: string } };
    const [, lowest = ''] = /^>=(\d+\.\d+)$/.exec(engines.node) ?? [];
    const launch = join(ROOT, 'packages/cli/bundle/launch.cjs');
    for (const [old, isTooOld] of [
      ['18.20.4', true],
      ['20.18.1', true],
      [`${lowest}.0`, false],
      ['26.0.0', false],
    ] as const) {
      const script = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${old}' } });
        process.argv.splice(1, 0, 'fdpass', '--version');
        const source = require('node:fs').readFileSync(${JSON.stringify(launch)}, 'latin1');
        require('node:vm').runInThisContext(source)(exports, require, module);
        module.exports.launch(${JSON.stringify(realpathSync(FDPASS_BIN))}, require);`;
      const { status, stderr } = await run(process.execPath, ['-e', script]);
      expect(status, old).to.equal(isTooOld ? 78 : 0);
      if (isTooOld)
        expect(stderr).to.equal(
          `fdpass: [config] ${process.execPath} is Node ${old}, and fdpass needs ${lowest} or later; put a newer one first in PATH\n`,
        );
    }
  });
});
