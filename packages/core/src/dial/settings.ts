import type { Expectation } from './expectation.js';

/** What core itself does around the dial of a rule's route or of a hop, whatever its strategy. Checked and converted. */
export interface DialSettings {
  /** What the server has to say first. */
  readonly expect?: Expectation['prefixes'];
  /** Milliseconds for that. */
  readonly expectTimeout?: number | undefined;
}

/** The keys of {@link DialSettings}, in the mapping of any hop and in a rule. No strategy sees them. */
export const SETTING_KEYS: readonly (keyof DialSettings)[] = ['expect', 'expectTimeout'];

/** Whether a key of a hop's mapping is core's own. */
export function isSettingKey(key: string): boolean {
  return (SETTING_KEYS as readonly string[]).includes(key);
}

/** What the settings say of a server's greeting; undefined if nothing. */
export function expectationOf({ expect: prefixes, expectTimeout: limitMs }: DialSettings): Expectation | undefined {
  return prefixes === undefined && limitMs === undefined ? undefined : { prefixes, limitMs };
}

/** The settings of a rule, apart from its other keys; undefined if it has none. */
export function settingsOf<Rule extends DialSettings>(
  rule: Rule,
): { readonly settings: DialSettings | undefined; readonly rest: Omit<Rule, keyof DialSettings> } {
  const entries = Object.entries(rule);
  const settings = entries.filter(([key, value]) => isSettingKey(key) && value !== undefined);
  const rest = Object.fromEntries(entries.filter(([key]) => !isSettingKey(key)));
  return {
    settings: settings.length === 0 ? undefined : (Object.fromEntries(settings) as DialSettings),
    rest: rest as Omit<Rule, keyof DialSettings>,
  };
}
