import { dialSettings } from '../options/dial-settings.js';
import { fromValibot, type JsonSchema } from './from-valibot.js';

/** The JSON Schema of core's own keys, which rules and hops can have. */
export function settingsJsonSchema(): JsonSchema {
  return fromValibot(dialSettings);
}
