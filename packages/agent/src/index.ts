export { Agent, type AgentOptions, type AgentStatus } from './agent.js';
export { type AgentCall, callAgent } from './call.js';
export { isSocketActivated } from './listen.js';
export { agentSocket } from './place.js';
export { type AgentRequest, type ClientQuestion, LEFT_TO_CLIENT, type Serve } from './request.js';
