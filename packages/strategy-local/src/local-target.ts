import { FdpassError, unixPath } from '@fdpass/core';

/** What the host of a target means, by the names of systemd-ssh-proxy(1). */
export type LocalTarget =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'vsock'; readonly cid: number }
  /** A unix socket that multiplexes vsock ports (Firecracker, cloud-hypervisor). */
  | { readonly kind: 'vsock-mux'; readonly path: string };

/** Where systemd's ssh-generator lets this machine's own sshd listen. */
const OWN_HOST_SOCKET = '/run/ssh-unix-local/socket';
const MAX_CID = 0xffff_ffff;

/**
 * `unix/PATH`, `unix%PATH`, `vsock/CID`, `vsock%CID`, `vsock-mux/PATH`, `vsock-mux%PATH` and `.host`; undefined for any
 * other host. @throws FdpassError `usage` for what is not a CID, and for `machine/NAME`.
 */
export function readLocalTarget(host: string): LocalTarget | undefined {
  if (host === '.host') return { kind: 'unix', path: OWN_HOST_SOCKET };
  const unix = unixPath(host);
  if (unix !== undefined) return { kind: 'unix', path: unix };
  const mux = /^vsock-mux([/%].+)$/s.exec(host)?.[1];
  if (mux !== undefined) return { kind: 'vsock-mux', path: unixPath(`unix${mux}`) ?? '' };
  const machine = /^machine[/%](.+)$/s.exec(host)?.[1];
  if (machine !== undefined) throw unsupportedMachine(host, machine);
  const cid = /^vsock[/%](.+)$/s.exec(host)?.[1];
  return cid === undefined ? undefined : { kind: 'vsock', cid: readCid(cid) };
}

/** systemd-ssh-proxy asks systemd-machined which CID or address a machine has. */
function unsupportedMachine(host: string, name: string): FdpassError {
  return new FdpassError(
    'usage',
    `${JSON.stringify(host)}: fdpass does not ask systemd-machined for machines by name`,
    {
      hint: `write vsock/CID with the VSockCID that "machinectl show ${name}" prints`,
    },
  );
}

function readCid(text: string): number {
  const cid = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (cid <= MAX_CID) return cid;
  throw new FdpassError('usage', 'this is not a vsock context id', {
    hint: 'write vsock/3, a whole number',
  });
}
