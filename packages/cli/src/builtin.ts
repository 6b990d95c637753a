import type { StrategyEntry, TargetKind } from '@fdpass/core';
import type { FrameworkParts } from '@fdpass/core/host';
import { direct } from '@fdpass/strategy-direct';
import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';

const ANY: readonly TargetKind[] = ['host', 'unix', 'vsock', 'machine'];

/**
 * The strategies that come with the command. Direct and Happy Eyeballs take part in almost every dial; the others are
 * loaded when a route first needs them. A test compares what is listed here with the strategies themselves.
 */
export const BUILTIN: readonly StrategyEntry[] = [
  direct,
  happyEyeballs,
  {
    name: 'socks',
    schemes: ['socks', 'socks4', 'socks4a', 'socks5', 'socks5h'].flatMap((scheme) => [scheme, `${scheme}+tls`]),
    load: async () => (await import('@fdpass/strategy-socks')).socks,
  },
  {
    name: 'http-connect',
    schemes: ['http', 'https'],
    load: async () => (await import('@fdpass/strategy-http-connect')).httpConnect,
  },
  { name: 'command', firstOnly: true, load: async () => (await import('@fdpass/strategy-command')).command },
  {
    name: 'jump',
    schemes: ['jump'],
    load: async () => (await import('@fdpass/strategy-command')).jump,
  },
  { name: 'local', firstOnly: true, targets: ANY, load: async () => (await import('@fdpass/strategy-local')).local },
  { name: 'env', schemes: ['env'], targets: ANY, load: async () => (await import('@fdpass/strategy-env')).env },
  {
    name: 'first-of',
    shorthand: 'routes',
    targets: ANY,
    load: async () => (await import('@fdpass/strategy-choice')).firstOf,
  },
  { name: 'race', shorthand: 'routes', targets: ANY, load: async () => (await import('@fdpass/strategy-choice')).race },
  {
    name: 'hosts',
    shorthand: 'hosts',
    targets: ANY,
    load: async () => (await import('@fdpass/strategy-choice')).hosts,
  },
  { name: 'srv', targets: ANY, load: async () => (await import('@fdpass/strategy-srv')).srv },
  {
    name: 'wake',
    shorthand: 'mac',
    targets: ANY,
    load: async () => (await import('@fdpass/strategy-wake')).wake,
  },
];

/** Those, and Happy Eyeballs where no rule says otherwise. */
export const BUILTIN_PARTS: Pick<FrameworkParts, 'strategies' | 'defaultStrategy'> = {
  strategies: BUILTIN,
  defaultStrategy: happyEyeballs.name,
};
