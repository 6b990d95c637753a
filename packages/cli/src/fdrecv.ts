import { parseArguments } from './arguments.js';
import { keepCompiledCode } from './kept-code.js';
import { receive } from './receive.js';
import { answerGeneral, run } from './run.js';
import { FDRECV } from './syntax.js';

void run(FDRECV, async (argv) => {
  const args = parseArguments(FDRECV, argv, { stopAtOperand: true });
  if (await answerGeneral(FDRECV, args)) return 0;
  const status = await receive(args);
  keepCompiledCode();
  return status;
});
