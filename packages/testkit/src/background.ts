import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, killAll } from './processes.js';

/** A server program that a test has started. */
export interface Background {
  readonly port: number;
  readonly process: ChildProcess;
  /** What it has said on stdout and stderr so far. */
  output(): string;
  /** Stops it, waits for its end and kills what it has started, sessions and all. May be called twice. */
  close(): Promise<void>;
}

export interface BackgroundOptions {
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly host?: string | undefined;
  /** Until it answers on its port. Default 20,000. */
  readonly timeoutMs?: number | undefined;
  /** Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals | undefined;
}

const TRIES = 5;

/**
 * Starts a server on a free port and waits until it answers; the caller closes it. Between finding a free port and the
 * server taking it another program may come first: then the server ends, and another port is tried. Rejects with what
 * the server has said.
 */
export async function startServer(
  command: string,
  argsFor: (port: number) => readonly string[] | Promise<readonly string[]>,
  options: BackgroundOptions = {},
): Promise<Background> {
  let failure: unknown = new Error(`no free port for ${command}`);
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = await freePort(options.host);
    const args = await argsFor(port);
    if (await accepts(port, options.host)) continue;
    const server = launch(command, args, port, options);
    try {
      await answering(server, options);
      return server;
    } catch (error) {
      failure = error;
      const hasEnded = ended(server.process);
      await server.close();
      if (!hasEnded) break; // one that is there and silent would be so on every port
    }
  }
  throw failure;
}

function launch(
  command: string,
  args: readonly string[],
  port: number,
  { env, stopSignal = 'SIGTERM' }: BackgroundOptions,
): Background {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  child.on('error', (error) => {
    output += error.message;
  });
  const exit = new Promise<void>((resolve) => {
    child.once('exit', () => resolve()).once('error', () => resolve());
  });
  const close = async (): Promise<void> => {
    // sshd's sessions outlive it, in sessions of their own: they have to be found while they still have their parent.
    const children = child.pid === undefined || ended(child) ? [] : descendants(child.pid);
    child.kill(stopSignal);
    const timer = setTimeout(() => child.kill('SIGKILL'), 3000);
    await exit;
    clearTimeout(timer);
    killAll(children);
  };
  return { port, process: child, output: () => output, close };
}

function ended({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

async function answering(server: Background, { host, timeoutMs = 20_000 }: BackgroundOptions): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const isThere = await accepts(server.port, host);
    // After the look at the port: what answers on it may be a program that was quicker.
    if (ended(server.process) || (!isThere && performance.now() > deadline))
      throw new Error(`${server.process.spawnfile} does not answer on port ${server.port}: ${server.output()}`);
    if (isThere) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect({ port, host });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A TCP port that was free a moment ago. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A folder of a test's own, and how to remove it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fdpass-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
