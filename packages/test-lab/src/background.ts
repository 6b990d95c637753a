import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { descendants, killAll, PATIENCE_MS } from './processes.js';

/** A server program that a test has started. */
export interface Background {
  /** Where it listens. */
  readonly port: number;
  /** The child; {@link Background.close} ends it. */
  readonly process: ChildProcess;
  /** What it has said on stdout and stderr so far. */
  output(): string;
  /** Stops it, waits for its end and kills what it has started, sessions and all. May be called twice. */
  close(): Promise<void>;
}

/** How {@link startServer} runs a server. */
export interface BackgroundOptions {
  /** Added to our own environment. */
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Where it is asked whether it is ready. Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Until it answers on its port. Default {@link PATIENCE_MS}. */
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
  let said = 'there was no free port';
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = await freePort(options.host);
    const args = await argsFor(port);
    if (await accepts(port, options.host)) continue;
    const server = launch(command, args, port, options);
    if (await isReady(server, options)) return server;
    const isSilent = !hasEnded(server.process);
    await server.close();
    said = server.output();
    if (isSilent) break; // it would be so on every port
  }
  throw new Error(`${command} does not answer: ${said}`);
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
    if (child.pid === undefined) return; // it never ran; and to kill a child without a number is to kill our own group
    // sshd's sessions outlive it, in sessions of their own: they have to be found while they still have their parent.
    const children = hasEnded(child) ? [] : descendants(child.pid);
    child.kill(stopSignal);
    await within(3000, exit);
    child.kill('SIGKILL');
    await exit;
    killAll(children);
    await within(1000, allRead(child));
    child.stdout?.destroy(); // what we did not find may hold the other end
    child.stderr?.destroy();
  };
  return { port, process: child, output: () => output, close };
}

/** Whether its last words have been read, too: they come after the news of its exit. */
async function allRead({ stdout, stderr }: ChildProcess): Promise<void> {
  for (const stream of [stdout, stderr]) if (stream && !stream.closed) await once(stream, 'close');
}

/** Waits for `promise`, but not longer than `ms`. */
async function within(ms: number, promise: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Waits until it answers: false if it ends before, or does not in time. */
async function isReady(server: Background, { host, timeoutMs = PATIENCE_MS }: BackgroundOptions): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const answers = await accepts(server.port, host);
    // Asked after the port: what answers there may be a program that was quicker.
    if (hasEnded(server.process)) return false;
    if (answers || performance.now() > deadline) return answers;
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

/** Starts a server that has a folder of its own, which is removed when the start fails and when the server is closed. */
export async function startServerIn(
  start: (folder: string) => Promise<Background>,
): Promise<Background & { folder: string }> {
  const folder = temporaryFolder();
  try {
    const server = await start(folder.path);
    const close = async (): Promise<void> => {
      await server.close();
      folder.remove();
    };
    return { ...server, folder: folder.path, close };
  } catch (error) {
    folder.remove();
    throw error;
  }
}

/** A folder of a test's own, and how to remove it. */
export function temporaryFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'fdpass-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
