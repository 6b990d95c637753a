/** Why the agent leaves a request to a process of its own. */
export class LeftToCommand extends Error {}
