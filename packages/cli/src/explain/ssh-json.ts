import type { Explanation } from '@fdpass/core/host';
import type { SshLine } from '../ssh-settings.js';
import type { Explained } from './explained.js';
import { ineffectiveOptions } from './ineffective.js';

/** What ssh says, for programs; null if it was not asked, or is not there. It has no value that could be a secret. */
export function sshJson(ssh: Explained['ssh'], explanation: Explanation): object | null {
  if (ssh === undefined || ssh === 'missing') return null;
  const { settings, proxying } = ssh;
  const { way, by, program, jumpHosts, call, passing, unheeded } = proxying;
  return {
    program: settings.program,
    host: settings.host,
    hostName: settings.value('hostname') ?? null,
    port: Number(settings.value('port')),
    user: settings.value('user') ?? null,
    way,
    by: lineJson(by),
    command: program ?? null,
    jumpHosts: jumpHosts ?? null,
    objection: call?.objection ?? null,
    usesFdpass: { isOn: passing.isOn, by: lineJson(passing.by) },
    unheeded: unheeded.map(lineJson),
    ineffective:
      way === 'fdpass'
        ? ineffectiveOptions(settings, explanation).map((each) => ({ ...each, by: lineJson(each.by) }))
        : [],
  };
}

function lineJson(line: SshLine | undefined): object | null {
  return line === undefined ? null : { keyword: line.keyword, file: line.file, line: line.line };
}
