import { createHash, timingSafeEqual } from 'node:crypto';

/** What clients have to know. */
export interface Password {
  /** Without a colon, which HTTP could not tell from the one after it. */
  readonly user: string;
  /** At most 255 bytes, which is all that SOCKS can say. */
  readonly password: string;
}

/** Whether a client's is right. It takes as long for one that is nearly right. */
export function isRight(given: Password, wanted: Password): boolean {
  return timingSafeEqual(digest(given), digest(wanted));
}

function digest({ user, password }: Password): Buffer {
  return createHash('sha256').update(`${user}:${password}`).digest();
}
