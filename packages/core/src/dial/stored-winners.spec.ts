import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { useFolder } from '../config/folder.spec.helper.js';
import { StoredWinners } from './stored-winners.js';

const HOUR_MS = 3_600_000;

describe('winners that are stored', () => {
  const folder = useFolder();
  let network = 'home';
  let now = 0;
  beforeEach(() => {
    [network, now] = ['home', 1_000_000];
  });

  const file = (): string => folder.path('cache/fdpass/winners.json');

  /** As another process has it. */
  function winners(place: () => string | undefined = file): StoredWinners {
    return new StoredWinners({ file: place, network: () => network, now: () => now });
  }

  it('are known to the next process, for as long as it wants, and in that network', () => {
    winners().of('key', HOUR_MS).won('b');
    const last = (key: string, keepMs?: number): string | undefined => winners().of(key, keepMs).last;
    expect([last('key', HOUR_MS), last('other', HOUR_MS), last('key'), last('key', 0)]).to.deep.equal([
      'b',
      undefined,
      undefined,
      undefined,
    ]);
    network = 'office';
    expect(last('key', HOUR_MS)).to.equal(undefined);
    winners().of('key', HOUR_MS).won('c');
    expect(last('key', HOUR_MS)).to.equal('c');
    network = 'home';
    expect(last('key', HOUR_MS)).to.equal('b');
    now += HOUR_MS - 1;
    expect([last('key', HOUR_MS), last('key', HOUR_MS / 2)]).to.deep.equal(['b', undefined]);
    now += 1;
    expect(last('key', HOUR_MS)).to.equal(undefined);
    now = 0; // a clock that was put back
    expect(last('key', HOUR_MS)).to.equal(undefined);
  });

  it('are not kept longer because they have won again', () => {
    winners().of('key', HOUR_MS).won('b');
    now += HOUR_MS - 1;
    winners().of('key', HOUR_MS).won('b');
    now += 1;
    expect(winners().of('key', HOUR_MS).last).to.equal(undefined);
  });

  it('are for nobody else to read, and say nothing of the addresses of this machine', () => {
    network = '[["eth0",[["192.0.2.7/24","02:00:00:00:00:01"]]]]';
    winners().of('key', HOUR_MS).won('b');
    expect(statSync(file()).mode & 0o777).to.equal(0o600);
    expect(readFileSync(file(), 'utf8')).not.to.match(/192|eth0/);
  });

  it('are not stored where nobody wants that, or where there is no place', () => {
    winners().of('key').won('b');
    winners().of('key', 0).won('b');
    expect(existsSync(file())).to.equal(false);
    winners(() => undefined)
      .of('key', HOUR_MS)
      .won('b');
    const nowhere = (): string => '/dev/null/winners.json';
    winners(nowhere).of('key', HOUR_MS).won('b');
    expect(winners(nowhere).of('key', HOUR_MS).last).to.equal(undefined);
  });

  it('are forgotten if the file is damaged, a link, or one that others can write', () => {
    const stored = (): string | undefined => winners().of('key', HOUR_MS).last;
    const store = (): void => winners().of('key', HOUR_MS).won('b');
    store();
    for (const text of ['', '{', 'null', '{}', '[1, {"key": "key"}]']) {
      writeFileSync(file(), text);
      expect(stored(), text).to.equal(undefined);
      store();
      expect(stored(), text).to.equal('b');
    }
    chmodSync(file(), 0o622);
    expect(stored()).to.equal(undefined);
    store();
    expect(stored()).to.equal('b');
    chmodSync(folder.path('cache/fdpass'), 0o777);
    expect(stored()).to.equal(undefined);
    chmodSync(folder.path('cache/fdpass'), 0o700);
    mkdirSync(folder.path('other'), { mode: 0o700 });
    symlinkSync(file(), folder.path('other/winners.json'));
    expect(winners(() => folder.path('other/winners.json')).of('key', HOUR_MS).last).to.equal(undefined);
  });

  it('are the newest 500', () => {
    for (let index = 0; index < 503; index++) winners().of(`key ${index}`, HOUR_MS).won('b');
    const known = (index: number): boolean => winners().of(`key ${index}`, HOUR_MS).last === 'b';
    expect([known(2), known(3), known(502)]).to.deep.equal([false, true, true]);
  });
});
