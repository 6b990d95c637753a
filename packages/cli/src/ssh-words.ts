import { shownPath } from './shown-path.js';
import type { Proxying } from './ssh-proxying.js';
import type { SshLine, SshSettings } from './ssh-settings.js';

/** `~/.ssh/config:12`. */
export function placeOf({ file, line }: SshLine): string {
  return `${shownPath(file)}:${line}`;
}

/** A line without its value, which can be a secret: `ProxyCommand of ~/.ssh/config:12`. */
export function nameLine(line: SshLine): string {
  return `${optionOf(line)} of ${placeOf(line)}`;
}

function optionOf({ keyword }: SshLine): string {
  return keyword === 'proxyjump' ? 'ProxyJump' : 'ProxyCommand';
}

/** What ssh does, and which line decides: ends of sentences that begin with "ssh". */
export function describeProxying({ way, by, program, jumpHosts, passing }: Proxying, settings: SshSettings): string {
  const where = by === undefined ? '' : ` (${placeOf(by)})`;
  switch (way) {
    case 'fdpass':
      return passing.isOn
        ? `runs fdpass${where} and takes the connected socket from it`
        : `runs fdpass${where}, which stays and copies all bytes: ProxyUseFdpass is not set`;
    case 'command':
      return `runs ${program} and not fdpass${where}${passing.isOn ? ', and wants a descriptor from it' : ''}`;
    case 'jump':
      return `goes through the jump host ${jumpHosts} and does not run fdpass${where}`;
    default:
      return `connects by itself and does not run fdpass: ${whyDirect(by, settings)}`;
  }
}

function whyDirect(by: SshLine | undefined, { host }: SshSettings): string {
  if (by === undefined) return `no ProxyCommand applies to ${host}`;
  return `${optionOf(by)} none in ${placeOf(by)}`;
}
