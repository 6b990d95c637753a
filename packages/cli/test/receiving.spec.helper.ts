import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describeFd, type FdDescription, loadSys, recvFd } from '@fdpass/core/sockets';
import { PATIENCE_MS, type RunOptions } from '@fdpass/test-lab';

/** What a ProxyCommand has passed, and how it ended. */
export interface Received {
  readonly status: number | null;
  readonly stderr: string;
  /** Undefined if it has passed no descriptor. */
  readonly passed: FdDescription | undefined;
}

interface ReceiveOptions extends Pick<RunOptions, 'cwd' | 'env'> {
  /** Called when our end of the channel has been closed. */
  readonly onClosed?: () => Promise<void>;
}

/**
 * Runs a ProxyCommand as ssh does, in place of ssh. `fdrecv` does the same; this saves the start of another Node where the
 * command is what is tested.
 */
export async function receiveFrom(
  program: string,
  args: readonly string[],
  { cwd, env, onClosed }: ReceiveOptions,
): Promise<Received> {
  const sys = loadSys();
  const [ours, theirs] = sys.socketpair();
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: [theirs, theirs, 'pipe'],
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  sys.close(theirs);
  const closed = once(child, 'close');
  closed.catch(() => {});
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const fd = await recvFd(ours)
    .catch(() => undefined)
    .finally(() => sys.close(ours));
  try {
    await onClosed?.();
    const [status] = (await closed) as [number | null];
    return { status, stderr, passed: fd === undefined ? undefined : describeFd(fd, sys) };
  } finally {
    if (fd !== undefined) sys.close(fd);
  }
}
