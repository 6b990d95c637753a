import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '@fdpass/test-lab';
import { expect } from 'chai';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));

describe('require() of the library', () => {
  for (const entry of ['index.js', 'inline.js', 'register.js']) {
    it(`works for ${entry}, without a warning`, async () => {
      const code = `console.log(Object.keys(require(process.argv[1])).join())`;
      const { stdout, stderr, status } = await run(process.execPath, ['-e', code, join(DIST, entry)]);
      expect([stderr, status]).to.deep.equal(['', 0]);
      expect(stdout).to.match(entry === 'register.js' ? /^\n$/ : /createDialer/);
    });
  }
});
