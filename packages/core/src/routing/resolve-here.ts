import type { Connection } from '../connection/connection.js';
import type { Candidate } from '../dial/attempt.js';
import type { DialContext } from '../dial/dialer.js';
import { connectFailed } from '../dial/failures.js';
import { race } from '../dial/race.js';
import { ipFamily } from '../ground/ip.js';
import { formatHostPort, type Target, targetKind } from '../ground/target.js';
import { AddressOrder } from '../lookup/address-order.js';
import { lookUp } from '../lookup/look-up.js';
import type { HostServices } from './strategy-host.js';

/** RFC 8305's Connection Attempt Delay. */
const ATTEMPT_DELAY_MS = 250;

type Dial = (target: Target, context: DialContext) => Promise<Connection>;

/**
 * A dial that looks the target's name up here, and is made for each of its addresses, in the order and with the delays of
 * Happy Eyeballs (RFC 8305, sections 4 and 5): the far end never sees the name.
 */
export function dialAddresses(dial: Dial, services: Pick<HostServices, 'clock' | 'resolve'>): Dial {
  return async (target, context) => {
    const { host, port } = target;
    if (targetKind(host) !== 'host' || ipFamily(host) !== 0) return dial(target, context);
    const addresses = await lookUp(host, 0, context, services);
    const order = new AddressOrder(1);
    order.firstFamily = addresses[0]?.family ?? order.firstFamily; // they are sorted by RFC 6724
    order.add(addresses);
    const candidates = addresses.flatMap((): Candidate<Connection>[] => {
      const address = order.next()?.host;
      if (address === undefined) return [];
      const open = (inner: DialContext): Promise<Connection> => dial({ ...target, host: address }, inner);
      return [{ label: formatHostPort(address, port), headStartMs: ATTEMPT_DELAY_MS, open }];
    });
    const place = formatHostPort(host, port);
    return race(
      candidates,
      { of: 'address', lost: (failures) => connectFailed(place, failures) },
      context,
      services.clock,
    );
  };
}
