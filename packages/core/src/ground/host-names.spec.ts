import { expect } from 'chai';
import { isFdpassError } from './errors.js';
import { ipFamily } from './ip.js';
import { Random } from './random.spec.helper.js';
import { randomHost } from './random-host.spec.helper.js';
import { normalizeHost } from './read-target.js';
import { targetKind } from './target.js';

describe('host names', () => {
  it('of 20,000 random texts are refused, or in the allow-list, and normal from then on', () => {
    const random = new Random(5);
    const seen = { refused: 0, name: 0, address: 0, local: 0 };
    for (let i = 0; i < 20_000; i++) {
      const text = randomHost(random);
      let host: string;
      try {
        host = normalizeHost(text);
      } catch (error) {
        expect(isFdpassError(error) && error.code, JSON.stringify(text)).to.equal('usage');
        seen.refused++;
        continue;
      }
      expect(normalizeHost(host), JSON.stringify(text)).to.equal(host);
      if (targetKind(host) !== 'host') {
        expect(host, JSON.stringify(text)).to.match(
          /^(\.host|(unix|vsock-mux)[/%].+|vsock[/%]\d+|machine[/%][\w.~][\w.~-]*)$/s,
        );
        seen.local++;
      } else if (ipFamily(host) !== 0) {
        seen.address++;
      } else {
        expect(host, JSON.stringify(text)).to.match(/^[a-z0-9._~][a-z0-9._~-]*$/);
        seen.name++;
      }
    }
    for (const [kind, count] of Object.entries(seen)) expect(count, kind).to.be.greaterThan(100);
  });
});
