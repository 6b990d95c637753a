import type { ConfigSearch, Explanation } from '@fdpass/core/host';
import type { Proxying } from '../ssh-proxying.js';
import type { SshSettings } from '../ssh-settings.js';

/** What ssh says about a host. */
export interface SshAnswer {
  readonly settings: SshSettings;
  readonly proxying: Proxying;
}

/** Everything that `explain` shows about a host. */
export interface Explained {
  readonly explanation: Explanation;
  readonly search: ConfigSearch;
  /** Undefined if ssh was not asked, and `missing` if there is none. */
  readonly ssh: SshAnswer | 'missing' | undefined;
}
