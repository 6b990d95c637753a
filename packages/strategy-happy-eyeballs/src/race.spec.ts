import { contextOf } from '@fdpass/testkit';
import { expect } from 'chai';
import { FakeNetwork, type World } from './fake-network.spec.js';
import type { HappyEyeballsOptions } from './index.js';

interface Row {
  readonly what: string;
  readonly world: World;
  readonly options?: HappyEyeballsOptions;
  readonly host?: string;
  /** Every attempt with the time it starts. */
  readonly tries: string;
  /** When who has connected. */
  readonly won: string;
}

const BOTH: World = { aaaa: [10, ['6a']], a: [10, ['4a']], hosts: { '6a': [20, 'ok'], '4a': [20, 'ok'] } };
const SILENT_IPV6: World = { aaaa: [0, ['6a']], a: [0, ['4a']], hosts: { '4a': [1, 'ok'] } };

const TABLE: readonly Row[] = [
  { what: 'tries only the first address if that answers in time', world: BOTH, tries: '10 6a', won: '30 6a' },
  {
    what: 'starts the next attempt after the connection attempt delay',
    world: { ...BOTH, hosts: { '4a': [20, 'ok'] } },
    tries: '10 6a, 260 4a',
    won: '280 4a',
  },
  {
    what: 'starts the next attempt at once when one fails',
    world: { ...BOTH, hosts: { '6a': [5, 'ECONNREFUSED'], '4a': [20, 'ok'] } },
    tries: '10 6a, 15 4a',
    won: '35 4a',
  },
  {
    what: 'lets a slow first attempt win against later ones',
    world: { ...BOTH, hosts: { '6a': [400, 'ok'], '4a': [400, 'ok'] } },
    tries: '10 6a, 260 4a',
    won: '410 6a',
  },
  {
    what: 'takes one socket when two connect at the same moment',
    world: { ...BOTH, hosts: { '6a': [300, 'ok'], '4a': [50, 'ok'] } },
    tries: '10 6a, 260 4a',
    won: '310 6a',
  },
  {
    what: 'does not hurry the attempt after next when an older attempt fails',
    world: { aaaa: [0, ['6a', '6b']], a: [0, ['4a']], hosts: { '6a': [300, 'ECONNRESET'], '6b': [1, 'ok'] } },
    tries: '0 6a, 250 4a, 500 6b',
    won: '501 6b',
  },
  {
    what: 'alternates between the families',
    world: { aaaa: [0, ['6a', '6b', '6c']], a: [0, ['4a', '4b']], hosts: { '6c': [1, 'ok'] } },
    tries: '0 6a, 250 4a, 500 6b, 750 4b, 1000 6c',
    won: '1001 6c',
  },
  {
    what: 'tries as many of the first family first as it is told',
    world: { aaaa: [0, ['6a', '6b', '6c']], a: [0, ['4a', '4b']], hosts: { '4b': [1, 'ok'] } },
    options: { firstFamilyCount: 2, attemptDelay: 10 },
    tries: '0 6a, 10 6b, 20 4a, 30 6c, 40 4b',
    won: '41 4b',
  },
  {
    what: 'waits the resolution delay for IPv6 when IPv4 is known first, and prefers it then',
    world: { ...BOTH, aaaa: [59, ['6a']] },
    tries: '59 6a',
    won: '79 6a',
  },
  {
    what: 'goes on with IPv4 when the resolution delay has passed',
    world: { ...BOTH, aaaa: [61, ['6a']] },
    tries: '60 4a',
    won: '80 4a',
  },
  {
    what: 'ends the resolution delay when there is no IPv6 address',
    world: { ...BOTH, aaaa: [30, 'ENOTFOUND'] },
    tries: '30 4a',
    won: '50 4a',
  },
  {
    what: 'ends the resolution delay when the IPv6 look-up fails for the time being',
    world: { ...BOTH, aaaa: [30, 'EAI_AGAIN'] },
    tries: '30 4a',
    won: '50 4a',
  },
  {
    what: 'takes another resolution delay',
    world: { ...BOTH, aaaa: [200, ['6a']] },
    options: { resolutionDelay: 100 },
    tries: '110 4a',
    won: '130 4a',
  },
  {
    what: 'does not wait for IPv4 when IPv6 is known first',
    world: { ...BOTH, a: [9000, ['4a']] },
    tries: '10 6a',
    won: '30 6a',
  },
  {
    what: 'prefers IPv4 where that is told to go first',
    world: { ...BOTH, a: [40, ['4a']] },
    options: { firstFamily: 4 },
    tries: '40 4a',
    won: '60 4a',
  },
  {
    what: 'begins with IPv4 where the system does',
    world: { ...BOTH, after4: ['6a'] },
    tries: '10 4a',
    won: '30 4a',
  },
  {
    what: 'waits the resolution delay for IPv4 where the system begins with that',
    world: { ...BOTH, a: [59, ['4a']], after4: ['6a'] },
    tries: '59 4a',
    won: '79 4a',
  },
  {
    what: 'goes on with IPv6 when the resolution delay has passed',
    world: { ...BOTH, a: [61, ['4a']], after4: ['6a'] },
    tries: '60 6a',
    won: '80 6a',
  },
  {
    what: 'goes on with IPv6 at once when there is no IPv4 address',
    world: { ...BOTH, a: [30, 'ENOTFOUND'], after4: ['6a'] },
    tries: '30 6a',
    won: '50 6a',
  },
  {
    what: 'waits the resolution delay for IPv6 even where the system could begin with IPv4',
    world: { ...BOTH, aaaa: [40, ['6b']], hosts: { '6b': [1, 'ok'] }, after4: ['6a'] },
    tries: '40 6b',
    won: '41 6b',
  },
  {
    what: 'alternates from the family that the system begins with',
    world: { aaaa: [0, ['6a', '6b']], a: [0, ['4a', '4b']], hosts: { '6b': [1, 'ok'] }, after4: ['6a'] },
    tries: '0 4a, 250 6a, 500 4b, 750 6b',
    won: '751 6b',
  },
  {
    what: 'begins with the family that it is told',
    world: { ...BOTH, after4: ['6a'] },
    options: { firstFamily: 6 },
    tries: '10 6a',
    won: '30 6a',
  },
  {
    what: 'puts late addresses in their place among those not tried yet',
    world: { aaaa: [320, ['6a', '6b']], a: [0, ['4a', '4b', '4c']], hosts: { '6b': [1, 'ok'] } },
    tries: '50 4a, 300 4b, 550 6a, 800 4c, 1050 6b',
    won: '1051 6b',
  },
  {
    what: 'keeps to the order that it has begun with',
    world: {
      aaaa: [320, ['6a', '6b']],
      a: [0, ['4a', '4b', '4c']],
      hosts: { '6b': [1, 'ok'] },
      after4: ['6a', '6b'],
    },
    tries: '50 4a, 300 4b, 550 6a, 800 4c, 1050 6b',
    won: '1051 6b',
  },
  {
    what: 'makes late addresses wait for the attempt delay that runs',
    world: { aaaa: [0, ['6a']], a: [100, ['4a']], hosts: { '4a': [1, 'ok'] } },
    tries: '0 6a, 250 4a',
    won: '251 4a',
  },
  {
    what: 'tries late addresses at once when the attempt delay is over',
    world: { aaaa: [0, ['6a']], a: [600, ['4a']], hosts: { '4a': [1, 'ok'] } },
    tries: '0 6a, 600 4a',
    won: '601 4a',
  },
  {
    what: 'waits for a look-up that is still open when every attempt has failed',
    world: { aaaa: [0, ['6a']], a: [7000, ['4a']], hosts: { '6a': [5, 'ECONNREFUSED'], '4a': [1, 'ok'] } },
    tries: '0 6a, 7000 4a',
    won: '7001 4a',
  },
  {
    what: 'gives up an attempt after the attempt time-out',
    world: SILENT_IPV6,
    options: { attemptTimeout: 100 },
    tries: '0 6a, 100 4a',
    won: '101 4a',
  },
  {
    what: 'asks for one family only',
    world: BOTH,
    options: { family: 4 },
    tries: '10 4a',
    won: '30 4a',
  },
  {
    what: 'uses the family of the source address',
    world: BOTH,
    options: { bindAddress: '192.0.2.1' },
    tries: '10 4a',
    won: '30 4a',
  },
  {
    what: 'looks up no literal',
    world: { aaaa: [0, 'EAI_AGAIN'], a: [0, 'EAI_AGAIN'], hosts: { 'fe80::1%eth0': [3, 'ok'] } },
    host: 'fe80::1%eth0',
    tries: '0 fe80::1%eth0',
    won: '3 fe80::1%eth0',
  },
];

