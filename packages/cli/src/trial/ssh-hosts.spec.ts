import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeTarget } from '@fdpass/core';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { namedTarget, readPlace, sshHosts } from './ssh-hosts.js';

describe("the hosts of the user's ssh", () => {
  const home = temporaryFolder();
  const write = (name: string, ...lines: readonly string[]): void =>
    writeFileSync(join(home.path, '.ssh', name), `${lines.join('\n')}\n`);
  before(() => mkdirSync(join(home.path, '.ssh')));
  after(() => home.remove());

  it('are none where there are no files', () => expect(sshHosts(home.path)).to.deep.equal([]));

  it('are those that ssh_config names, its first values counting, then those of known_hosts', () => {
    write('config', 'Host nas', '  HostName nas.example', '  HostName late.example', '  User me', 'Include more');
    write(
      'more',
      'Host dev *.dev !x',
      '  HostName %h.example',
      '  Port 2222',
      'Match user x',
      '  Port 1',
      'Host nas',
      '  Port 7',
    );
    write(
      'known_hosts',
      '# comment',
      '',
      'a.example,192.0.2.1 ssh-ed25519 A',
      '[b.example]:2022 ssh-rsa A',
      '[2001:db8::1]:2022 ssh-rsa A',
      '2001:db8::2 ssh-rsa A',
      '|1|hash|ed ssh-rsa A',
      '@revoked c.example ssh-rsa A',
      '*.d.example ssh-rsa A',
      'not/a/host ssh-rsa A',
      'a.example ssh-rsa B',
    );
    expect(sshHosts(home.path)).to.deep.equal([
      { host: 'nas.example', port: 7, alias: 'nas', user: 'me' },
      { host: 'dev.example', port: 2222, alias: 'dev' },
      { host: 'a.example', port: 22 },
      { host: '192.0.2.1', port: 22 },
      { host: 'b.example', port: 2022 },
      { host: '2001:db8::1', port: 2022 },
      { host: '2001:db8::2', port: 22 },
    ]);
  });

  const PLACES: Readonly<Record<string, readonly [host: string, port: number | string]>> = {
    'host.example': ['host.example', 22],
    'host.example:2022': ['host.example', '2022'],
    '::1': ['::1', 22],
    '[::1]:2022': ['::1', '2022'],
    '[::1]': ['[::1]', 22],
  };
  for (const [written, [host, port]] of Object.entries(PLACES)) {
    it(`are read from ${written}`, () => expect(readPlace(written)).to.deep.equal({ host, port }));
  }

  it('are meant by their names, with another port if one is written', () => {
    const nas = makeTarget({ host: 'nas.example', port: 7, alias: 'nas', user: 'me' });
    expect(namedTarget('nas', [nas])).to.equal(nas);
    expect(namedTarget('nas:22', [nas])).to.deep.equal({ ...nas, port: 22 });
    expect(namedTarget('box:2022', [nas])).to.deep.equal({ host: 'box', port: 2022, alias: 'box' });
    expect(namedTarget('::1', [nas])).to.deep.equal({ host: '::1', port: 22, alias: '::1' });
  });
});
