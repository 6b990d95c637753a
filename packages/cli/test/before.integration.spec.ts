import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  expectNoneLeft,
  type Finished,
  markedEnvironment,
  markedProcesses,
  requirePeers,
  run,
  temporaryFolder,
} from '@fdpass/test-lab';
import { Greeter } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, FDRECV_BIN, NO_CONFIG } from './commands.spec.helper.js';

/** Two strategies whose connections are not kernel sockets; only one of them says so before it dials. */
const PLUGIN = `import { connect } from 'node:net';
import { Duplex } from 'node:stream';
const dial = (target) =>
  new Promise((resolve, reject) => {
    const socket = connect(target.port, target.host);
    socket.once('error', reject).once('connect', () => resolve(Duplex.from({ readable: socket, writable: socket })));
  });
export const stream = { name: 'stream', create: () => ({ dial, needsRelay: () => true }) };
export const surprise = { name: 'surprise', create: () => ({ dial }) };
`;

const GREETING = 'SSH-2.0-greeter\r\n';
const SCRIPT = 'echo "$1" >> ran; echo "the tunnel to $1 is up"; echo "as said" >&2';

describe('what a rule runs before a connection', () => {
  const folder = temporaryFolder();
  const { env: mark, marker } = markedEnvironment();
  const config = join(folder.path, 'config.json');
  const cold = { ...NO_CONFIG, ...mark };
  const warm = {
    ...cold,
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    XDG_RUNTIME_DIR: join(folder.path, 'run'),
    FDPASS_AGENT: '',
  };
  let greeter: Greeter;

  before(async function () {
    requirePeers(this, 'ssh');
    greeter = (await Greeter.listen('127.0.0.1')) as Greeter;
    mkdirSync(warm.XDG_RUNTIME_DIR, { mode: 0o700 });
    writeFileSync(join(folder.path, 'streams.mjs'), PLUGIN, { mode: 0o600 });
    expect((await run(FDPASS_BIN, ['agent', 'start'], { env: warm })).stderr).to.equal('');
  });
  after(async () => {
    await run(FDPASS_BIN, ['agent', 'stop'], { env: warm });
    await greeter?.close();
    await expectNoneLeft(() => markedProcesses(marker));
    folder.remove();
  });
  beforeEach(() => rmSync(join(folder.path, 'ran'), { force: true }));

  const use = (route: unknown, command: readonly string[]): void => {
    const rules = [{ use: route, before: command }];
    writeFileSync(config, JSON.stringify({ plugins: ['./streams.mjs'], rules }), { mode: 0o600 });
  };
  const words = (): string[] => ['--config', config, '127.0.0.1', String(greeter.port)];
  const passing = (env: NodeJS.ProcessEnv): Promise<Finished> =>
    run(process.execPath, [FDRECV_BIN, '--stdio', FDPASS_BIN, ...words()], { env, input: '' });
  const HANDOVERS: Readonly<Record<string, () => Promise<Finished>>> = {
    'a descriptor': () => passing(cold),
    'a relay': () => run(FDPASS_BIN, ['--stdio', ...words()], { env: cold, input: '' }),
    'the agent': () => passing(warm),
  };

  for (const [handover, take] of Object.entries(HANDOVERS)) {
    for (const route of ['direct', 'stream', 'surprise']) {
      it(`runs once, and its words are on stderr: ${route}, by ${handover}`, async () => {
        use(route, ['sh', '-c', SCRIPT, 'sh', '%h']);
        const { status, stdout, stderr } = await take();
        expect([status, stdout], stderr).to.deep.equal([0, GREETING]);
        expect(stderr).to.equal('the tunnel to 127.0.0.1 is up\nas said\n');
        expect(readFileSync(join(folder.path, 'ran'), 'utf8')).to.equal('127.0.0.1\n');
      });
    }

    it(`ends the connection when it fails, by ${handover}`, async () => {
      use('direct', ['sh', '-c', 'echo no tunnel >&2; exit 7']);
      const { status, stdout, stderr } = await take();
      expect([status, stdout]).to.deep.equal([69, '']);
      expect(stderr).to.match(
        /^no tunnel\nfdpass: \[unreachable\] .* rule 1 .*: before: "sh" ended with status 7: no tunnel/,
      );
    });
  }

  it('runs once where an agent finds out later that it cannot serve the connection', async () => {
    const credentials = { username: 'me', ask: true };
    const url = `http://127.0.0.1:${greeter.port}`;
    use({ strategy: 'http-connect', url, credentials, auth: 'basic' }, ['sh', '-c', 'echo ran >> ran']);
    const { status, stderr } = await passing({ ...warm, SSH_ASKPASS_REQUIRE: 'force' });
    expect(status).to.equal(77);
    expect(stderr).to.contain('SSH_ASKPASS does not name a program');
    expect(readFileSync(join(folder.path, 'ran'), 'utf8')).to.equal('ran\n');
  });

  it('is a row of "fdpass trace", and a line of "fdpass explain", which does not run it', async () => {
    use('direct', ['sh', '-c', SCRIPT, 'sh', '%h']);
    const explained = await run(FDPASS_BIN, ['explain', ...words()], { env: cold });
    expect(explained.stdout).to.contain('runs a command first, once for each dial, for at most 60 s');
    expect(() => readFileSync(join(folder.path, 'ran'))).to.throw(/ENOENT/);
    const { stdout } = await run(FDPASS_BIN, ['trace', ...words()], { env: cold });
    expect(stdout).to.match(/"sh"\n.*the tunnel to 127\.0\.0\.1 is up\n/);
  });
});
