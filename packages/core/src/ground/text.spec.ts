import { expect } from 'chai';
import { didYouMean, redactOptions, redactUrl } from './text.js';

describe('redact', () => {
  const urls: readonly (readonly [string, string])[] = [
    ['socks5://me:s3cret@proxy:1080', 'socks5://me:***@proxy:1080'],
    ['http://proxy:3128', 'http://proxy:3128'],
    ['https://me@proxy/path?token=s3cret#x', 'https://me@proxy/path?***'],
    ['http://a:p@ss:w0rd@proxy:1', 'http://a:***@proxy:1'],
    ['http://a:p/a?s#s@proxy:1', 'http://a:***@proxy:1'],
    ['http:a:s3cret@proxy:1', 'http:a:***@proxy:1'],
    ['http:\\\\a:s3cret@proxy:1', 'http:\\\\a:***@proxy:1'],
    ['a:s3cret@proxy:1', 'a:***@proxy:1'],
    ['//a:s3cret@proxy:1', '//a:***@proxy:1'],
    [' http://a:s3cret@proxy:1', ' http://a:***@proxy:1'],
    ['"http://a:s3cret@proxy:1"', '"http://a:***@proxy:1"'],
    ['see http://a:s3cret@proxy:1', 'see http:***@proxy:1'],
  ];
  for (const [url, shown] of urls) it(`shows ${shown}`, () => expect(redactUrl(url)).to.equal(shown));

  it('masks secrets at any depth and keeps where they come from', () => {
    const options = {
      url: 'http://u:s3cret@p:1',
      credentials: { username: 'u', password: 's3cret', passwordFile: '/f', passwordEnv: 'E' },
      headers: { 'Proxy-Authorization': 's3cret', 'X-Api-Key': 's3cret' },
      routes: [{ token: 's3cret' }, 'socks5://u:s3cret@h:1', ' socks5://u:s3cret@h:1', '//u:s3cret@h:1'],
    };
    const shown = JSON.stringify(redactOptions(options));
    expect(shown).to.not.contain('s3cret');
    expect(shown).to.contain('"passwordFile":"/f"').and.contain('"passwordEnv":"E"').and.contain('"username":"u"');
  });
});

describe('did you mean', () => {
  const known = ['check', 'connect', 'strategies', 'happy-eyeballs', 'jump', 'url'];
  const words: readonly (readonly [word: string, near: string | undefined])[] = [
    ['chekc', 'check'],
    ['CHECK', 'check'],
    ['conect', 'connect'],
    ['strategy', 'strategies'], // a third of the longer one
    ['happyeyeballs', 'happy-eyeballs'],
    ['ulr', 'url'],
    ['jup', 'jump'],
    ['ju', undefined],
    ['host.example', undefined],
    ['', undefined],
  ];
  for (const [word, near] of words) {
    it(`${JSON.stringify(word)}: ${near ?? 'nothing'}`, () =>
      expect(didYouMean(word, known)).to.equal(near && `did you mean "${near}"?`));
  }
});
