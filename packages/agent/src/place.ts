import { isAbsolute, join } from 'node:path';

/*
 * Where the agent's socket is. The launcher (packages/cli/bin) computes the same in sh, without starting a process; a test
 * compares the two.
 */

/** What ssh would replace in a path (tokens, variables), or a shell would split. The launcher does not use such a path. */
const PLAIN = /^[A-Za-z0-9_./@:+,-]+$/;

/** sizeof(sun_path) is 104 on the BSDs, 108 on Linux; the name that is bound before it is renamed is longer. */
const MAX_LENGTH = 90;

/**
 * The path of the agent's socket; undefined where there is none: FDPASS_AGENT is not an absolute path (`none`), there is no
 * folder for it, or the path has characters that the launcher leaves alone.
 */
export function agentSocket(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const { FDPASS_AGENT, XDG_RUNTIME_DIR, XDG_CACHE_HOME, HOME = '' } = environment;
  const folder = XDG_RUNTIME_DIR || XDG_CACHE_HOME || `${HOME}/.cache`;
  const path = FDPASS_AGENT || join(folder, 'fdpass/agent.sock');
  return isAbsolute(path) && PLAIN.test(path) && path.length <= MAX_LENGTH ? path : undefined;
}
