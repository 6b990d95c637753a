import { expect } from 'chai';
import type { Chain, TlsPlace } from '../dial/dialer.js';
import { proxyTraits } from './tls-place.js';

const TARGET = { host: 'host.example', port: 22 };

describe('who does TLS with a proxy', () => {
  interface Case {
    readonly isTls?: boolean;
    readonly kernel?: boolean;
    readonly hasTls?: boolean;
    /** What the hops before say of themselves. */
    readonly before?: { readonly relay?: boolean; readonly tls?: TlsPlace };
    readonly needsRelay: boolean;
    readonly tls: TlsPlace | undefined;
    readonly explained?: string;
  }

  const KERNEL: TlsPlace = { by: 'kernel' };
  const PROCESS: TlsPlace = { by: 'process' };
  const INSIDE = 'the kernel does not do TLS inside TLS';
  const STREAM = 'the hops before it are a stream of a process';
  const MISSING = 'the kernel does not offer TLS (as root: modprobe tls)';
  const CASES: Readonly<Record<string, Case>> = {
    'nobody, without TLS': { isTls: false, kernel: true, needsRelay: false, tls: undefined },
    'a process, if nothing else is asked for': { needsRelay: true, tls: PROCESS },
    'the kernel': { kernel: true, needsRelay: false, tls: KERNEL, explained: 'the kernel, so no relay stays' },
    'a process, where the kernel cannot': {
      kernel: true,
      hasTls: false,
      needsRelay: true,
      tls: { by: 'process', why: MISSING },
      explained: `a relay process: ${MISSING}`,
    },
    'a process, inside TLS of the kernel': {
      kernel: true,
      before: { tls: KERNEL },
      needsRelay: true,
      tls: { by: 'process', why: INSIDE },
      explained: `a relay process: ${INSIDE}`,
    },
    'a process, over a stream': {
      kernel: true,
      before: { relay: true },
      needsRelay: true,
      tls: { by: 'process', why: STREAM },
      explained: `a relay process: ${STREAM}`,
    },
    'the hop before, where this one needs none': {
      isTls: false,
      before: { tls: KERNEL },
      needsRelay: false,
      tls: KERNEL,
    },
    'the hop before in a process, where this one needs none': {
      isTls: false,
      before: { relay: true, tls: PROCESS },
      needsRelay: true,
      tls: PROCESS,
    },
  };
  for (const [who, { isTls = true, kernel, hasTls = true, before = {}, ...expected }] of Object.entries(CASES)) {
    it(`is ${who}`, () => {
      const forward: Chain = {
        label: 'before',
        dial: () => Promise.reject(new Error('dialled')),
        needsRelay: () => before.relay === true,
        tls: () => before.tls,
      };
      const proxy = { target: { host: 'proxy.example', port: 443 }, scheme: { tls: isTls } };
      const traits = proxyTraits({ proxy, tls: { kernel }, forward }, () => hasTls);
      expect(traits.needsRelay(TARGET)).to.equal(expected.needsRelay);
      expect(traits.tls(TARGET)).to.deep.equal(expected.tls);
      const lines = expected.explained === undefined ? [] : [`TLS with proxy.example is done by ${expected.explained}`];
      expect(traits.explain(TARGET)).to.deep.equal(lines);
    });
  }
});
