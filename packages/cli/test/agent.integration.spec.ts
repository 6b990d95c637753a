import { describeAgent } from './agent.spec.helper.js';

/* On every Node. ssh as the agent's client is in agent-asked-by-ssh.integration.spec.ts. */

describeAgent('ask-agent');
