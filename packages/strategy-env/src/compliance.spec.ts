import type { Strategy } from '@fdpass/core';
import { describeStrategy } from '@fdpass/testkit';
import { type EnvOptions, env } from './env.js';

const inEnvironment = (environment: Readonly<Record<string, string>>): Strategy<EnvOptions> => ({
  ...env,
  create: (options, host) => env.create(options, { ...host, environment }),
});

describeStrategy({ strategy: inEnvironment({ ALL_PROXY: 'socks5h://proxy.example:1080' }), title: 'with a proxy' });
describeStrategy({ strategy: inEnvironment({}), title: 'without a proxy' });
