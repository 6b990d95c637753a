import { isAbsolute } from 'node:path';
import { expect } from 'chai';
import type { Context } from 'mocha';
import { findProgram, requirePeers, skip } from './peers.js';

const VARIABLE = 'FDPASS_REQUIRE_PEERS';

/** A mocha context that throws the reason it is skipped for. */
function fakeTest(): Context {
  const test = { skipReason: '' };
  const thrown = (): never => {
    throw new Error(`skipped: ${test.skipReason}`);
  };
  return { test, skip: thrown } as unknown as Context;
}

describe('real programs for tests', () => {
  const required = process.env[VARIABLE];
  afterEach(() => {
    delete process.env[VARIABLE];
    if (required !== undefined) process.env[VARIABLE] = required;
  });

  it('are found in PATH', () => {
    expect(findProgram('sh')).to.satisfy(isAbsolute);
    expect(findProgram('no-such-program')).to.equal(undefined);
    const { sh } = requirePeers(fakeTest(), 'sh');
    expect(sh).to.equal(findProgram('sh'));
  });

  it('skip a test by name where they are missing, and fail it where they are required', () => {
    const ask = (): unknown => requirePeers(fakeTest(), 'sh', 'no-such-program', 'nor-this');
    delete process.env[VARIABLE];
    expect(ask).to.throw('skipped: not installed: no-such-program, nor-this');
    process.env[VARIABLE] = '1';
    expect(ask).to.throw(/^not installed: no-such-program, nor-this/);
  });

  it('leave the reason of a skipped hook with its suite, whose tests are the ones that are reported', () => {
    const suite = { skipReason: undefined };
    const hook = { ...fakeTest(), test: { type: 'hook', parent: suite } } as unknown as Context;
    expect(() => skip(hook, 'no network')).to.throw();
    expect(suite.skipReason).to.equal('no network');
  });
});
