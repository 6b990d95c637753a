import { dirname } from 'node:path';
import { requireLab, requirePeers, skip } from '@fdpass/test-lab';
import { expect } from 'chai';
import { FDPASS_BIN } from './commands.spec.helper.js';
import { blocksOf, docPages } from './doc-blocks.spec.helper.js';
import { type DoneStep, isStep, patternOf, runSession, sessionOf } from './doc-sessions.spec.helper.js';

/** What readers type, with the built commands, real servers and a real ssh: each page from its top to its bottom. */
describe('consoles in the docs', function () {
  this.timeout(120_000);

  before(function () {
    requireLab(this);
    requirePeers(this, 'ssh', 'sshd', 'microsocks', 'tinyproxy', 'bash');
    if (process.getuid?.() !== 0) skip(this, 'sshd in a namespace needs root');
  });

  for (const page of docPages()) {
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
          const output = done[index]?.output ?? '';
          // The texts are compared, so that a failure shows both.
          expect(patternOf(shown).test(output) ? shown : output).to.equal(shown);
        });
      }
    });
  }
});
