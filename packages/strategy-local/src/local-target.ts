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
 * other host. @throws FdpassError `usage` for what is not a CID.
 */
export function readLocalTarget(host: string): LocalTarget | undefined {
  if (host === '.host') return { kind: 'unix', path: OWN_HOST_SOCKET };
  const unix = unixPath(host);
  if (unix !== undefined) return { kind: 'unix', path: unix };
  const mux = /^vsock-mux([/%].+)$/s.exec(host)?.[1];
  if (mux !== undefined) return { kind: 'vsock-mux', path: unixPath(`unix${mux}`) ?? '' };
  const cid = /^vsock[/%](.+)$/s.exec(host)?.[1];
  return cid === undefined ? undefined : { kind: 'vsock', cid: readCid(cid) };
}

function readCid(text: string): number {
  const cid = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (cid <= MAX_CID) return cid;
  throw new FdpassError('usage', `${JSON.stringify(text)} is not a vsock context id`, {
    hint: 'write vsock/3, a whole number',
  });
}
