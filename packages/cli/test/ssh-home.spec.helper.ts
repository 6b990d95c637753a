import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findProgram, temporaryFolder } from '@fdpass/test-lab';

/** A home folder of its own for ssh and fdpass. */
export interface SshHome {
  readonly path: string;
  /** What ssh and fdpass find in it, and no proxy of the machine's own. */
  readonly env: NodeJS.ProcessEnv;
  /** Writes a file that only the user can read, and the folders on the way to it. Returns its path. */
  write(file: string, text: string, mode?: number): string;
  remove(): void;
}

const PROXY_VARIABLES = ['ALL_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);

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
      ...Object.fromEntries(PROXY_VARIABLES.map((name) => [name, undefined])),
      HOME: path,
      PATH: `${join(path, 'bin')}:${process.env['PATH']}`,
      SHELL: '/bin/sh',
      XDG_CONFIG_HOME: join(path, '.config'),
      XDG_STATE_HOME: join(path, '.state'),
      XDG_CACHE_HOME: join(path, '.cache'),
      XDG_RUNTIME_DIR: join(path, '.run'),
      FDPASS_CONFIG: undefined,
      FDPASS_AGENT: 'none',
    },
    write,
    remove: folder.remove,
  };
}
