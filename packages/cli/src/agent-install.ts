import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { FdpassError, fromSystemError } from '@fdpass/core';
import { makeService, type Service } from './agent-service.js';
import { print } from './print.js';

/** `fdpass agent install`: lets the service manager of the user's session keep the agent. @throws FdpassError */
export async function install(socket: string): Promise<void> {
  const { files, enable } = service(socket);
  for (const [path, content] of files) {
    try {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, content, { mode: 0o644 });
    } catch (error) {
      throw fromSystemError(error, `cannot write ${path}`);
    }
    await print(`written  ${path}\n`);
  }
  await runAll(enable);
}

/** `fdpass agent uninstall`: undoes that. @throws FdpassError */
export async function uninstall(socket: string): Promise<void> {
  const { files, disable, forget } = service(socket);
  await runAll(disable);
  for (const [path] of files) {
    rmSync(path, { force: true });
    await print(`removed  ${path}\n`);
  }
  await runAll(forget);
}

function service(socket: string): Service {
  const [, script = ''] = process.argv;
  const made = makeService({
    platform: process.platform,
    environment: process.env,
    node: process.execPath,
    script,
    socket,
  });
  if (made !== undefined) return made;
  throw new FdpassError('usage', `there is no service manager for ${process.platform} that fdpass knows`, {
    hint: 'start the agent with "fdpass agent start", or write "agent: auto" in the configuration',
  });
}

async function runAll(commands: Service['enable']): Promise<void> {
  for (const [program, ...args] of commands) {
    const line = [program, ...args].join(' ');
    const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8', cwd: '/' });
    if (status !== 0)
      throw new FdpassError('internal', `${line} failed: ${(error?.message ?? stderr).trim()}`, {
        hint: 'check that the service manager of your session runs',
      });
    await print(`run      ${line}\n`);
  }
}
