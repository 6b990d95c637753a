import { configPath, hasConfig } from '../config/places.js';
import type { ConfigFiles } from './framework.js';

/** Reads config files: YAML and JSON, found where a config can be. What neither file nor cache needs is loaded by neither. */
export const configFiles: ConfigFiles = {
  async read(options, cache) {
    const file = configPath(options);
    if (!hasConfig(options, file)) return undefined;
    if (cache !== undefined && file !== undefined) {
      const { readCached } = await import('../cold-start/config-cache.js');
      const cached = readCached(file, cache);
      if (cached !== undefined) return cached;
    }
    const { loadRules } = await import('../config/load.js');
    return loadRules(options);
  },

  /** Secrets stay where they were written: only a config of which everything can be shown is cached. */
  async keep(loaded, cache, scope) {
    if (loaded?.files === undefined) return;
    const { isShownConfig } = await import('../routing/show-config.js');
    if (!(await isShownConfig(loaded.config, scope))) return;
    const { cacheRules } = await import('../cold-start/config-cache.js');
    cacheRules({ ...loaded, files: loaded.files }, cache);
  },
};
