import type { Family, HostAddress } from './resolver.js';

/**
 * The addresses not tried yet, handed out in the order of RFC 8305 §4: `firstFamilyCount` addresses of the first
 * family, then the families in turn, so that one broken family costs one delay and not one for each of its addresses.
 *
 * Within a family the resolver's order is kept: getaddrinfo(3) has sorted it by RFC 6724. Addresses may be added at any
 * time; the choice is made when the next one is asked for, so that late ones take the place they would have had (§3).
 * One that was used before comes before the others of its family.
 */
export class AddressOrder {
  readonly #used: string | undefined;
  readonly #waiting: Readonly<Record<Family, HostAddress[]>> = { 4: [], 6: [] };
  #firstLeft: number;
  #last: Family | undefined;
  /** Can change until the first address is handed out. */
  firstFamily: Family = 6;

  /** @param used The address that was used the last time. */
  constructor(firstFamilyCount: number, used?: string) {
    this.#used = used;
    this.#firstLeft = firstFamilyCount;
  }

  /** The next address of a family; undefined if there is none for now. */
  peek(family: Family): HostAddress | undefined {
    return this.#waiting[family][0];
  }

  /** Adds addresses that have become known. */
  add(addresses: readonly HostAddress[]): void {
    for (const address of addresses) {
      if (address.host === this.#used) this.#waiting[address.family].unshift(address);
      else this.#waiting[address.family].push(address);
    }
  }

  /** Takes the next address out; undefined if there is none for now. */
  next(): HostAddress | undefined {
    const family = this.#nextFamily();
    const address = this.#waiting[family].shift();
    if (address === undefined) return undefined;
    if (family === this.firstFamily) this.#firstLeft--;
    this.#last = family;
    return address;
  }

  #nextFamily(): Family {
    const isFirstDue = this.#firstLeft > 0 || this.#last !== this.firstFamily;
    const due = isFirstDue ? this.firstFamily : other(this.firstFamily);
    return this.#waiting[due].length > 0 ? due : other(due);
  }
}

function other(family: Family): Family {
  return family === 4 ? 6 : 4;
}
