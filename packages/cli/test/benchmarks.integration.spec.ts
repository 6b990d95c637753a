import { fileURLToPath } from 'node:url';
import { run } from '@fdpass/test-lab';
import { expect } from 'chai';

/* The benchmarks call functions of the packages that no type checker sees them call. These take a second or two with little to do. */
describe('a benchmark still runs:', () => {
  const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

  it('routes', async () => {
    const { status, stdout, stderr } = await run(process.execPath, ['bench/routes.mjs'], {
      cwd: ROOT,
      env: { TRIALS: '2000' },
    });
    expect([status, stderr]).to.deep.equal([0, '']);
    expect(stdout.match(/^ +\d+ rules: +[\d.]+ .+ a look-up, read in [\d.]+ ms$/gm)).to.have.length(4);
  });
});
