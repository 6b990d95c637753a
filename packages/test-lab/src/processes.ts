import { type StdioOptions, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** How a child process ended and what it said. */
export interface Finished {
  /** The exit status, or null after a signal. */
  readonly status: number | null;
  /** What killed it, or null. */
  readonly signal: NodeJS.Signals | null;
  /** All of it. */
  readonly stdout: string;
  /** All of it. */
  readonly stderr: string;
}

/** How {@link run} runs a program. */
export interface RunOptions {
  /** Default: ours. */
  readonly cwd?: string | undefined;
  /** Added to our own environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Sent to its stdin, which is then closed. Default: stdin is /dev/null. */
  readonly input?: string | Uint8Array | undefined;
  /** After this it is killed and the call rejects. Default {@link PATIENCE_MS}. */
  readonly timeoutMs?: number | undefined;
}

/**
 * How long tests wait for what has to happen. Long, since a busy machine takes its time and only a failure waits so long; a
 * third of what a test can take (.mocharc.json), so that the failure says what was waited for.
 */
export const PATIENCE_MS = 60_000;

/** Runs a program to its end, or at the deadline kills it with all it has started. Never hangs. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const { cwd, env, input, timeoutMs = PATIENCE_MS } = options;
  return new Promise((resolve, reject) => {
    const stdio: StdioOptions = [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
    let stdout = '';
    let stderr = '';
    const timer = setTimeout(() => {
      if (child.pid !== undefined) killTree(child.pid);
      reject(new Error(`${command} ${args.join(' ')} did not end within ${timeoutMs} ms\n${stdout}\n${stderr}`));
    }, timeoutMs);
    child.stdout?.setEncoding('latin1').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout, stderr });
    });
    child.stdin?.on('error', () => {}).end(input);
  });
}

/** A process, told from a later one with the same number by its start. */
export interface ProcessEntry {
  /** Its own id. */
  readonly pid: number;
  /** Its parent's id. */
  readonly parent: number;
  /** In clock ticks since boot (proc_pid_stat(5), field 22). */
  readonly started: string;
}

/** The children of a process, their children and so on, as they are now. Linux only: elsewhere none are seen. */
export function descendants(pid: number): ProcessEntry[] {
  const all = numericEntries('/proc').flatMap((entry) => processOf(Number(entry)));
  const below = (parent: number): ProcessEntry[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return below(pid);
}

function processOf(pid: number): ProcessEntry[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // the name before it may hold anything
    return [{ pid, parent: Number(fields[1]), started: fields[19] ?? '' }];
  } catch {
    return []; // it has ended meanwhile
  }
}

/** Kills each of the processes that is still the same one. */
export function killAll(processes: readonly ProcessEntry[]): void {
  signalAll(processes, 'SIGKILL');
}

function signalAll(processes: readonly ProcessEntry[], signal: NodeJS.Signals): void {
  for (const { pid, started } of processes) {
    if (processOf(pid)[0]?.started !== started) continue;
    try {
      process.kill(pid, signal);
    } catch {
      // it has ended meanwhile
    }
  }
}

/** Kills a process and all below it. They are stopped first, so that none starts another one between the look and the end. */
function killTree(pid: number): void {
  const list = (): ProcessEntry[] => [...processOf(pid), ...descendants(pid)];
  let found = list();
  for (let known = 0; found.length > known; found = list()) {
    known = found.length;
    signalAll(found, 'SIGSTOP');
  }
  killAll(found);
}

const MARKER = 'FDPASS_TEST_RUN';

/** An environment that marks a process and all it starts, however detached, so that leftovers can be found. */
export function markedEnvironment(): { readonly env: NodeJS.ProcessEnv; readonly marker: string } {
  const marker = randomUUID();
  return { env: { [MARKER]: marker }, marker };
}

/** The processes with this mark, as `PID command line`. Linux only: elsewhere none are seen. */
export function markedProcesses(marker: string): string[] {
  return numericEntries('/proc').flatMap((pid) => {
    try {
      const isOurs = readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`${MARKER}=${marker}`);
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return isOurs && command !== '' ? [`${pid} ${command}`] : []; // a zombie has no command line
    } catch {
      return []; // it has ended meanwhile
    }
  });
}

/** Kills what has this mark: for `after` hooks, so that a failed test leaves nothing running either. */
export function killMarked(marker: string): void {
  killAll(markedProcesses(marker).flatMap((entry) => processOf(Number.parseInt(entry, 10))));
}

/** What each open descriptor of a process is. Linux only: elsewhere none are seen. */
export function openDescriptors(pid: number | 'self' = 'self'): string[] {
  return numericEntries(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [`${fd} ${readlinkSync(`/proc/${pid}/fd/${fd}`)}`];
    } catch {
      return []; // the descriptor of this very listing
    }
  });
}

/** The sockets and pipes that this process has open, listed as {@link openDescriptors} does. */
export function openSocketsAndPipes(): string[] {
  return openDescriptors().filter((entry) => /socket:|pipe:/.test(entry));
}

/** The TCP sockets on which a process listens, as {@link openDescriptors} lists them. Linux only: elsewhere none are seen. */
export function listeningSockets(pid: number): string[] {
  const listening = new Set(['tcp', 'tcp6'].flatMap((table) => listeningInodes(`/proc/${pid}/net/${table}`)));
  return openDescriptors(pid).filter((entry) => listening.has(/socket:\[(\d+)\]/.exec(entry)?.[1] ?? ''));
}

/** Of the sockets in a table of proc_pid_net(5) that are in the state LISTEN. */
function listeningInodes(table: string): string[] {
  const LISTEN = '0A';
  const [, ...rows] = linesOf(table);
  return rows.map((row) => row.trim().split(/ +/)).flatMap((fields) => (fields[3] === LISTEN ? [fields[9] ?? ''] : []));
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').trimEnd().split('\n');
  } catch {
    return []; // no such family on this machine, or no such file on this system
  }
}

function numericEntries(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** Waits until `list` gives nothing, and fails with what is left if it does not within `timeoutMs`. */
export async function expectNoneLeft(list: () => readonly string[], timeoutMs: number = PATIENCE_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (let left = list(); left.length > 0; left = list()) {
    if (performance.now() > deadline) throw new Error(`left behind: ${left.join('; ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Waits until no process with the mark is left, and fails with those that are; they are killed then. */
export async function expectNoneMarked(marker: string): Promise<void> {
  try {
    await expectNoneLeft(() => markedProcesses(marker));
  } finally {
    killMarked(marker);
  }
}

/** Waits until every socket and pipe that was opened after `before` (a listing of {@link openDescriptors}) is closed. */
export function expectNoDescriptorLeft(before: readonly string[], timeoutMs: number = PATIENCE_MS): Promise<void> {
  const known = new Set(before);
  return expectNoneLeft(() => openSocketsAndPipes().filter((entry) => !known.has(entry)), timeoutMs);
}
