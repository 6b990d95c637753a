import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, type Sshd, temporaryFolder } from '@fdpass/test-lab';
import { FDPASS_BIN } from './commands.spec.helper.js';

/** A home folder of its own for ssh and fdpass. */
export interface SshHome {
  readonly path: string;
  /** What ssh and fdpass find in it, and no proxy of the machine's own. */
  readonly env: NodeJS.ProcessEnv;
  /** Writes a file that only the user can read, and the folders on the way to it. Returns its path. */
  write(file: string, text: string, mode?: number): string;
  /** Removes it. */
  remove(): void;
}

const PROXY_VARIABLES = ['ALL_PROXY', 'HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);
const OWN_VARIABLES = ['CONFIG', 'VIA', 'LOG', 'VERBOSE', 'NODE_OPTIONS'].map((name) => `FDPASS_${name}`);
/** npm sets one of them. */
const NODE_VARIABLES = ['NODE_PATH', 'NODE_OPTIONS'];

/**
 * Makes an empty home folder. ssh takes the user's home from passwd(5) and not from HOME, so that in its PATH is the real one,
 * told to read `.ssh/config` of this folder and no other.
 */
export function makeSshHome(sshConfig = ''): SshHome {
  const folder = temporaryFolder();
  const { path } = folder;
  const write = (file: string, text: string, mode = 0o600): string => {
    const full = join(path, file);
    mkdirSync(dirname(full), { recursive: true, mode: 0o700 });
    writeFileSync(full, text);
    chmodSync(full, mode);
    return full;
  };
  const config = write('.ssh/config', sshConfig);
  write('bin/ssh', `#!/bin/sh\nexec '${findProgram('ssh') ?? 'ssh'}' -F '${config}' "$@"\n`, 0o755);
  return {
    path,
    env: {
      ...Object.fromEntries([...PROXY_VARIABLES, ...OWN_VARIABLES, ...NODE_VARIABLES].map((name) => [name, undefined])),
      HOME: path,
      PATH: `${join(path, 'bin')}:${process.env['PATH']}`,
      SHELL: '/bin/sh',
      XDG_CONFIG_HOME: join(path, '.config'),
      XDG_STATE_HOME: join(path, '.state'),
      XDG_CACHE_HOME: join(path, '.cache'),
      XDG_RUNTIME_DIR: join(path, '.run'),
      FDPASS_AGENT: 'none',
    },
    write,
    remove: folder.remove,
  };
}

/** The block of all hosts as the README has it, with the built launcher. */
export const FDPASS_BLOCK: string = `Host *
  ProxyCommand '${FDPASS_BIN}' --user '%r' --alias '%n' %h %p
  ProxyUseFdpass yes
`;

/** The settings of a user who has set all up as the README says, and whose `ssh target` leads to a real server. */
export function goodSshConfig(sshd: Sshd, block: string = FDPASS_BLOCK): string {
  return `${sshd.configBlock('target')}\n${block}`;
}
