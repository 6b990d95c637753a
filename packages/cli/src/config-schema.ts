import { configJsonSchema, type LoadOptions } from '@fdpass/core/host';
import { builtinFramework } from './command-framework.js';

/** The config's JSON Schema as text, with the built-in strategies and the plugins of a config (default: none). */
export async function formatConfigSchema(config: LoadOptions | false = false): Promise<string> {
  const { registry } = await builtinFramework(config);
  return `${JSON.stringify(await configJsonSchema(registry), null, 2)}\n`;
}