describe('happy eyeballs on a virtual clock', () => {
  for (const { what, world, options, host, tries, won } of TABLE) {
    it(what, async () => {
      const network = new FakeNetwork(world);
      let wonAt = Number.NaN;
      const dialling = network.dial(options, host).then((connection) => {
        wonAt = network.clock.now();
        return connection;
      });
      await network.clock.runAll();
      const connection = await dialling;
      const winner = [...network.connections].find(([, candidate]) => candidate === connection)?.[0];
      expect(network.tries().join(', ')).to.equal(tries);
      expect(`${wonAt} ${winner}`).to.equal(won);
      network.expectClean(connection);
    });
  }

  it('asks for both families at the same time, AAAA first', async () => {
    const network = new FakeNetwork(BOTH);
    const dialling = network.dial();
    expect(network.log).to.deep.equal(['0 ask 6', '0 ask 4']);
    await network.clock.runAll();
    await dialling;
  });

  it('does not ask the system for an order where there is nothing to choose from', async () => {
    const one: World = { a: [10, 'ENOTFOUND'], aaaa: [20, ['6a']], hosts: { '6a': [1, 'ok'], '::1': [1, 'ok'] } };
    for (const host of ['host.example', '::1']) {
      const network = new FakeNetwork(one);
      const dialling = network.dial({}, host);
      await network.clock.runAll();
      await dialling;
      expect(network.comparisons).to.equal(0);
    }
  });

  it('closes the losers and stops every timer in the moment of the win', async () => {
    const world: World = { aaaa: [0, ['6a', '6b']], a: [0, ['4a']], hosts: { '6b': [10, 'ok'] } };
    const network = new FakeNetwork(world);
    const dialling = network.dial({ attemptTimeout: 5000 });
    await network.clock.advance(510);
    network.expectClean(await dialling);
    expect(network.clock.pending).to.equal(0);
    expect(network.log.slice(-2)).to.deep.equal(['510 close 6a', '510 close 4a']);
  });

  it('destroys a connection that comes although its attempt was called off', async () => {
    const late = new FakeNetwork({ ...SILENT_IPV6, hosts: { '6a': [900, 'ok'], '4a': [1, 'ok'] } });
    const { open } = late;
    const deaf: typeof open = (address, options) => open(address, options, contextOf());
    Object.assign(late, { open: deaf });
    const dialling = late.dial();
    await late.clock.runAll();
    late.expectClean(await dialling);
    expect([...late.connections.keys()]).to.deep.equal(['4a', '6a']);
  });

  it('traces look-ups, attempts and the winner, with times', async () => {
    const network = new FakeNetwork({ ...BOTH, hosts: { '6a': [5, 'ECONNREFUSED'], '4a': [20, 'ok'] } });
    const dialling = network.dial();
    await network.clock.runAll();
    await dialling;
    expect(network.events).to.deep.equal([
      { event: 'look-up', host: 'host.example', family: 6 },
      { event: 'look-up', host: 'host.example', family: 4 },
      { event: 'resolve', host: 'host.example', family: 6, ms: 10, addresses: ['6a'] },
      { event: 'attempt', address: '6a:22' },
      { event: 'resolve', host: 'host.example', family: 4, ms: 10, addresses: ['4a'] },
      { event: 'attempt-failed', address: '6a:22', ms: 5, reason: 'connection refused' },
      { event: 'attempt', address: '4a:22' },
      { event: 'connected', address: '4a:22', ms: 20 },
    ]);
  });
});
