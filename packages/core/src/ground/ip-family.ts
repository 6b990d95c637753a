import { isIPv4, isIPv6 } from 'node:net';

/**
 * The family of an address literal; 0 for a name. As `net.isIP`, but a text without a colon is not held against its
 * regular expression for IPv6, whose compilation takes longer than the rest of a dial.
 */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (text.includes(':')) return isIPv6(text) ? 6 : 0;
  return /\d$/.test(text) && isIPv4(text) ? 4 : 0;
}
