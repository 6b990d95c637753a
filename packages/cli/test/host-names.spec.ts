import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FdpassError, isFdpassError, type Strategy, type Target } from '@fdpass/core';
import { temporaryFolder } from '@fdpass/test-lab';
import { expect } from 'chai';
import { createDialer } from '../dist/index.js';
import { fdpass } from './commands.spec.helper.js';

/* Law 7: every host name that a strategy is given consists of allowed characters, regardless of where it came from. */

const ALLOWED = /^[a-z0-9._~][a-z0-9._~-]*$/;

/** Every character of ASCII, as it is and in its full-width form, in the middle of a name and in front. */
const NAMES: readonly string[] = Array.from({ length: 94 }, (_, index) => 33 + index).flatMap((code) =>
  [code, code - 0x20 + 0xff00].flatMap((each) => [
    `a${String.fromCharCode(each)}b.c`,
    `${String.fromCharCode(each)}b.c`,
  ]),
);

const END = 'the last hop was reached';

/** A first hop that notes what it is given. It takes every kind of target, and expects no kind but a host. */
function recorder(seen: Target[]): Strategy {
  return {
    name: 'recorder',
    firstOnly: true,
    targets: ['host', 'unix', 'vsock', 'machine'],
    create: () => ({
      dial: (target) => {
        seen.push(target);
        return Promise.reject(new FdpassError('unreachable', END));
      },
    }),
  };
}

/** A third party's strategy that dials whatever it likes. */
function forwarder(name: () => string): Strategy {
  return {
    name: 'forwarder',
    create: (_, host) => ({ dial: ({ port }, context) => host.forward.dial({ host: name(), port }, context) }),
  };
}

/** Where a name comes from: the host that is dialled, and the route. */
const ENTRIES: Readonly<Record<string, (name: string) => { readonly host: string; readonly via: unknown }>> = {
  'a target': (name) => ({ host: name, via: 'recorder' }),
  'the option of hosts': (name) => ({ host: 'x', via: ['recorder', { hosts: [name] }] }),
  'the URL of a SOCKS proxy': (name) => ({ host: 'x', via: ['recorder', `socks5h://${name}:1080`] }),
  'the URL of an HTTP proxy': (name) => ({
    host: 'x',
    via: ['recorder', { strategy: 'http-connect', url: `http://${name}` }],
  }),
  'a strategy that forwards': () => ({ host: 'x', via: ['recorder', 'forwarder'] }),
};

describe('host names', () => {
  const folder = temporaryFolder();
  after(() => folder.remove());

  for (const [entry, of] of Object.entries(ENTRIES)) {
    it(`from ${entry} are in the allow-list when a strategy gets them`, async () => {
      const seen: Target[] = [];
      let current = '';
      const dialer = createDialer({ config: false, plugins: [recorder(seen), forwarder(() => current)] });
      for (const name of NAMES) {
        current = name;
        const { host, via } = of(name);
        const error: unknown = await dialer.dial({ host, port: 22 }, { via }).catch((reason: unknown) => reason);
        if (!isFdpassError(error)) throw error;
        expect(
          error.message.includes(END) || ['usage', 'config'].includes(error.code),
          `${name}: ${error.message}`,
        ).to.equal(true);
      }
      expect(seen.map(({ host }) => host).filter((host) => !ALLOWED.test(host))).to.deep.equal([]);
      expect(new Set(seen.map(({ host }) => host)).size, 'different names').to.be.greaterThan(60);
      await dialer.close();
    });
  }

  it('that would be commands in full-width letters never reach a legacy command', async () => {
    const mark = join(folder.path, 'mark');
    const use = { strategy: 'command', command: ['sh', '-c', 'echo %h; exit 1'], patience: '20s' };
    const config = join(folder.path, 'config.json');
    writeFileSync(config, JSON.stringify({ rules: [{ use }] }), { mode: 0o600 });
    for (const host of [
      '＄（id＞mark）',
      '；touch＄｛IFS｝mark；',
      '－oProxyCommand',
      'unix/$(id)',
      'x/$(id)',
      'vsock%1;id',
    ]) {
      const { status, stderr } = await fdpass(['--stdio', '--config', config, host, '22']);
      expect([64, 78], `${host}: ${stderr}`).to.include(status);
      expect(stderr.trim().split('\n'), stderr).to.have.length(1);
    }
    expect(existsSync(mark)).to.equal(false);
  });

  it('of other kinds are refused by strategies that do not declare them', async () => {
    for (const [host, kind] of [
      ['unix%run', 'a unix socket'],
      ['vsock%3', 'a virtual machine'],
      ['.host', 'a local machine'],
    ] as const) {
      const { status, stderr } = await fdpass(['--stdio', '--via', 'socks5://127.0.0.1:1', host, '22']);
      expect(status).to.equal(78);
      expect(stderr).to.include(
        `: socks5://127.0.0.1:1: cannot reach "${host}": it is ${kind}; add a rule for such names with "use: local"`,
      );
    }
  });
});
