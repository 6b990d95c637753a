import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isFdpassError, makeTarget, type Target } from '@fdpass/core';
import { includedFiles, readSshConfig, type SshSetting, settingsOf } from '../init/ssh-config.js';

const SSH_PORT = 22;

/** The hosts that the user's ssh knows: those that ssh_config names, then those of known_hosts. */
export function sshHosts(home: string): Target[] {
  const folder = join(home, '.ssh');
  const unique = new Map<string, Target>();
  for (const target of [...configuredHosts(join(folder, 'config')), ...knownHosts(join(folder, 'known_hosts'))]) {
    const key = JSON.stringify([target.host, target.port]);
    if (!unique.has(key)) unique.set(key, target);
  }
  return [...unique.values()];
}

/** Hosts with a block of their own. What a pattern adds to them only ssh can tell. */
function configuredHosts(path: string): Target[] {
  const file = readSshConfig(path);
  const settings = [file, ...includedFiles(file)].flatMap(settingsOf);
  const names = new Set(settings.flatMap(({ block }) => (block.patterns ?? []).filter((name) => !/[*?!]/.test(name))));
  return [...names].flatMap((alias) => {
    const first = (keyword: string): string | undefined => firstValue(settings, alias, keyword);
    const host = first('hostname')?.replaceAll('%h', alias) ?? alias;
    const user = first('user');
    return readable({ host, port: first('port') ?? SSH_PORT, alias, ...(user !== undefined && { user }) });
  });
}

/** ssh takes the first value that it finds. */
function firstValue(settings: readonly SshSetting[], alias: string, keyword: string): string | undefined {
  return settings.find((setting) => setting.keyword === keyword && setting.block.patterns?.includes(alias))?.value;
}

/** The names and addresses in a file of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT", that are not hashed. */
function knownHosts(path: string): Target[] {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const fields = text.split('\n').map((line) => line.split(/\s/, 1)[0] ?? '');
  const names = fields.filter((field) => !/^[#@|]|^$/.test(field)).flatMap((field) => field.split(','));
  return names.filter((name) => !/[*?!]/.test(name)).flatMap((name) => readable(readPlace(name)));
}

/** What somebody means who would type `ssh HOST`: the host of that name in ssh_config, or HOST itself. @throws FdpassError `usage` */
export function namedTarget(written: string, known: readonly Target[]): Target {
  const { host, port } = readPlace(written);
  const configured = known.find(({ alias }) => alias === host);
  if (configured === undefined) return makeTarget({ host, port, alias: host });
  return typeof port === 'number' ? configured : makeTarget({ ...configured, port });
}

/** `host`, or `[host]:port` for a port that is not ssh's own. */
export function readPlace(written: string): { readonly host: string; readonly port: number | string } {
  const [, bracketed, bare, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(written) ?? [];
  return port === undefined ? { host: written, port: SSH_PORT } : { host: bracketed ?? bare ?? '', port };
}

/** None for what is not a host: files of ssh are not ours to criticise. */
function readable(parts: Parameters<typeof makeTarget>[0]): Target[] {
  try {
    return [makeTarget(parts)];
  } catch (error) {
    if (isFdpassError(error)) return [];
    throw error;
  }
}
