import { lookup as nodeLookup } from 'node:dns/promises';
import { setMaxListeners } from 'node:events';
import { expect } from 'chai';
import { errnoName } from '../ground/system-error.js';
import { fakeSys, systemError } from '../sys/fake-sys.spec.helper.js';
import { detectPlatform } from '../sys/platform.js';
import { AF_INET, encodeSockaddr } from '../sys/sockaddr.js';
import { LibcLookups, libcResolver, systemResolver } from './resolver.js';

const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER); // a thousand look-ups listen to it at the same time

describe('the look-up by libc', () => {
  it('answers as dns.lookup does', async () => {
    const node = await nodeLookup('localhost', { all: true, verbatim: true });
    const ours = await libcResolver('localhost', 0, NEVER);
    expect(ours).to.deep.equal(node.map(({ address, family }) => ({ host: address, family })));
  });

  it('answers for one family', async () => {
    expect(await libcResolver('127.0.0.1', 4, NEVER)).to.deep.equal([{ host: '127.0.0.1', family: 4 }]);
    expect(await libcResolver('2001:DB8::0:1', 6, NEVER)).to.deep.equal([{ host: '2001:db8::1', family: 6 }]);
  });

  it('keeps the zone of an address, by the name of its interface', async () => {
    expect(await libcResolver('fe80::1%lo', 6, NEVER)).to.deep.equal([{ host: 'fe80::1%lo', family: 6 }]);
  });

  it('answers a thousand at once, each its own', async () => {
    const hosts = Array.from({ length: 1000 }, (_, index) => `127.${index >> 8}.${index & 255}.1`);
    const answers = await Promise.all(hosts.map((host) => libcResolver(host, 0, NEVER)));
    expect(answers.map(([address]) => address?.host)).to.deep.equal(hosts);
  });

  it('completes what Node answers, which has no interface in it', async () => {
    const dns = process.getBuiltinModule('node:dns');
    const { lookup } = dns;
    const answer = (_host: string, _options: object, done: (error: null, found: object[]) => void): void =>
      done(null, [{ address: 'fe80::1', family: 6 }]);
    dns.lookup = answer as unknown as typeof lookup;
    try {
      expect(await systemResolver('fe80::1%lo', 6, NEVER)).to.deep.equal([{ host: 'fe80::1%lo', family: 6 }]);
    } finally {
      dns.lookup = lookup;
    }
  });

  it('keeps what it lent to other threads from being collected', async () => {
    for (let round = 0; round < 20; round++) {
      const answers = Array.from({ length: 50 }, () => libcResolver('127.0.0.1', 4, NEVER));
      for (let size = 0; size < 100; size++) Buffer.alloc(1 << 16);
      expect((await Promise.all(answers)).flat()).to.have.length(50);
    }
  });
});

describe('look-ups by libc that a test answers', () => {
  const platform = detectPlatform();
  const numbers: Readonly<Record<string, number>> = { eth0: 3, wlan0: 5 };

  function sockaddr(host: string): Buffer {
    const family = host.includes(':') ? 6 : 4;
    return encodeSockaddr({ family, host, port: 0 }, platform, (zone) => numbers[zone]);
  }

  it('are at most 64 at a time, and one that fails makes room as one that succeeds does', async () => {
    const pending: { readonly host: string; settle(error?: Error): void }[] = [];
    const getaddrinfo = (host: string): Promise<readonly Buffer[]> =>
      new Promise((resolve, reject) => {
        const settle = (error?: Error): void =>
          error === undefined ? resolve([sockaddr('192.0.2.1')]) : reject(error);
        pending.push({ host, settle });
      });
    const lookups = new LibcLookups(() => fakeSys({ getaddrinfo }));
    const names = Array.from({ length: 200 }, (_, index) => `host${index}`);
    const asking = names.map((name) => lookups.ask(name, 4).then(String, errnoName));
    const asked: string[] = [];
    const underWay: number[] = [];
    while (asked.length < names.length) {
      await new Promise(setImmediate);
      underWay.push(pending.length);
      const [first] = pending.splice(0, 1);
      if (first === undefined) throw new Error('nothing is under way');
      asked.push(first.host);
      first.settle(asked.length % 2 === 0 ? systemError('EAI_AGAIN') : undefined);
    }
    expect(Math.max(...underWay)).to.equal(64);
    expect(underWay.slice(0, 137).every((count) => count === 64)).to.equal(true);
    expect(asked).to.deep.equal(names);
    expect((await Promise.all(asking)).filter((answer) => answer === 'EAI_AGAIN')).to.have.length(100);
    const again = names.map((name) => lookups.ask(name, 4));
    await new Promise(setImmediate);
    expect(pending).to.have.length(64);
    void Promise.all(again);
  });

  /** What glibc answers when asked without a family, and what of that for one: without the interfaces. */
  function answering(answers: readonly string[]): { readonly asked: number[]; readonly lookups: LibcLookups } {
    const asked: number[] = [];
    const lookups = new LibcLookups(() =>
      fakeSys({
        interfaceName: (index) => Object.keys(numbers).find((name) => numbers[name] === index),
        async getaddrinfo(_, family) {
          asked.push(family);
          const fitting = answers.filter((host) => family === 0 || host.includes(':') === (family !== AF_INET));
          return fitting.map((host) => sockaddr(family === 0 ? host : host.replace(/%.*/, '')));
        },
      }),
    );
    return { asked, lookups };
  }

  it('ask without a family once more for the interface of a link-local address', async () => {
    const { asked, lookups } = answering(['fe80::1%eth0', '2001:db8::1', 'fe80::1%wlan0', 'fe80::2', '192.0.2.1']);
    const found = await lookups.ask('printer.local', 6);
    expect([...new Set(found.map(({ address }) => address))]).to.deep.equal([
      'fe80::1%eth0',
      'fe80::1%wlan0',
      '2001:db8::1',
      'fe80::2',
    ]);
    expect(asked).to.deep.equal([platform.constants.AF_INET6, 0]);
  });

  it('ask once where nothing is link-local, and where no family was asked for', async () => {
    const { asked, lookups } = answering(['2001:db8::1', '192.0.2.1']);
    await lookups.ask('host.example', 6);
    await lookups.ask('host.example', 4);
    const { asked: both, lookups: others } = answering(['fe80::1%eth0', 'fe80::2']);
    expect((await others.ask('printer.local', 0)).map(({ address }) => address)).to.deep.equal([
      'fe80::1%eth0',
      'fe80::2',
    ]);
    expect([asked, both]).to.deep.equal([[platform.constants.AF_INET6, AF_INET], [0]]);
  });

  it('give a link-local address as it is where the second question fails', async () => {
    const lookups = new LibcLookups(() =>
      fakeSys({
        getaddrinfo: async (_, family) => {
          if (family === 0) throw systemError('EAI_AGAIN');
          return [sockaddr('fe80::1')];
        },
      }),
    );
    expect(await lookups.ask('printer.local', 6)).to.deep.equal([{ address: 'fe80::1', family: 6 }]);
  });
});
