import {
  type ConfigCache,
  composeFramework,
  type Framework,
  type LoadOptions,
  libcResolver,
  type StrategyEntry,
} from '@fdpass/core';
import { direct } from '@fdpass/strategy-direct';
import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';

/**
 * The strategies that come with the command. The two that open sockets take part in almost every dial; the others are
 * loaded when a route first needs them. What is said of them here stands in them too, and a test compares.
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
  { name: 'command', opensSockets: true, load: async () => (await import('@fdpass/strategy-command')).command },
  {
    name: 'jump',
    schemes: ['jump'],
    opensSockets: true,
    load: async () => (await import('@fdpass/strategy-command')).jump,
  },
  { name: 'local', opensSockets: true, load: async () => (await import('@fdpass/strategy-local')).local },
  { name: 'env', schemes: ['env'], load: async () => (await import('@fdpass/strategy-env')).env },
  { name: 'first-of', load: async () => (await import('@fdpass/strategy-choice')).firstOf },
  { name: 'race', load: async () => (await import('@fdpass/strategy-choice')).race },
  { name: 'hosts', load: async () => (await import('@fdpass/strategy-choice')).hosts },
  { name: 'srv', load: async () => (await import('@fdpass/strategy-srv')).srv },
];

/** The framework of the commands: the built-in strategies, and Happy Eyeballs where no rule says otherwise. */
export function builtinFramework(config: LoadOptions | false, cache?: ConfigCache): Framework {
  const defaultStrategy = happyEyeballs.name;
  return composeFramework({ strategies: BUILTIN, defaultStrategy, config, cache, resolve: libcResolver });
}
