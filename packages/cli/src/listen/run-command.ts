import { randomBytes } from 'node:crypto';
import { type Password, ProxyServer, type TcpAddress } from '@fdpass/listen';
import { type Arguments, usage } from '../arguments.js';
import { type Exit, exitOf, startCommand } from '../child-exit.js';
import { serveMany } from '../resident.js';
import { FDPASS } from '../syntax.js';
import { userVariables } from '../user-variables.js';
import { rulesDialer } from './listen.js';
import { PASSED, PassedSignals } from './pass-signals.js';
import { proxyVariables, routeVariables } from './run-variables.js';

/** A free port that only this machine reaches. */
const ADDRESS: TcpAddress = { host: '127.0.0.1', port: 0 };
const PASSWORD_BYTES = 24;

/** `fdpass run -- COMMAND ...`: runs it with a proxy of its own. Returns the exit code, which is the command's. */
export async function runCommand(args: Arguments): Promise<number> {
  const [command, ...words] = args.operands;
  if (command === undefined) throw usage(FDPASS, 'the command is missing');
  const dialer = rulesDialer(args);
  await dialer.prepare();
  serveMany();
  const password = args.flag('no-password') ? undefined : newPassword();
  const server = new ProxyServer({ dial: dialer.dial, password });
  try {
    const { port } = (await server.listen(ADDRESS)) as TcpAddress;
    const given = { ...process.env, ...userVariables(process.env) };
    const env = { ...given, ...routeVariables(args), ...proxyVariables(`${ADDRESS.host}:${port}`, password, given) };
    const { status, signal } = await runToEnd(command, words, env);
    if (signal !== null && PASSED.includes(signal)) await endBy(signal, server);
    return status;
  } finally {
    await server.close();
  }
}

/** Other users of this machine can connect to the port, but not read the environment of the command. */
function newPassword(): Password {
  return { user: 'fdpass', password: randomBytes(PASSWORD_BYTES).toString('base64url') };
}

/** As the command has ended: whoever has started us can tell an interrupt from a status. */
async function endBy(signal: NodeJS.Signals, server: ProxyServer): Promise<void> {
  await server.close();
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

async function runToEnd(command: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<Exit> {
  const signals = new PassedSignals();
  try {
    const child = startCommand(command, words, { stdio: 'inherit', env });
    signals.passTo(child);
    return await exitOf(child);
  } finally {
    signals.release();
  }
}
