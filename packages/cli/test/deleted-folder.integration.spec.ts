import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Finished, requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { createDialer } from 'fdpass';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** Runs a command in a current directory that has been deleted, as a git worktree or a build folder can be. */
function inDeletedFolder(...command: readonly string[]): Promise<Finished> {
  const script = 'd=$(mktemp -d) && cd "$d" && rmdir "$d" && exec "$@"';
  return run('sh', ['-c', script, 'sh', ...command], { env: NO_CONFIG, input: '' });
}

describe('in a current directory that has been deleted', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  let server: ScriptedServer;
  before(async () => {
    server = await startScriptedServer(async (line) => {
      await line.send('hello\n');
      line.socket.end();
    });
    const command = '[sh, -c, "pwd; exec cat"]';
    writeFileSync(
      config,
      `rules:
  - { host: direct.example, use: { strategy: direct, host: 127.0.0.1 } }
  - { host: command.example, use: { strategy: command, command: ${command} } }
`,
      { mode: 0o600 },
    );
  });
  after(async () => {
    await server.close();
    folder.remove();
  });

  const fdpass = (...args: string[]): Promise<Finished> => inDeletedFolder(process.execPath, FDPASS_BIN, ...args);
  const port = (): string => String(server.port);

  it('fdpass connects and relays', async () => {
    const { status, stdout, stderr } = await fdpass('127.0.0.1', port());
    expect([status, stdout, stderr]).to.deep.equal([0, 'hello\n', '']);
  });

  it('it passes the descriptor', async () => {
    const ended = await inDeletedFolder(
      process.execPath,
      FDRECV_BIN,
      process.execPath,
      FDPASS_BIN,
      '127.0.0.1',
      port(),
    );
    expect([ended.status, ended.stderr]).to.deep.equal([0, '']);
    expect(ended.stdout).to.match(new RegExp(`^inet stream .* peer 127\\.0\\.0\\.1:${port()}\n$`));
  });

  it('it reads a config and runs its programs', async () => {
    expect(await fdpass('-c', config, 'direct.example', port())).to.include({ status: 0, stdout: 'hello\n' });
    const { status, stdout, stderr } = await fdpass('-c', config, 'command.example', '22');
    expect([status, stdout, stderr]).to.deep.equal([0, `${folder.path}\n`, '']);
  });

  it('it goes through a jump host that --via names', async function () {
    requirePeers(this, 'ssh');
    const { status, stderr } = await fdpass('--via', 'jump://127.0.0.1:1', 'host.example', '22');
    expect(stderr).to.match(/127\.0\.0\.1 port 1: Connection refused/);
    expect(status).to.equal(69);
  });

  for (const args of [['check'], ['explain', 'host.example'], ['strategies'], ['schema'], ['--help']]) {
    it(`it answers ${args[0]}`, async () => {
      const { status, stderr } = await fdpass(...args);
      expect([status, stderr]).to.deep.equal([0, '']);
    });
  }

  const relative: readonly (readonly string[])[] = [
    ['-c', 'config.yaml', 'host.example', '22'],
    ['check', 'config.yaml'],
    ['schema', '-c', 'config.yaml'],
  ];
  for (const args of relative) {
    it(`it says which path needs it: fdpass ${args.join(' ')}`, async () => {
      const { status, stdout, stderr } = await fdpass(...args);
      expect(stderr).to.match(/^fdpass: \[usage\] .*a relative path starts at the current directory/);
      expect(stderr).to.match(/which has been deleted; write an absolute path[^\n]*\n$/);
      expect([status, stdout]).to.deep.equal([64, '']);
    });
  }

  it('a program dials too, through hops of its own', async () => {
    const here = process.cwd();
    const gone = temporaryFolder();
    process.chdir(gone.path);
    gone.remove();
    try {
      const dialer = createDialer({ rules: [{ use: 'direct' }] });
      for (const via of [undefined, 'direct']) {
        const socket = await dialer.dial({ host: '127.0.0.1', port: server.port }, via === undefined ? {} : { via });
        expect(await text(socket)).to.equal('hello\n');
      }
    } finally {
      process.chdir(here);
    }
  });
});
