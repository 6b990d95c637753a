import type { FdAddress, FdDescription } from '@fdpass/core/sockets';

/** Variables of a program; undefined for one that it must not have. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Those of another connection, or that only a look-up of the addresses could tell (tcp-environ(5)). */
const STALE: Variables = Object.fromEntries(
  ['HOST', 'IP', 'PORT'].flatMap((what) => [`TCPLOCAL${what}`, `TCPREMOTE${what}`]).map((name) => [name, undefined]),
);

/** What a UCSPI client tells its program of the connection: for TCP the variables of tcpclient, without look-ups. */
export function ucspiVariables({ family, local, peer }: FdDescription): Variables {
  if (!family.startsWith('inet')) return { ...STALE, TCPREMOTEINFO: undefined, PROTO: family.toUpperCase() };
  return { ...STALE, TCPREMOTEINFO: undefined, PROTO: 'TCP', ...end('LOCAL', local), ...end('REMOTE', peer) };
}

function end(which: string, address: FdAddress | undefined): Variables {
  if (address === undefined || !('address' in address)) return {};
  return { [`TCP${which}IP`]: address.address, [`TCP${which}PORT`]: String(address.port) };
}
