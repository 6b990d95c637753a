import { expect } from 'chai';
import { chooseProxy, readVariables } from './environment.js';

const CASES: readonly [env: Record<string, string>, for22: string | undefined, for443: string | undefined][] = [
  [{}, undefined, undefined],
  [{ ALL_PROXY: '' }, undefined, undefined],
  [{ ALL_PROXY: 'socks5h://p:1080' }, 'socks5h://p:1080', 'socks5h://p:1080'],
  [{ HTTPS_PROXY: 'http://p:3128' }, 'http://p:3128', 'http://p:3128'],
  [{ ALL_PROXY: 'http://a', HTTPS_PROXY: 'http://b' }, 'http://a', 'http://b'],
  [{ all_proxy: 'http://lower', ALL_PROXY: 'http://upper' }, 'http://lower', 'http://lower'],
  [{ all_proxy: '', ALL_PROXY: 'http://upper' }, 'http://upper', 'http://upper'],
  [{ ALL_PROXY: 'proxy:3128' }, 'http://proxy:3128', 'http://proxy:3128'],
  [{ ALL_PROXY: 'me:pw@proxy:3128' }, 'http://me:pw@proxy:3128', 'http://me:pw@proxy:3128'],
  [{ ALL_PROXY: 'SOCKS5://p' }, 'SOCKS5://p', 'SOCKS5://p'],
  [{ HTTP_PROXY: 'http://p', FTP_PROXY: 'http://p' }, undefined, undefined],
];

describe('env: proxy variables', () => {
  for (const [env, for22, for443] of CASES) {
    it(JSON.stringify(env), () => {
      const variables = readVariables(env);
      expect([22, 443].map((port) => chooseProxy(variables, port)?.proxy)).to.deep.equal([for22, for443]);
    });
  }

  it('reads NO_PROXY in either case, lower first', () => {
    const read = (env: Record<string, string>): string[] => Object.values(readVariables(env).no);
    expect(read({ NO_PROXY: 'a', no_proxy: 'b' })).to.deep.equal(['b', 'no_proxy']);
    expect(read({ NO_PROXY: 'a' })).to.deep.equal(['a', 'NO_PROXY']);
    expect(read({})).to.deep.equal(['', 'NO_PROXY']);
  });
});
