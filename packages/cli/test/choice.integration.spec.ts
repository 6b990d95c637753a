import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectNoneLeft, markedEnvironment, markedProcesses, temporaryFolder } from '@fdpass/test-lab';
import { type ScriptedServer, startScriptedServer } from '@fdpass/testkit';
import { expect } from 'chai';
import { FDPASS_BIN, fdpass, fdrecv } from './commands.spec.helper.js';

/* Several ways to one host, through the commands: a config file, real sockets, a descriptor handed over. */

describe('fdpass with several ways to one host', () => {
  const folder = temporaryFolder();
  const { env, marker } = markedEnvironment();
  let server: ScriptedServer;
  let silent: ScriptedServer;
  let files = 0;

  before(async () => {
    server = await startScriptedServer(async (line) => {
      await line.send('banner\n');
      line.socket.end(await line.rest());
    });
    silent = await startScriptedServer((line) => line.stall());
  });
  after(async () => {
    await server.close();
    await silent.close();
    folder.remove();
    await expectNoneLeft(() => markedProcesses(marker));
  });

  function config(use: string, hop = ''): string {
    const file = join(folder.path, `config-${files++}.yaml`);
    const text = `hops:
  gone: { strategy: direct, host: 127.0.0.1, port: 1 }
  unplugged: { strategy: direct, host: 127.0.0.1, bindInterface: no-such-card }
  good: { strategy: direct, host: 127.0.0.1, port: ${server.port} }
  hangs: "http://127.0.0.1:${silent.port}"
  ${hop}
rules:
  - use: ${use}
`;
    writeFileSync(file, text);
    chmodSync(file, 0o600);
    return file;
  }

  const WAYS: readonly (readonly [what: string, use: string])[] = [
    ['the first route', '{ firstOf: [good, gone] }'],
    ['the next route after a refusal', '{ firstOf: [gone, good] }'],
    ['the next route after a network card that is not there', '{ firstOf: [unplugged, gone, good] }'],
    ['the next route after a silent one', '{ strategy: first-of, timeout: 1s, routes: [hangs, good] }'],
    ['routes within routes', '{ firstOf: [{ race: [gone, unplugged] }, { firstOf: [gone, [good]] }] }'],
    ['a race against a silent route', '{ race: { stagger: 10ms, routes: [hangs, gone, { use: good, delay: 20ms }] } }'],
    ['a race with a grace', '{ race: { stagger: 10ms, grace: 50ms, routes: [hangs, good] } }'],
    ['another name of the host', '{ hosts: ["::1", 127.0.0.1] }'],
    ['another name by a route of its own', '{ strategy: hosts, hosts: [a.example], use: { firstOf: [gone, good] } }'],
  ];
  for (const [what, use] of WAYS) {
    it(`hands over the connection of ${what}`, async () => {
      const command = [process.execPath, FDPASS_BIN, '--config', config(use), 'nas.example', String(server.port)];
      const { status, stdout, stderr } = await fdrecv(['--stdio', ...command], { input: 'text', env });
      expect([status, stdout, stderr]).to.deep.equal([0, 'banner\ntext', '']);
    });
  }

  it('says in a line for each route why it has failed, and what to try', async () => {
    const file = config('{ firstOf: [gone, unplugged, { strategy: direct, host: "::1", port: 1 }] }');
    const { status, stderr } = await fdpass(['-c', file, 'nas.example', '22'], { env });
    expect(status).to.equal(78); // the card that is not there is what the user can mend
    const [first, gone, unplugged, direct, ...more] = stderr.split('\n');
    expect(first).to.match(/^fdpass: \[config\] nas\.example:22: rule 1 .*first-of: none of 3 routes works$/);
    expect(gone).to.match(/^ {2}gone .*127\.0\.0\.1:1.*refused.*; check that it is running, and the port$/);
    expect(unplugged).to.match(/^ {2}unplugged .*interface/);
    expect(direct).to.match(
      /^ {2}direct ::1: cannot connect to \[::1\]:1: .*; check that it is running, and the port$/,
    );
    expect(more).to.deep.equal(['']);
    const log = join(folder.path, 'routes.log');
    await fdpass(['-c', file, '--log', log, 'nas.example', '22'], { env });
    const logged = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-4);
    expect(logged.map((line) => line.replace(/^\S+ \[\d+\] /, ''))).to.deep.equal([
      `failed error=${first?.replace('fdpass: [config] ', '')}`,
      gone,
      unplugged,
      direct,
    ]);
  });

  it('refuses a hop that contains itself', async () => {
    const file = config(
      '{ firstOf: [good, { race: [loop] }] }',
      'loop: { firstOf: [gone, { hosts: { hosts: [a], use: loop } }] }',
    );
    const { status, stderr } = await fdpass(['-c', file, 'nas.example', '22'], { env });
    expect(status).to.equal(78);
    expect(stderr).to.contain('the hop "loop" contains itself: loop -> loop');
  });

  it('stops all of them at the timeout', async () => {
    const file = config('{ race: [hangs, hangs] }');
    const { status, stderr } = await fdpass(['-c', file, '-w', '300ms', 'nas.example', '22'], { env });
    expect([status, stderr.includes('timed out after 300 ms')]).to.deep.equal([75, true]);
  });

  it('refuses a nested route that is wrong, before anything is opened', async () => {
    const { status, stderr } = await fdpass(['-c', config('{ firstOf: [good, goood] }'), 'nas.example', '22'], { env });
    expect([status, stderr]).to.satisfy(
      ([code, text]: [number, string]) => code === 78 && /did you mean "good"/.test(text),
    );
  });
});
