import { DEFAULT_LIMIT_MS } from '../dial/expectation.js';
import type { DialSettings } from '../dial/settings.js';
import { formatMs } from '../ground/clock.js';
import type { HopScope } from './hop.js';
import { showSettings } from './show-hops.js';

/** What a rule wants done around the dial, a line each, for `explain`. Never a secret. */
export async function settingsInWords(settings: DialSettings, scope: HopScope): Promise<readonly string[]> {
  const { expect } = (await showSettings({ ...settings }, scope)) as Pick<DialSettings, 'expect'>;
  const { expectTimeout = DEFAULT_LIMIT_MS } = settings;
  if (expect === false) return ['nobody looks at what the server says first'];
  if (expect === undefined) return [];
  const texts = expect.map((text) => JSON.stringify(text)).join(' or ');
  return [`the server has to begin with ${texts} within ${formatMs(expectTimeout)}`];
}
