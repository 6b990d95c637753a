import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { fdpass, fdrecv } from './commands.spec.helper.js';

const MARK = 'Pl4nted!';

/** A config with a secret wherever one can be, which works until the proxy refuses. */
const GOOD = `
hops:
  corp:
    strategy: http-connect
    url: " http://me:${MARK}@127.0.0.1:1"
    headers: { X-Token: "${MARK}" }
  old: { strategy: command, command: [./none, "${MARK}"], log: ~/old.log }
rules:
  - { name: work, host: host.example, use: [{ strategy: direct, host: 127.0.0.1, port: 1, bindAddress: 127.0.0.1 }, corp] }
  - { host: 127.0.0.2, use: "http://${MARK}@127.0.0.1:1" }
  - { use: old }
`;

/** What the commands show, run as users run them. */
describe('what the commands show of a config', () => {
  const folder = temporaryFolder();
  const config = join(folder.path, 'config.yaml');
  after(() => folder.remove());

  function write(text: string): void {
    writeFileSync(config, text, { mode: 0o600 });
  }

  async function said(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout, stderr } = await fdpass(args, { env: { XDG_STATE_HOME: folder.path, ...more } });
    return stdout + stderr;
  }

  it('in explain: what cannot be a secret, and *** for the rest', async () => {
    write(GOOD);
    expect(await said(['explain', '-c', config, 'host.example'])).to.include(
      [
        `chosen   rule 1 "work" (${config}:9:5)`,
        'hop 1    direct: host 127.0.0.1, port 1, bindAddress 127.0.0.1',
        'hop 2    corp (http://***@127.0.0.1:1): headers (X-Token ***)',
      ].join('\n'),
    );
    const { route } = JSON.parse(await said(['explain', '--json', '-c', config, '127.0.0.3']));
    expect(route).to.deep.equal([
      { strategy: 'command', label: 'old (command)', options: { command: ['***', '***'], log: '~/old.log' } },
    ]);
  });

  it('not a secret, in check, doctor, logs and errors', async () => {
    write(GOOD);
    const log = join(folder.path, 'log');
    const all = [
      await said(['check', config]),
      await said(['check', '--json', config]),
      await said(['doctor', '--json', '-c', config, '-w', '5', 'host.example']),
      ...(await Promise.all(
        ['host.example', '127.0.0.2', '127.0.0.3'].map((host) =>
          said(['-vv', '--log', log, '--stdio', '-w', '5', '-c', config, host, '22']),
        ),
      )),
      readFileSync(log, 'utf8'),
      readFileSync(join(folder.path, 'fdpass/last-error.json'), 'utf8'),
    ].join('\n');
    expect(all).to.contain('corp (http://***@127.0.0.1:1)').and.not.contain(MARK);
  });

  const WRONG: readonly (readonly [what: string, args: readonly string[], env?: NodeJS.ProcessEnv])[] = [
    ['an option', [`--${MARK}`, 'h', '22']],
    ['an option with a value', [`--password=${MARK}`, 'h', '22']],
    ['a host', [`u:${MARK}@h`, '22']],
    ['a port', ['h', MARK]],
    ['a third operand', ['h', '22', MARK]],
    ['a user', ['--user', `-${MARK}`, 'h', '22']],
    ['an alias', ['--alias', `;${MARK}`, 'h', '22']],
    ['a time limit', ['--timeout', MARK, 'h', '22']],
    ['a hop of --via', ['--via', MARK, 'h', '22']],
    ['a URL of --via', ['--via', `http://u:${MARK}@`, 'h', '22']],
    ['a jump host of --via', ['--via', `jump://u:${MARK}@h.invalid`, 'h', '22']],
    ['the name of a strategy', ['strategies', MARK]],
    ['a host of trace', ['trace', `u:${MARK}@h`, '22']],
    ['a hop of trace', ['trace', '--json', '--via', `http://u:${MARK}`, 'h', '22']],
    ['a host of test', ['test', `u:${MARK}@h`]],
    ['a host of doctor', ['doctor', `u:${MARK}@h`]],
    ['a proxy that doctor tries', ['doctor'], { ALL_PROXY: `http://u:${MARK}@127.0.0.1:1` }],
    ['a hop of credentials', ['credentials', 'set', MARK]],
    ['what to do with the config', ['config', MARK]],
    ['what the agent is to do', ['agent', MARK]],
    ['FDPASS_VIA', ['h', '22'], { FDPASS_VIA: `http://u:${MARK}` }],
    ['FDPASS_LOG', ['h', '22'], { FDPASS_LOG: MARK }],
    ['FDPASS_VERBOSE', ['h', '22'], { FDPASS_VERBOSE: MARK }],
    ['FDPASS_CONFIG', ['h', '22'], { FDPASS_CONFIG: MARK }],
    ['ALL_PROXY', ['--via', 'env:', '--stdio', 'h', '22'], { ALL_PROXY: `http://u:${MARK}` }],
    ['ALL_PROXY without a scheme', ['explain', '--via', 'env:', 'h'], { ALL_PROXY: `u:${MARK}@127.0.0.1:1` }],
  ];
  for (const [what, args, env] of WRONG) {
    it(`not ${what}`, async () => {
      const text = await said(args, env);
      expect(text).to.not.equal('');
      expect(text).to.not.contain(MARK);
    });
  }

  it('not a program that fdrecv cannot run', async () => {
    expect((await fdrecv([MARK])).stderr)
      .to.contain('cannot run the command')
      .and.not.contain(MARK);
  });
});
