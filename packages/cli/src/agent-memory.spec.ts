import { VirtualClock } from '@fdpass/testkit';
import { expect } from 'chai';
import { AgentMemory } from './agent-memory.js';

describe('what the agent remembers', () => {
  const signal = new AbortController().signal;
  let clock: VirtualClock;
  let network: string;
  let asked: string[];
  let memory: AgentMemory;
  beforeEach(() => {
    clock = new VirtualClock();
    [network, asked] = ['home', []];
    memory = new AgentMemory({
      clock,
      describeNetwork: () => network,
      async resolve(host, family) {
        asked.push(`${family} ${host}`);
        if (host === 'unknown.example') throw new Error('no such host');
        return [{ family: 4, host: '192.0.2.1' }];
      },
    });
  });

  const lookUp = (host: string, family: 0 | 4 | 6 = 4): Promise<unknown> =>
    memory.services.resolve(host, family, signal);

  it('are the addresses of a name, for ten seconds', async () => {
    await lookUp('a.example');
    await clock.advance(9999);
    expect(await lookUp('a.example')).to.deep.equal([{ family: 4, host: '192.0.2.1' }]);
    await lookUp('a.example', 6);
    await lookUp('b.example');
    expect(asked).to.deep.equal(['4 a.example', '6 a.example', '4 b.example']);
    await clock.advance(1);
    await lookUp('a.example');
    expect(asked).to.have.length(4);
  });

  it('are not those that several dials ask for at the same time: they ask once', async () => {
    await Promise.all([lookUp('a.example'), lookUp('a.example')]);
    expect(asked).to.have.length(1);
  });

  it('is not that there are none', async () => {
    for (let time = 0; time < 2; time++) await lookUp('unknown.example').catch(() => {});
    expect(asked).to.have.length(2);
  });

  it('are no addresses after a dial has failed', async () => {
    await lookUp('a.example');
    memory.forgetAddresses();
    await lookUp('a.example');
    expect(asked).to.have.length(2);
  });

  it('are not those that were asked for before all was forgotten', async () => {
    const answers: (() => void)[] = [];
    const resolve = (): Promise<{ family: 4; host: string }[]> =>
      new Promise((done) => answers.push(() => done([{ family: 4, host: `192.0.2.${answers.length}` }])));
    memory = new AgentMemory({ clock, describeNetwork: () => network, resolve });
    const before = lookUp('a.example');
    network = 'office';
    await clock.advance(1000);
    memory.refresh();
    answers[0]?.();
    expect(await before).to.deep.equal([{ family: 4, host: '192.0.2.1' }]);
    const after = lookUp('a.example');
    expect(answers).to.have.length(2);
    answers[1]?.();
    expect(await after).to.deep.equal([{ family: 4, host: '192.0.2.2' }]);
  });

  it('is nothing when the network has changed, which is looked at once a second', async () => {
    let made = 0;
    const open = async (): Promise<never> => {
      made += 1;
      throw new Error('refused');
    };
    const take = (): unknown => memory.services.standby.take({ key: 'a', count: 1, open });
    take();
    await lookUp('a.example');
    network = 'office';
    memory.refresh();
    await lookUp('a.example');
    expect(asked).to.have.length(1);
    await clock.advance(1000);
    memory.refresh();
    await lookUp('a.example');
    take(); // a pool that had failed would wait before it tries again
    await clock.advance(0);
    expect([asked.length, made]).to.deep.equal([2, 2]);
    memory.refresh();
    await lookUp('a.example');
    expect(asked).to.have.length(2);
  });

  it('is what conditions were answered, for five seconds in this network', async () => {
    let count = 0;
    const ask = (): Promise<unknown> =>
      memory.answers.find('exec ["true"]', async () => ({ holds: true, found: `status ${count++}` }));
    await ask();
    await clock.advance(4999);
    await ask();
    expect(count).to.equal(1);
    await clock.advance(1);
    await ask();
    expect(count).to.equal(2);
    network = 'office';
    memory.refresh();
    await ask();
    expect(count).to.equal(3);
  });

  it('is which candidate has won, for ten minutes in this network', async () => {
    const lastOf = (key: string): string | undefined => memory.services.winners.of(key).last;
    memory.services.winners.of('a').won('192.0.2.1:22');
    await clock.advance(10 * 60_000 - 1);
    expect([lastOf('a'), lastOf('b')]).to.deep.equal(['192.0.2.1:22', undefined]);
    network = 'office';
    memory.refresh();
    expect(lastOf('a')).to.equal(undefined);
    network = 'home';
    await clock.advance(1000);
    memory.refresh();
    expect(lastOf('a')).to.equal(undefined); // the time is over
  });
});
