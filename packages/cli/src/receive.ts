import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { FdpassError, isFdpassError, reasonOf, startDeadline, systemClock } from '@fdpass/core';
import { openChannel, relayOver } from '@fdpass/core/host';
import {
  adoptFd,
  describeFd,
  type FdDescription,
  formatFdAddress,
  loadSys,
  recvFd,
  type Sys,
} from '@fdpass/core/sockets';
import { type Arguments, usage } from './arguments.js';
import { readTimeout } from './request.js';
import { FDRECV } from './usage.js';

/** `fdrecv COMMAND …`: runs it as ssh runs a ProxyCommand, receives its descriptor, tells or bridges it. Returns the exit code. */
export async function receive(args: Arguments): Promise<number> {
  const [command, ...rest] = args.operands;
  if (command === undefined) throw usage(FDRECV, 'the command is missing');
  const sys = loadSys();
  const [ours, theirs] = sys.socketpair();
  const child = start(command, rest, theirs, sys);
  const exited = exitOf(child, command);
  exited.catch(() => {});
  const deadline = startDeadline(readTimeout(args) ?? 0, undefined, systemClock);
  let fd: number;
  try {
    fd = await recvFd(ours, { sys, signal: deadline.signal });
  } catch (error) {
    if (child.pid !== undefined) child.kill(); // without a pid, as after ENOENT, Node 20 would signal our whole process group
    throw await explainFailure(error, exited, command);
  } finally {
    deadline.release();
    sys.close(ours);
  }
  await exited; // as ssh does: time after the hand-over is the user's time
  return args.flag('stdio') ? bridge(fd, sys) : tell(describeFd(fd, sys), args.flag('json'));
}

function start(command: string, args: readonly string[], channel: number, sys: Sys): ChildProcess {
  try {
    return spawn(command, args, { stdio: [channel, channel, 'inherit'] });
  } finally {
    sys.close(channel);
  }
}

/** The exit status of the child, 128 + N if signal N ended it. Rejects if it could not be started. */
function exitOf(child: ChildProcess, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(new FdpassError('usage', `cannot run ${JSON.stringify(command)}: ${reasonOf(cause)}`, { cause })),
    );
    child.once('exit', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
  });
}

/** Why no descriptor came: the command could not run, failed by itself, or does not pass descriptors. */
async function explainFailure(error: unknown, exited: Promise<number>, command: string): Promise<unknown> {
  const status = await exited; // rejects with the better reason if it never ran
  if (status === 0 || !isFdpassError(error) || error.code !== 'protocol') return error;
  return new FdpassError(
    error.code,
    `${JSON.stringify(command)} ended with status ${status} and passed no descriptor`,
    { cause: error },
  );
}

function tell(description: FdDescription, asJson: boolean): number {
  process.stdout.write(asJson ? `${JSON.stringify(description)}\n` : `${formatDescription(description)}\n`);
  return 0;
}

function formatDescription({ family, type, local, peer }: FdDescription): string {
  const words = [family, type, local && `local ${formatFdAddress(local)}`, peer && `peer ${formatFdAddress(peer)}`];
  return words.filter(Boolean).join(' ');
}

async function bridge(fd: number, sys: Sys): Promise<number> {
  await relayOver(openChannel({ as: 'relay' }), adoptFd(fd, sys));
  return 0;
}
