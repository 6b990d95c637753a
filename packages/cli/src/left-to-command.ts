/** Thrown by the agent to leave a request to the command, with the reason. */
export class LeftToCommand extends Error {}
