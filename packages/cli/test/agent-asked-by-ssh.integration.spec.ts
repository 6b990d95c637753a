import { describeAgent } from './agent.spec.helper.js';

/* Where there is no compiled client, as on macOS. The same tests as in agent.integration.spec.ts, in a file that runs on the first Node only. */

describeAgent('ssh');
