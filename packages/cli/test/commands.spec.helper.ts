import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Finished, type RunOptions, run, skipOrFail } from '@fdpass/test-lab';

const bin = (name: string): string => fileURLToPath(new URL(`../../../bin/${name}`, import.meta.url));

export const FDPASS_BIN: string = bin('fdpass');
export const FDRECV_BIN: string = bin('fdrecv');

/** An environment in which no configuration of the machine's own is found, and in which no failure is kept. */
export const NO_CONFIG: NodeJS.ProcessEnv = {
  XDG_CONFIG_HOME: '/nonexistent',
  XDG_STATE_HOME: '/dev/null',
  FDPASS_CONFIG: '',
  FDPASS_AGENT: 'none',
  HOME: process.env['HOME'],
};

/** A plugin with a strategy `stream`, whose connection is not a kernel socket. */
export const STREAM_PLUGIN: string = `
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
export const stream = {
  name: 'stream',
  create: () => ({
    needsRelay: () => true,
    dial: ({ host, port }) => new Promise((resolve, reject) => {
      const socket = connect({ host, port, allowHalfOpen: true }).on('error', reject);
      socket.once('connect', () => resolve(Duplex.from({ readable: socket, writable: socket })));
    }),
  }),
};
`;

/** Runs the built `fdpass` as Node programs run a ProxyCommand: stdin and stdout are two socket pairs, and mean pipes. */
export function fdpass(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(process.execPath, [FDPASS_BIN, ...args], { input: '', ...options, env: { ...NO_CONFIG, ...options.env } });
}

/** Runs the built `fdrecv`. */
export function fdrecv(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return run(process.execPath, [FDRECV_BIN, ...args], { ...options, env: { ...NO_CONFIG, ...options.env } });
}

/** The `fdpass` command as words for a ProxyCommand: this Node, the built command. */
export function proxyCommand(...options: readonly string[]): string {
  return [process.execPath, FDPASS_BIN, ...options]
    .map((word) => `'${word}'`)
    .join(' ')
    .concat(' %h %p');
}

/** Runs `fdpass` with stdout as something special: the descriptor is given to it as fd 1. */
export function fdpassOnto(
  stdout: number | 'ignore',
  args: readonly string[],
): Promise<{ status: number | null; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [FDPASS_BIN, ...args], {
      stdio: ['ignore', stdout, 'pipe'],
      env: { ...process.env, ...NO_CONFIG },
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject).once('close', (status) => resolve({ status, stderr }));
  });
}

/** Skips tests of the agent's compiled client where the launcher asks through ssh. */
export function requireAskAgent(test: Mocha.Context): void {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) test.skip();
  const program = fileURLToPath(new URL(`../bundle/ask-agent-${process.arch}`, import.meta.url));
  if (!existsSync(program)) skipOrFail(test, 'not built, since there is no C compiler: ask-agent');
}
