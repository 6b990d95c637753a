import { existsSync, readdirSync, readlinkSync } from 'node:fs';

/** The sockets and pipes this process has open; nothing where the system does not tell. */
export function openDescriptors(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
      } catch {
        return []; // the descriptor of this very listing
      }
    })
    .filter((entry) => /socket:|pipe:/.test(entry));
}
