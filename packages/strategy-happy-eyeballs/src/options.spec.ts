import { testHost } from '@fdpass/testkit';
import { expect } from 'chai';
import { happyEyeballs } from './index.js';
import { optionsSchema } from './options.js';

async function check(options: unknown): Promise<unknown> {
  const result = await optionsSchema['~standard'].validate(options);
  return result.issues === undefined ? result.value : result.issues.map((issue) => issue.message).join('; ');
}

describe('happy-eyeballs options', () => {
  it('may all be left out', async () => expect(await check({})).to.deep.equal({}));

  it('take durations and families, and socket options beside them', async () => {
    const options = {
      attemptDelay: '10ms',
      resolutionDelay: '0ms',
      attemptTimeout: '5s',
      firstFamily: 4,
      firstFamilyCount: 2,
      family: 'any',
      noDelay: true,
    };
    const expected = {
      attemptDelay: 10,
      resolutionDelay: 0,
      attemptTimeout: 5000,
      firstFamily: 4,
      firstFamilyCount: 2,
      family: 'any',
      noDelay: true,
    };
    expect(await check(options)).to.deep.equal(expected);
  });

  it('take a plain number for seconds where seconds make sense', async () => {
    expect(await check({ attemptTimeout: 5, resolutionDelay: 0 })).to.deep.equal({
      attemptTimeout: 5000,
      resolutionDelay: 0,
    });
  });

  const refused: readonly (readonly [options: object, message: RegExp])[] = [
    [{ attemptDelay: '9ms' }, /must be at least 10ms \(RFC 8305, section 5\)/],
    [{ attemptDelay: 'soon' }, /must be a duration/],
    [{ attemptDelay: 250 }, /needs a unit; write 250ms or 250s/],
    [{ resolutionDelay: '50' }, /needs a unit; write 50ms or 50s/],
    [{ attemptTimeout: 0 }, /must be longer than 0/],
    [{ firstFamily: 5 }, /must be 4 or 6/],
    [{ firstFamilyCount: 0 }, /must be at least 1/],
    [{ firstFamilyCount: 1.5 }, /must be a whole number/],
    [{ family: 'inet' }, /must be any, 4 or 6/],
    [{ atemptDelay: '10ms' }, /atemptDelay/],
  ];
  for (const [options, message] of refused) {
    it(`refuse ${JSON.stringify(options)}`, async () => expect(await check(options)).to.match(message));
  }

  it('refuse a source address of the family that is not allowed', () => {
    const host = testHost({ socketDefaults: { bindAddress: '192.0.2.1' } });
    expect(() => happyEyeballs.create({ family: 6 }, host)).to.throw(/bindAddress 192\.0\.2\.1 is an IPv4 address/);
  });
});
