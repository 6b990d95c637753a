import { configJsonSchema, type LoadOptions } from '@fdpass/core';
import { builtinFramework } from './builtin.js';

/** The config's JSON Schema as text, with the built-in strategies and the plugins of a config (default: none). */
export async function formatConfigSchema(config: LoadOptions | false = false): Promise<string> {
  const framework = builtinFramework(config);
  await framework.config(); // loads the plugins
  return `${JSON.stringify(await configJsonSchema(framework.registry), null, 2)}\n`;
}
