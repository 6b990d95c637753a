import { type Finished, run, useSshd } from '@fdpass/test-lab';
import { expect } from 'chai';
import { type BrokenRun, type Peers, SET_UPS, startPeers } from './broken-set-ups.spec.helper.js';
import { FDPASS_BIN } from './commands.spec.helper.js';
import { goodSshConfig, makeSshHome, type SshHome } from './ssh-home.spec.helper.js';

interface Report {
  readonly exitStatus: number;
  readonly checks: readonly {
    readonly name: string;
    readonly findings: readonly { readonly severity: string; readonly what: string; readonly fix: string }[];
  }[];
}

/** Each is a home in which all was right and one thing was broken on purpose. */
describe('fdpass doctor names what is broken and how to mend it, where ssh says', () => {
  const { sshd, env } = useSshd();
  let peers: Peers & { close(): Promise<void> };
  before(async () => {
    peers = await startPeers(sshd());
  });
  after(() => peers?.close());

  function runIn(home: SshHome, broken: BrokenRun, words: readonly [string, ...string[]]): Promise<Finished> {
    const [program, ...args] = words;
    return run(program, args, { env: { ...env, ...home.env, ...broken.env }, input: '' });
  }

  for (const { what, breakIt, finds, ssh } of SET_UPS) {
    it(what, async () => {
      const home = makeSshHome(goodSshConfig(sshd()));
      try {
        const broken: BrokenRun = (await breakIt(home, peers)) ?? {};
        const command = [process.execPath, broken.fdpass ?? FDPASS_BIN, 'doctor', '--json'] as const;
        const diagnosed = await runIn(home, broken, [...command, ...(broken.args ?? [])]);
        expect(diagnosed.stderr).to.equal('');
        const { exitStatus, checks } = JSON.parse(diagnosed.stdout) as Report;
        const all = checks.flatMap(({ name, findings }) => findings.map((finding) => ({ check: name, ...finding })));
        const found = all.find((each) => finds.what.test(each.what));
        expect(found, JSON.stringify(all, null, 2)).to.include({ check: finds.check, severity: finds.severity });
        expect(found?.fix).to.match(finds.fix);
        expect(exitStatus).to.equal(all.some(({ severity }) => severity === 'error') ? 78 : 0);
        expect(diagnosed.status).to.equal(exitStatus);
        expect(diagnosed.stdout).to.not.contain('s3cret');

        const said = await runIn(home, broken, ['ssh', broken.host ?? 'target', 'echo there']);
        expect(`${said.stdout}${said.stderr.replaceAll('\r', '')}`).to.match(ssh);
      } finally {
        home.remove();
      }
    });
  }
});
