import { join } from 'node:path';
import { type Config, homeFolder } from '@fdpass/core/host';
import { builtinFramework } from '../command-framework.js';
import { includedFiles, readSshConfig, type SshConfigFile } from '../init/ssh-config.js';
import { profilesOf } from '../use.js';

/** A shell sees the candidates, and known_hosts can name anything: bash would even run what is in `$(…)`. */
const HARMLESS = /^[\w.%+-]+$/;

/** What `fdpass completion hosts|hops|strategies|profiles` lists. */
export const CANDIDATES: Readonly<Record<string, () => string[] | Promise<string[]>>> = {
  hosts: () => harmless([...sshHosts(), ...knownHosts()]),
  hops: async () => harmless([...(await hopNames()), ...(await strategyNames())]),
  strategies: async () => harmless(await strategyNames()),
  profiles: async () => harmless(await profileNames()),
};

function harmless(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => HARMLESS.test(name) && !name.startsWith('-')).sort();
}

/** Names on `Host` lines that are not patterns, also in included files. */
function sshHosts(): string[] {
  const file = readSshConfig(join(homeFolder(), '.ssh/config'));
  return [file, ...includedFiles(file)].flatMap(hostsIn);
}

function hostsIn({ lines }: SshConfigFile): string[] {
  return lines.flatMap((line) => /^\s*host[\s=]+(.*)$/i.exec(line)?.[1]?.trim().split(/\s+/) ?? []);
}

/** sshd(8), SSH_KNOWN_HOSTS FILE FORMAT: markers begin with @, hashed names with |, and a port makes [host]:port. */
function knownHosts(): string[] {
  const files = [join(homeFolder(), '.ssh/known_hosts'), '/etc/ssh/ssh_known_hosts'];
  const lines = files.flatMap((file) => readSshConfig(file).lines);
  const fields = lines.map((line) => line.replace(/^@\S+\s+/, '').split(/\s/)[0] ?? '');
  return fields.flatMap((field) => field.split(',')).map((name) => name.replace(/^\[(.*)\]:\d+$/, '$1'));
}

async function hopNames(): Promise<string[]> {
  return [...((await loadedConfig())?.hops.keys() ?? [])];
}

async function profileNames(): Promise<string[]> {
  const config = await loadedConfig();
  return config === undefined ? [] : profilesOf(config);
}

async function loadedConfig(): Promise<Config | undefined> {
  try {
    return (await builtinFramework({})).config;
  } catch {
    return undefined; // it is wrong: "fdpass check" says so
  }
}

async function strategyNames(): Promise<string[]> {
  const { registry } = await builtinFramework({}).catch(() => builtinFramework(false));
  return registry.names();
}
