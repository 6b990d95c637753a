import { dirname } from 'node:path';
import { requirePeers, run, temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN } from './commands.spec.helper.js';
import { blocksOf, docPages, docText, ROOT } from './doc-blocks.spec.helper.js';
import {
  type DoneStep,
  FIRST_STEPS,
  isStep,
  requireDocLab,
  runSession,
  sessionOf,
  shownOf,
} from './doc-sessions.spec.helper.js';

/** What readers type, with the built commands, real servers and a real ssh: each page from its top to its bottom. */
describe('consoles in the docs', () => {
  before(function () {
    requireDocLab(this);
  });

  // The first steps are those of somebody who has installed the packages: guide.integration.spec.ts takes them.
  for (const page of docPages().filter((name) => name !== FIRST_STEPS)) {
    const session = sessionOf(blocksOf(page));
    const steps = session.filter(isStep);
    if (steps.length === 0) continue;

    describe(page, () => {
      let done: readonly DoneStep[];
      before(async () => {
        done = await runSession(session, dirname(FDPASS_BIN));
      });

      for (const [index, { place, command, shown }] of steps.entries()) {
        it(`${place} shows what comes of ${command.split('\n', 1)[0]}`, () => {
          expect(shownOf(done[index] as DoneStep)).to.equal(shown);
        });
      }
    });
  }
});

describe('the line of the README for a clone', () => {
  const home = temporaryFolder();
  after(() => home.remove());

  it('makes the commands, which can be repeated', async function () {
    requirePeers(this, 'sh');
    const [, afterBuild = ''] = /^npm run build && (\S.*)$/m.exec(docText('README.md')) ?? [];
    const env = { HOME: home.path };
    for (const line of [afterBuild, afterBuild, '~/.local/bin/fdpass --version && ~/.local/bin/fdrecv --version']) {
      const { status, stdout, stderr } = await run('sh', ['-c', line], { cwd: ROOT, env });
      expect([status, stderr]).to.deep.equal([0, '']);
      if (line !== afterBuild) expect(stdout).to.match(/^fdpass \S+\nfdrecv \S+\n$/);
    }
  });
});
