import { prepareForDeath } from '@fdpass/core/host';
import { becomeProgram, describeFd, loadSys } from '@fdpass/core/sockets';
import { cannotRun } from '../child-exit.js';
import { keepCompiledCode } from '../kept-code.js';
import { userVariables } from '../user-variables.js';
import { ucspiVariables } from './ucspi.js';

/** Where programs for UCSPI clients read and write. */
const UCSPI = [6, 7];
/** Where all other programs do. */
const STDIO = [0, 1];

/**
 * Becomes a command that has a socket as its descriptors 6 and 7, as with tcpclient, or as its standard input and output. Its
 * environment says what is at both ends.
 *
 * @throws FdpassError `usage` if the command cannot be run.
 */
export function becomeCommand(argv: readonly [string, ...string[]], socket: number, isStdio: boolean): never {
  const sys = loadSys();
  const variables = { ...userVariables(process.env), ...ucspiVariables(describeFd(socket, sys)) };
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  keepCompiledCode();
  sys.setNonBlocking(socket, false);
  prepareForDeath(); // nobody else cleans up what this process would
  try {
    return becomeProgram(argv, new Map((isStdio ? STDIO : UCSPI).map((fd) => [fd, socket])), sys);
  } catch (cause) {
    throw cannotRun(cause);
  }
}
