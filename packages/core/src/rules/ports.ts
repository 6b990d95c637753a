import { FdpassError } from '../ground/errors.js';

/** Ports from `first` to `last`, both included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `22`, `"22"` or `"2200-2299"`. @throws FdpassError `config` */
export function parsePortRange(source: string | number): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(String(source));
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (first >= 1 && last <= 65535 && first <= last) return { first, last };
  throw new FdpassError('config', `${JSON.stringify(source)} is neither a port nor a range of ports`, {
    hint: 'write a number from 1 to 65535 or a range as "2200-2299"',
  });
}

/** Whether `port` lies in one of the ranges. */
export function matchPort(ranges: readonly PortRange[], port: number): boolean {
  return ranges.some((range) => range.first <= port && port <= range.last);
}
