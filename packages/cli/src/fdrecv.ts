import { parseArguments } from './arguments.js';
import { receive } from './receive.js';
import { answerGeneral, run } from './run.js';
import { FDRECV } from './usage.js';

void run(FDRECV, async (argv) => {
  const args = parseArguments(FDRECV, argv, { stopAtOperand: true });
  return answerGeneral(FDRECV, args) ? 0 : receive(args);
});
