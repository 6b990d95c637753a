import { describeAgent } from './agent.spec.helper.js';

describeAgent('ssh');
