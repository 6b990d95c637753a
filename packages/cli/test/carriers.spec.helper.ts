import { realpathSync } from 'node:fs';
import { findProgram } from '@fdpass/test-lab';

const MARK = 'FDPASS_TEST_RUN';

/**
 * A remote command that prints the programs that carry its own session: all processes that the client or what it has started
 * have left running. Server and client are the same machine, and the user is root.
 *
 * @param env Marks the client: `markedEnvironment`'s.
 */
export function carriersCommand(env: NodeJS.ProcessEnv): string {
  return forEachCarrier(env, 'readlink "$folder/exe"');
}

/** The same, with how many sockets each of them has open. */
export function carriersAndSocketsCommand(env: NodeJS.ProcessEnv): string {
  return forEachCarrier(env, 'echo "$(readlink "$folder/exe") $(ls -l "$folder/fd" | grep -c socket:)"');
}

function forEachCarrier(env: NodeJS.ProcessEnv, command: string): string {
  const mark = `${MARK}=${env[MARK]}`;
  const files = `$(grep -l ${mark} /proc/[0-9]*/environ 2>/dev/null)`;
  return `for file in ${files}; do folder=\${file%/environ}; ${command}; done`;
}

/** What it has printed, each program once. */
export function carriers(stdout: string): string[] {
  return [...new Set(stdout.trim().split('\n'))].sort();
}

/** The client alone: the descriptor was passed, and nothing relays. */
export const SSH_ALONE: readonly string[] = [realpathSync(findProgram('ssh') ?? '/')];

/** And a process of fdpass between it and the server. */
export const SSH_AND_RELAY: readonly string[] = [...SSH_ALONE, realpathSync(process.execPath)].sort();
