import { expect } from 'chai';
import { askWhile } from './ask-while.js';

describe('asking about many hosts', () => {
  const hosts = Array.from({ length: 10 }, (_, number) => ({ host: `h${number}`, shown: `h${number}` }));
  const names = (list: readonly { readonly host: string }[]): string[] => list.map(({ host }) => host);

  it('ends when the time is over, and says who was left', async () => {
    let asked = 0;
    const { answers, unasked } = await askWhile(
      hosts,
      () => asked >= 6,
      async (host) => {
        asked++;
        await new Promise(setImmediate);
        return [host];
      },
    );
    expect(names(answers)).to.deep.equal(names(hosts.slice(0, 6)));
    expect(names(unasked)).to.deep.equal(names(hosts.slice(6)));
  });

  it('asks about all if there is time', async () => {
    const { answers, unasked } = await askWhile(
      hosts,
      () => false,
      async (host) => [host],
    );
    expect([names(answers), unasked]).to.deep.equal([names(hosts), []]);
  });
});
