import type { Chain, Dialer, TlsPlace } from '../dial/dialer.js';
import { showHost } from '../ground/shown.js';
import type { Target } from '../ground/target.js';
import { kernelHasTls } from '../sys/kernel-has-tls.js';
import type { TlsOptions } from './tls.js';

/** A proxy, and what is before it: a part of what {@link reachProxy} takes. */
export interface ProxyPlace {
  readonly proxy: { readonly target: Target; readonly scheme: { readonly tls?: boolean } };
  /** The hop's `tls` options. */
  readonly tls?: TlsOptions | undefined;
  /** The hops before this one. */
  readonly forward: Chain;
}

/** What a strategy can say of connections through a proxy before it dials: parts of its dialer. */
export type ProxyTraits = Required<Pick<Dialer, 'needsRelay' | 'tls' | 'explain'>>;

/**
 * The traits of connections that {@link reachProxy} gives: whether they need a relay, and what does TLS.
 *
 * @param hasTls Whether the kernel can do TLS. Default: it is asked, each time.
 */
export function proxyTraits(place: ProxyPlace, hasTls: () => boolean = kernelHasTls): ProxyTraits {
  const { proxy, forward } = place;
  const tls = (): TlsPlace | undefined => tlsPlace(place, hasTls);
  return {
    needsRelay: () => forward.needsRelay(proxy.target) || tls()?.by === 'process',
    tls,
    explain: () => [...(forward.explain?.(proxy.target) ?? []), ...describe(place, tls())],
  };
}

/** Who does TLS on a connection through the proxy; undefined if there is no TLS. */
export function tlsPlace(
  { proxy, tls, forward }: ProxyPlace,
  hasTls: () => boolean = kernelHasTls,
): TlsPlace | undefined {
  if (proxy.scheme.tls !== true) return forward.tls?.(proxy.target);
  if (tls?.kernel !== true) return { by: 'process' };
  const why = whyNotKernel(forward, proxy.target, hasTls);
  return why === undefined ? { by: 'kernel' } : { by: 'process', why };
}

function whyNotKernel(forward: Chain, target: Target, hasTls: () => boolean): string | undefined {
  if (forward.tls?.(target) !== undefined) return 'the kernel does not do TLS inside TLS';
  if (forward.needsRelay(target)) return 'the hops before it are a stream of a process';
  return hasTls() ? undefined : 'the kernel does not offer TLS (as root: modprobe tls)';
}

/** A line only where the kernel is wanted: without that, TLS in a relay process is what everybody has. */
function describe({ proxy, tls }: ProxyPlace, place: TlsPlace | undefined): readonly string[] {
  if (proxy.scheme.tls !== true || tls?.kernel !== true || place === undefined) return [];
  const who = place.by === 'kernel' ? 'the kernel, so no relay stays' : `a relay process: ${place.why}`;
  return [`TLS with ${showHost(proxy.target.host)} is done by ${who}`];
}
