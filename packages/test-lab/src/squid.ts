import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Background, startServer } from './background.js';

/** How a squid differs from one that lets everybody on this machine through. */
export interface SquidOptions {
  /** For its files; other users can enter it afterwards, since squid becomes one of them. */
  readonly folder: string;
  /** The line that says where it listens. Default: without TLS. */
  readonly listen?: ((port: number) => string) | undefined;
  /** Further lines of squid.conf(5), before those that let clients through. */
  readonly settings?: string | undefined;
}

/** Starts a squid that caches nothing and needs nothing of the machine's own. @param program Where it is. */
export function startSquid(program: string, options: SquidOptions): Promise<Background> {
  const { folder, listen = (port: number) => `http_port 127.0.0.1:${port}`, settings = '' } = options;
  const state = join(folder, 'squid');
  mkdirSync(state, { recursive: true });
  for (const path of [folder, state]) chmodSync(path, path === state ? 0o777 : 0o755);
  const configure = (port: number): string => {
    const lines = [
      listen(port),
      settings,
      'acl local src 127.0.0.0/8',
      'http_access allow local',
      'http_access deny all',
      ...(process.getuid?.() === 0 ? ['cache_effective_user nobody'] : []), // it will not serve as root
      'cache deny all',
      'access_log none',
      'cache_log /dev/null',
      `coredump_dir ${state}`,
      'pid_filename none',
      'pinger_enable off',
      'netdb_filename none',
      'shutdown_lifetime 0 seconds',
      'visible_hostname test',
    ];
    const file = join(folder, `squid-${port}.conf`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    return file;
  };
  const words = (port: number): string[] => ['-N', '-d', '1', '-n', `fdpass${port}`, '-f', configure(port)];
  return startServer(program, words, { stopSignal: 'SIGKILL' });
}
