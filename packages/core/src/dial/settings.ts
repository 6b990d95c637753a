import type { Expectation } from './expectation.js';

/** What core itself does around the dial of a rule's route or of a hop, whatever its strategy. Checked and converted. */
export interface DialSettings {
  /** What the server has to say first. */
  readonly expect?: Expectation['prefixes'];
  /** Milliseconds for that. */
  readonly expectTimeout?: number | undefined;
  /** The name servers that are asked for names, as `dns.setServers` takes them. */
  readonly dns?: readonly string[] | undefined;
  /** Where the target's name is looked up, if there is a choice. */
  readonly resolve?: ResolvePlace | undefined;
  /** That the dial is made again after a failure. */
  readonly retry?: RetrySettings | undefined;
}

/** On this machine, or by what a hop connects to. */
export type ResolvePlace = 'here' | 'there';

/** The failures that can pass by themselves. `closed`: before the server said anything. */
export type RetryCause = 'refused' | 'unreachable' | 'timeout' | 'closed' | 'unknown-host';

/** What a rule runs before its dials. */
export interface BeforeSettings {
  /** The program and its arguments. */
  readonly command: readonly string[];
  /** Milliseconds that it can take; 0 means no limit. */
  readonly timeoutMs: number;
  /** Whether it can ask on the terminal. */
  readonly terminal: boolean;
}

/** How a dial is made again. */
export interface RetrySettings {
  /** How many more times, after the first. */
  readonly times: number;
  /** Milliseconds before the second try; longer before each further one. */
  readonly backoffMs: number;
  /** After which failures. */
  readonly on: readonly RetryCause[];
  /** Milliseconds for each try. Default: what the dial has left. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds for all tries together, if that is more than the dial has. Default: the limit of the dial. */
  readonly withinMs?: number | undefined;
}

/** The keys of {@link DialSettings}, in the mapping of any hop and in a rule. No strategy sees them. */
export const SETTING_KEYS: readonly (keyof DialSettings)[] = ['dns', 'resolve', 'expect', 'expectTimeout', 'retry'];

/** The keys of a rule about what happens around its dials: those of any hop, and what is done once for all of its tries. */
const RULE_SETTING_KEYS: readonly string[] = [...SETTING_KEYS, 'before'];

/** Whether a key of a hop's mapping is core's own. */
export function isSettingKey(key: string): boolean {
  return (SETTING_KEYS as readonly string[]).includes(key);
}

/** What the settings say of a server's greeting; undefined if nothing. */
export function expectationOf({ expect: prefixes, expectTimeout: limitMs }: DialSettings): Expectation | undefined {
  return prefixes === undefined && limitMs === undefined ? undefined : { prefixes, limitMs };
}

/** The settings in a rule, as they are written; undefined if there are none. */
export function writtenSettings(
  rule: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | undefined {
  const isSetting = (key: string): boolean => RULE_SETTING_KEYS.includes(key);
  const settings = Object.entries(rule).filter(([key, value]) => isSetting(key) && value !== undefined);
  return settings.length === 0 ? undefined : Object.fromEntries(settings);
}
