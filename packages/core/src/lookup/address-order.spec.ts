import { expect } from 'chai';
import { AddressOrder } from './address-order.js';
import type { Family, HostAddress } from './resolver.js';

/** Addresses by their names, which begin with the family. */
function addressesOf(names: readonly string[]): HostAddress[] {
  return names.map((host) => ({ family: host.startsWith('6') ? 6 : 4, host }));
}

function take(order: AddressOrder, count = 99): string[] {
  const taken: string[] = [];
  for (let next = order.next(); next !== undefined; next = order.next()) {
    taken.push(next.host);
    if (taken.length === count) break;
  }
  return taken;
}

describe('address order (RFC 8305 section 4)', () => {
  const table: readonly (readonly [first: Family, count: number, given: string, expected: string])[] = [
    [6, 1, '6a 6b 6c 4a 4b', '6a 4a 6b 4b 6c'],
    [6, 1, '4a 4b 4c 6a', '6a 4a 4b 4c'],
    [6, 2, '6a 6b 6c 6d 4a 4b', '6a 6b 4a 6c 4b 6d'],
    [6, 9, '6a 6b 4a', '6a 6b 4a'],
    [4, 1, '6a 6b 4a 4b', '4a 6a 4b 6b'],
    [4, 2, '6a 6b 4a 4b 4c', '4a 4b 6a 4c 6b'],
    [6, 1, '4a 4b', '4a 4b'],
    [6, 1, '', ''],
  ];
  for (const [first, count, given, expected] of table) {
    it(`of [${given}], IPv${first} first, ${count} of it`, () => {
      const order = new AddressOrder(count);
      order.firstFamily = first;
      order.add(addressesOf(given.split(' ').filter(Boolean)));
      expect(take(order).join(' ')).to.equal(expected);
    });
  }

  it('gives late addresses of the first family the next place, then alternates', () => {
    const order = new AddressOrder(1);
    order.add(addressesOf(['4a', '4b', '4c']));
    expect(take(order, 2)).to.deep.equal(['4a', '4b']);
    order.add(addressesOf(['6a', '6b']));
    expect(take(order)).to.deep.equal(['6a', '4c', '6b']);
  });

  it('gives late addresses of the other family their turn', () => {
    const order = new AddressOrder(1);
    order.add(addressesOf(['6a', '6b', '6c']));
    expect(take(order, 2)).to.deep.equal(['6a', '6b']);
    order.add(addressesOf(['4a', '4b']));
    expect(take(order)).to.deep.equal(['4a', '6c', '4b']);
  });
});
