import { expect } from 'chai';
import { optionsSchema } from './options.js';

async function check(options: unknown): Promise<unknown> {
  const result = await optionsSchema['~standard'].validate(options);
  return result.issues === undefined ? result.value : result.issues.map((issue) => issue.message).join('; ');
}

describe('direct options', () => {
  it('may all be left out', async () => expect(await check({})).to.deep.equal({}));

  it('take a host, normalised, a port, a family and socket options', async () => {
    const options = { host: '[2001:DB8::1]', port: 2222, family: 6, noDelay: true };
    expect(await check(options)).to.deep.equal({ ...options, host: '2001:db8::1' });
  });

  const refused: readonly (readonly [options: object, message: RegExp])[] = [
    [{ host: 'a b' }, /has a space or a control character/],
    [{ host: 22 }, /must be a host name or an address/],
    [{ port: 0 }, /must be a port from 1 to 65535/],
    [{ port: 70_000 }, /must be a port from 1 to 65535/],
    [{ family: 5 }, /must be any, 4 or 6/],
    [{ hots: 'x' }, /hots/],
  ];
  for (const [options, message] of refused) {
    it(`refuse ${JSON.stringify(options)}`, async () => expect(await check(options)).to.match(message));
  }
});
