import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type Connection, isFdpassError, messageOf } from '@fdpass/core';
import { describeGreeting, type Greeting, killGroup } from '@fdpass/core/host';
import { DescriptorConnection, loadSys, recvFd, type Sys } from '@fdpass/core/sockets';

/** How long the server has to greet. */
const GREETING_MS = 5000;
/** How long the command has to exit, once it has passed a descriptor or closed its stdout. */
const PATIENCE_MS = 5000;

/** The result of a ProxyCommand. */
export interface DialEnd {
  /** Whether ssh would have got a connection. */
  readonly isConnected: boolean;
  /** How long it took until the connection was there, or had failed. */
  readonly ms: number;
  /** What the server said first. */
  readonly greeting: Greeting | undefined;
  /** What the command said on stderr. */
  readonly said: string;
}

/**
 * Runs a ProxyCommand as ssh does: in the user's shell, and on a socket over which it passes a descriptor. The connection is
 * closed again.
 *
 * @param command With its tokens filled in.
 */
export async function dialAsSsh(command: string, timeoutMs: number): Promise<DialEnd> {
  const sys = loadSys();
  const [ours, theirs] = sys.socketpair();
  const child = new Child(command, [theirs, theirs, 'pipe']);
  sys.close(theirs);
  try {
    const fd = await recvFd(ours, { sys, signal: AbortSignal.timeout(timeoutMs) });
    const { ms } = child;
    const greeting = await greetingOf(fd, sys);
    return { isConnected: true, ms, greeting, said: await child.end() };
  } catch (cause) {
    const isLate = (cause as Error).name === 'TimeoutError';
    if (!isLate && !isFdpassError(cause)) throw cause;
    return { isConnected: false, ms: child.ms, greeting: undefined, said: await child.end(isLate) };
  } finally {
    child.kill();
    sys.close(ours);
  }
}

/** The same for an ssh that wants bytes. */
export async function dialForBytes(command: string, timeoutMs: number): Promise<DialEnd> {
  const child = new Child(command, ['pipe', 'pipe', 'pipe']);
  try {
    const first = await child.firstBytes(timeoutMs);
    const { ms } = child;
    const isConnected = first !== undefined;
    const greeting = first && describeGreeting(first);
    return { isConnected, ms, greeting, said: await child.end(true) };
  } finally {
    child.kill();
  }
}

async function greetingOf(fd: number, sys: Sys): Promise<Greeting | undefined> {
  sys.setNonBlocking(fd, true);
  const connection: Connection = new DescriptorConnection(fd, sys);
  try {
    return describeGreeting(await connection.peek(GREETING_MS));
  } catch (cause) {
    if (isFdpassError(cause)) return undefined; // closed without a word
    throw cause;
  } finally {
    connection.destroy();
  }
}

/** A command in a shell, as ssh starts it. */
class Child {
  readonly process: ChildProcess;
  readonly #startedMs = performance.now();
  readonly #said: string[] = [];
  /** Resolves when it has ended, and its stderr too. */
  readonly ended: Promise<unknown>;

  constructor(command: string, stdio: StdioOptions) {
    const shell = process.env['SHELL'] ?? '/bin/sh';
    this.process = spawn(shell, ['-c', `exec ${command}`], { stdio, cwd: '/', detached: true });
    this.process.stderr?.setEncoding('utf8').on('data', (text: string) => void this.#said.push(text));
    this.process.stdin?.on('error', () => {});
    this.ended = once(this.process, 'close').catch((error: unknown) => void this.#said.push(messageOf(error)));
  }

  /** Since it was started. */
  get ms(): number {
    return Math.round(performance.now() - this.#startedMs);
  }

  /** What it writes to stdout first; undefined if it ends before, or does not in time. */
  async firstBytes(timeoutMs: number): Promise<Buffer | undefined> {
    const { stdout } = this.process;
    if (stdout === null) return undefined;
    const written = once(stdout, 'data', { signal: AbortSignal.timeout(timeoutMs) }).catch(() => []);
    const [first] = await Promise.race([written, this.ended.then(() => [])]);
    return first as Buffer | undefined;
  }

  /**
   * Waits for its end. Resolves to what it has said.
   *
   * @param isLate It is not waited for. Default: for a while.
   */
  async end(isLate = false): Promise<string> {
    const timer = setTimeout(() => this.kill(), isLate ? 0 : PATIENCE_MS);
    await this.ended;
    clearTimeout(timer);
    return this.#said.join('');
  }

  kill(): void {
    killGroup(this.process.pid);
    this.process.stderr?.destroy(); // what it has started can have it too
  }
}
