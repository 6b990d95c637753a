import * as v from 'valibot';
import type { DialSettings } from '../dial/settings.js';
import { dialSettings } from '../options/dial-settings.js';
import type { WrittenSetting } from './hop.js';
import { refuseValues } from './option-errors.js';

/** Core's own keys of a hop, checked and converted. @throws FdpassError `config`, with the place of what is wrong */
export async function checkSettings(written: readonly WrittenSetting[]): Promise<DialSettings> {
  const values = Object.fromEntries(written.map(({ key, value }) => [key, value]));
  const result = v.safeParse(dialSettings, values);
  if (result.success) return result.output;
  const { settingsJsonSchema } = await import('../json-schema/config-schema.js');
  return refuseValues(result.issues as never, {
    values,
    schema: settingsJsonSchema(),
    locate: ([key, ...path], part) => written.find((setting) => setting.key === key)?.place.locate?.(path, part),
  });
}
