import { join } from 'node:path';
import {
  type ConfigCache,
  type ConfigReport,
  checkConfig,
  describeNetwork,
  type Framework,
  type FrameworkParts,
  type LoadOptions,
  libcResolver,
  loadFramework,
  type NamedPlugin,
  StoredWinners,
  TOKENS,
} from '@fdpass/core/host';
import { BUILTIN_PARTS } from './builtin.js';
import { keepPluginCode } from './plugin-code.js';
import { divertStdout } from './stdout.js';
import { cacheFolder } from './user-folder.js';

/** The framework of the commands: the built-in strategies, and Happy Eyeballs where no rule says otherwise. */
export function builtinFramework(config: LoadOptions | false, cache?: ConfigCache): Promise<Framework> {
  return loadFramework(builtinParts(config, cache), useCommandServices);
}

/** The same with one plugin and without any config. */
export function frameworkWith(plugin: NamedPlugin): Promise<Framework> {
  return loadFramework({ ...builtinParts(false), plugins: [plugin] }, useCommandServices);
}

/** The same, to check its config as a whole. */
export function checkBuiltinConfig(config: LoadOptions): Promise<ConfigReport> {
  return checkConfig(builtinParts(config), useCommandServices);
}

function builtinParts(config: LoadOptions | false, cache?: ConfigCache): FrameworkParts {
  return { ...BUILTIN_PARTS, beforePlugins, config, cache };
}

function beforePlugins(): void {
  divertStdout();
  keepPluginCode();
}

/** What worked last, for routes that want it remembered, from one command to the next. */
const winners = new StoredWinners({
  file() {
    const folder = cacheFolder();
    return folder && join(folder, 'winners.json');
  },
  network: describeNetwork,
});

const useCommandServices: Parameters<typeof loadFramework>[1] = (container) => {
  container.register(TOKENS.resolve, { useValue: libcResolver });
  container.register(TOKENS.winners, { useValue: winners });
};
