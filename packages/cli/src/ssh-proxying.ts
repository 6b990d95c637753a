import { basename } from 'node:path';
import { isFdpassError } from '@fdpass/core';
import { shellWords } from './init/shell-words.js';
import { type FdpassCall, findFdpassCall, mentionsFdpass } from './ssh-call.js';
import type { SshLine, SshSettings } from './ssh-settings.js';

/** How ssh gets its connection to a host. */
export interface Proxying {
  /** By fdpass, by another ProxyCommand, through the jump hosts of ProxyJump, or by itself. */
  readonly way: 'fdpass' | 'command' | 'jump' | 'direct';
  /** The line that decides; undefined where none does, or where ssh does not tell which. */
  readonly by: SshLine | undefined;
  /** The ProxyCommand, with its tokens. Undefined without one. */
  readonly command: string | undefined;
  /** The program of the ProxyCommand, without its arguments, which can be secrets. */
  readonly program: string | undefined;
  /** The jump hosts, as ssh writes them. */
  readonly jumpHosts: string | undefined;
  /** What fdpass is called with; undefined if only a shell can tell. */
  readonly call: FdpassCall | undefined;
  /** Whether ssh takes a descriptor from its ProxyCommand, and the line that says so. */
  readonly passing: { readonly isOn: boolean; readonly by: SshLine | undefined };
  /** Lines of ProxyCommand and ProxyJump that apply, and come too late. */
  readonly unheeded: readonly SshLine[];
}

/** Works out how ssh gets its connection. */
export function proxyingOf(settings: SshSettings): Proxying {
  const command = settings.value('proxycommand');
  const jumpHosts = settings.value('proxyjump');
  const candidates = settings.lines.filter(({ keyword }) => ['proxycommand', 'proxyjump'].includes(keyword));
  // "none" in a line before decides only about lines of its own keyword.
  const deciding = jumpHosts !== undefined ? 'proxyjump' : command !== undefined ? 'proxycommand' : undefined;
  const by = candidates.find(({ keyword }) => keyword === deciding) ?? candidates[0];
  const passing = {
    isOn: settings.value('proxyusefdpass') === 'yes',
    by: settings.lines.find(({ keyword }) => keyword === 'proxyusefdpass'),
  };
  const runsFdpass = command !== undefined && mentionsFdpass(command);
  return {
    way: jumpHosts !== undefined ? 'jump' : command === undefined ? 'direct' : runsFdpass ? 'fdpass' : 'command',
    by,
    command,
    program: command === undefined ? undefined : programOf(command),
    jumpHosts,
    call: runsFdpass ? findFdpassCall(command, settings) : undefined,
    passing,
    unheeded: by === undefined ? [] : candidates.slice(candidates.indexOf(by) + 1),
  };
}

/** The name of the program of a ProxyCommand. */
function programOf(command: string): string {
  try {
    const [program = ''] = shellWords(command);
    return /^[\w./+-]+$/.test(program) ? basename(program) : 'a command';
  } catch (error) {
    if (!isFdpassError(error)) throw error;
    return 'a command line of the shell';
  }
}
