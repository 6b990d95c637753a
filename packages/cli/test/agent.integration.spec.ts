import { describeAgent } from './agent.spec.helper.js';

describeAgent('Perl');
