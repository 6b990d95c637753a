import type { ChildProcess } from 'node:child_process';
import { startDeadline, systemClock } from '@fdpass/core';
import { openChannel, relayOver } from '@fdpass/core/host';
import {
  adoptFd,
  describeFd,
  type FdDescription,
  formatFdAddress,
  loadSys,
  recvFd,
  type Sys,
  toConnection,
} from '@fdpass/core/sockets';
import { type Arguments, usage } from './arguments.js';
import { type Exit, exitOf, startCommand } from './child-exit.js';
import { openNoInspector } from './no-inspector.js';
import { print } from './print.js';
import { readTimeout } from './request.js';
import { writeStderr } from './stderr.js';
import { FDRECV } from './syntax.js';

/** How long a command that has closed its stdout without passing a descriptor can take to exit. */
const EXIT_LIMIT_MS = 1000;

/**
 * `fdrecv COMMAND …`: runs it as ssh runs a ProxyCommand and receives its descriptor. Then it describes or bridges that, or
 * becomes the program that wants it. Returns the exit code of the command.
 */
export async function receive(args: Arguments): Promise<number> {
  const { operands, program } = args.flag('exec') ? splitProgram(args.operands) : { operands: args.operands };
  const [command, ...rest] = operands;
  if (command === undefined) throw usage(FDRECV, 'the command is missing');
  const sys = loadSys();
  const [ours, theirs] = sys.socketpair();
  const child = start(command, rest, theirs, sys);
  const exited = exitOf(child);
  exited.catch(() => {});
  const deadline = startDeadline(readTimeout(args) ?? 0, undefined, systemClock);
  let fd: number;
  try {
    fd = await recvFd(ours, { sys, signal: deadline.signal });
  } catch (error) {
    return await withoutDescriptor(error, { child, exited, command, isLate: deadline.signal.aborted });
  } finally {
    deadline.release();
    sys.close(ours);
  }
  const { status } = await exited; // as ssh does: time after the hand-over is the user's time
  if (program !== undefined) {
    if (status !== 0) return status;
    const { becomeCommand } = await import('./exec/become-command.js');
    return becomeCommand(program, fd, args.flag('stdio'));
  }
  await (args.flag('stdio') ? bridge(fd, sys) : tell(describeFd(fd, sys), args.flag('json')));
  return status;
}

/** COMMAND and PROGRAM. @throws FdpassError `usage` */
function splitProgram(words: readonly string[]): { operands: readonly string[]; program: [string, ...string[]] } {
  const at = words.indexOf('--');
  const [program, ...rest] = at === -1 ? [] : words.slice(at + 1);
  if (program !== undefined) return { operands: words.slice(0, at), program: [program, ...rest] };
  throw usage(FDRECV, '--exec wants a program after the command and "--"');
}

function start(command: string, args: readonly string[], channel: number, sys: Sys): ChildProcess {
  try {
    return startCommand(command, args, { stdio: [channel, channel, 'inherit'] });
  } finally {
    sys.close(channel);
  }
}

/**
 * No descriptor came: the command could not run, failed by itself, or does not pass descriptors. A status that says why is
 * passed on. A command that does not exit by itself is killed.
 *
 * @throws the error, if the command did not fail by itself.
 */
async function withoutDescriptor(
  error: unknown,
  { child, exited, command, isLate }: { child: ChildProcess; exited: Promise<Exit>; command: string; isLate: boolean },
): Promise<number> {
  let isKilled = false;
  const cancel = systemClock.after(isLate ? 0 : EXIT_LIMIT_MS, () => {
    // Without a pid, as after ENOENT, Node 20 would signal our whole process group.
    isKilled = child.pid !== undefined && child.kill('SIGKILL');
  });
  const { status, signal, how } = await exited.finally(cancel); // rejects with the better reason if it never ran
  const isOurKill = isKilled && signal === 'SIGKILL'; // one that has exited can be killed until somebody hears of it
  if (isOurKill || status === 0) throw error;
  writeStderr(`${FDRECV.name}: ${JSON.stringify(command)} ${how} and passed no descriptor`);
  return status;
}

async function tell(description: FdDescription, asJson: boolean): Promise<void> {
  await print(asJson ? `${JSON.stringify(description)}\n` : `${formatDescription(description)}\n`);
}

function formatDescription({ family, type, local, peer }: FdDescription): string {
  const words = [family, type, local && `local ${formatFdAddress(local)}`, peer && `peer ${formatFdAddress(peer)}`];
  return words.filter(Boolean).join(' ');
}

async function bridge(fd: number, sys: Sys): Promise<void> {
  openNoInspector();
  await relayOver(openChannel({ as: 'relay' }), toConnection(adoptFd(fd, sys)));
}
