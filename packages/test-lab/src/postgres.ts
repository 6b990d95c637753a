import { execFileSync } from 'node:child_process';
import { chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Background, startServer, startServerIn } from './background.js';
import { findProgram } from './peers.js';

const DEBIAN = '/usr/lib/postgresql'; // one folder a version; only wrappers of some programs are on the path
const NOBODY = 65534; // the server refuses to run as root

/** A real PostgreSQL on loopback; the user `tester` needs no password. */
export interface Postgres {
  /** Where it listens. */
  readonly port: number;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

/** Where PostgreSQL's programs are: Debian keeps them off the path. Undefined if it is not installed. */
export function findPostgres(): string | undefined {
  try {
    const versions = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a));
    return versions.map((version) => join(DEBIAN, version, 'bin')).find((folder) => findIn(folder));
  } catch {
    const program = findProgram('initdb');
    return program && join(program, '..');
  }
}

function findIn(folder: string): boolean {
  return ['initdb', 'postgres'].every((name) => readdirSync(folder).includes(name));
}

/** Starts a PostgreSQL with an empty database on a free port; the caller closes it. `bin` is what {@link findPostgres} gives. */
export async function startPostgres(bin: string): Promise<Postgres> {
  const { port, close } = await startServerIn((folder) => launch(bin, folder));
  return { port, close };
}

async function launch(bin: string, folder: string): Promise<Background> {
  const data = join(folder, 'data');
  const isRoot = process.getuid?.() === 0;
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const prefix = isRoot ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : [];
  /** The command line that runs one of its programs as somebody who is not root. */
  const asUser = (program: string, args: readonly string[]): [string, string[]] => {
    const [command = '', ...rest] = [...prefix, join(bin, program), ...args];
    return [command, rest];
  };
  const init = ['-D', data, '-U', 'tester', '-A', 'trust', '-N', '--no-instructions', '--locale=C', '-E', 'UTF8'];
  execFileSync(...asUser('initdb', init), { stdio: 'pipe', cwd: folder });
  const settings = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-c', 'fsync=off'];
  const [program] = asUser('postgres', []);
  return startServer(
    program,
    (port) => asUser('postgres', ['-D', data, '-p', String(port), ...settings])[1],
    { stopSignal: 'SIGINT' }, // "fast": sessions are ended, not waited for
  );
}
