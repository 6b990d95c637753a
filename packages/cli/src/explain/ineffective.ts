import type { Explanation } from '@fdpass/core/host';
import type { SshLine, SshSettings } from '../ssh-settings.js';

/** An option of ssh that is set and that a ProxyCommand leaves without effect. */
export interface IneffectiveOption {
  /** As the manual writes it. */
  readonly option: string;
  readonly value: string;
  /** The line that sets it; undefined where ssh does not tell. */
  readonly by: SshLine | undefined;
  /** What it still does, or that it does nothing. */
  readonly effect: string;
  /** What to use in fdpass instead. */
  readonly instead: string;
}

/** How ssh treats an option once it has a ProxyCommand (sshconnect.c: nothing of ssh_connect_direct() runs). */
interface OptionRule {
  readonly option: string;
  /** What `ssh -G` writes if nobody has set it; undefined if it writes nothing, or if that differs between versions of ssh. */
  readonly unset?: string;
  /** Only a line in a file shows that it was set. Default false. */
  readonly isFromLine?: boolean;
  readonly effect: string;
  readonly instead: (value: string, explanation: Explanation) => string;
}

const NO_EFFECT = 'has no effect with a ProxyCommand';

/** docs/ssh-options.md has all of them too. */
export const RULES: readonly OptionRule[] = [
  {
    option: 'ConnectTimeout',
    unset: 'none',
    effect: 'does not limit the dial with a ProxyCommand, only the wait for the greeting of the server',
    instead: (value, { timeoutMs }) =>
      `"timeout: ${value}s" in the rule or in defaults (it is ${timeoutMs === 0 ? '0, no limit' : `${timeoutMs / 1000}s`})`,
  },
  {
    option: 'ConnectionAttempts',
    unset: '1',
    effect: NO_EFFECT,
    instead: (value) => `"retry: ${Number(value) - 1}" in the rule`,
  },
  {
    option: 'AddressFamily',
    unset: 'any',
    effect: NO_EFFECT,
    instead: (value) => `"family: ${value === 'inet' ? 4 : 6}", an option of direct and happy-eyeballs`,
  },
  {
    option: 'BindAddress',
    effect: NO_EFFECT,
    instead: (value) =>
      `"bindAddress: ${value.includes(':') ? `'${value}'` : value}" in defaults, or as an option of direct and happy-eyeballs`,
  },
  {
    option: 'BindInterface',
    effect: NO_EFFECT,
    instead: (value) => `"bindInterface: ${value}" in defaults, or as an option of direct and happy-eyeballs`,
  },
  {
    option: 'TCPKeepAlive',
    unset: 'yes',
    effect: NO_EFFECT,
    instead: () => '"keepAlive: false" in defaults, or as an option of direct and happy-eyeballs',
  },
  {
    option: 'IPQoS',
    isFromLine: true,
    effect: 'has no effect with a ProxyCommand until the session begins',
    instead: (value) => `"dscp: ${value.split(/\s+/, 1)[0]}" in defaults, or as an option of direct and happy-eyeballs`,
  },
  {
    option: 'CheckHostIP',
    unset: 'no',
    isFromLine: true, // it was yes before OpenSSH 8.5
    effect: 'is off with a ProxyCommand, since ssh does not know the address',
    instead: () => 'nothing; the host key is checked under the name of the host',
  },
  {
    option: 'CanonicalizeHostname',
    unset: 'false',
    effect: NO_EFFECT,
    instead: () => '"canonical" in the configuration, or "CanonicalizeHostname always" in ssh_config',
  },
  {
    option: 'NoHostAuthenticationForLocalhost',
    unset: 'no',
    effect: 'has no effect with a ProxyCommand, since ssh does not know the address',
    instead: () => '"StrictHostKeyChecking no" with a UserKnownHostsFile of their own for these hosts, in ssh_config',
  },
];

/** The options that are set for a host, and that ssh does not apply because it has a ProxyCommand. */
export function ineffectiveOptions(settings: SshSettings, explanation: Explanation): IneffectiveOption[] {
  return RULES.flatMap(({ option, unset, isFromLine = false, effect, instead }): IneffectiveOption[] => {
    const keyword = option.toLowerCase();
    const by = settings.lines.find((line) => line.keyword === keyword);
    const value = settings.value(keyword);
    if (value === undefined || value === unset || (isFromLine && by === undefined)) return [];
    if (option === 'CanonicalizeHostname' && value === 'always') return [];
    return [{ option, value, by, effect, instead: instead(value, explanation) }];
  });
}
