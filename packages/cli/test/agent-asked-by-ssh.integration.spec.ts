import { describeAgent } from './agent.spec.helper.js';

/*
 * ssh asks where there is no compiled client, as on macOS. These are the tests of agent.integration.spec.ts, in a file of their own
 * because they run on the first Node only.
 */

describeAgent('ssh');
