/** The prefix under which the launcher keeps the variables of Node that it removes. */
const PREFIX = 'FDPASS_USER_';

/**
 * The variables of Node as the user has set them. The launcher removes them, since they are meant for other programs, and keeps
 * copies for a command that is run for the user. Undefined for those that the command must not have.
 */
export function userVariables(environment: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const { NODE_OPTIONS, FDPASS_NODE_OPTIONS } = environment;
  const isOurs = NODE_OPTIONS !== undefined && NODE_OPTIONS === FDPASS_NODE_OPTIONS;
  const kept = Object.entries(environment).filter(([name]) => name.startsWith(PREFIX));
  return {
    ...(isOurs && { NODE_OPTIONS: undefined }),
    ...Object.fromEntries(kept.map(([name]) => [name, undefined])),
    ...Object.fromEntries(kept.map(([name, value]) => [name.slice(PREFIX.length), value])),
  };
}
