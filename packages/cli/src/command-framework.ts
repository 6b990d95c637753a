import {
  type ConfigCache,
  type Framework,
  type LoadOptions,
  libcResolver,
  loadFramework,
  TOKENS,
} from '@fdpass/core/host';
import { happyEyeballs } from '@fdpass/strategy-happy-eyeballs';
import { BUILTIN } from './builtin.js';
import { divertStdout } from './stdout.js';

/** The framework of the commands: the built-in strategies, and Happy Eyeballs where no rule says otherwise. */
export function builtinFramework(config: LoadOptions | false, cache?: ConfigCache): Promise<Framework> {
  const parts = {
    strategies: BUILTIN,
    defaultStrategy: happyEyeballs.name,
    beforePlugins: divertStdout,
    config,
    cache,
  };
  return loadFramework(parts, (container) => container.register(TOKENS.resolve, { useValue: libcResolver }));
}
