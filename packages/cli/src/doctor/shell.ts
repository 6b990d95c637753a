import { isAbsolute } from 'node:path';
import { oneLine } from '@fdpass/core';
import { runProgram } from '../run-program.js';
import { type Check, type Checked, error } from './finding.js';
import type { Surroundings } from './surroundings.js';

const LIMIT_MS = 10_000;
const WORD = 'fdpass';
const BOURNE = '/bin/sh';

/** Whether ssh's shell runs a ProxyCommand, and prints nothing of its own. */
export const shell: Check = { name: 'shell', run: tryShell };

/** The findings about the shell, which is tried once. */
function tryShell(around: Surroundings): Promise<Checked> {
  return around.once('shell', async () => {
    const { SHELL } = around.environment;
    if (SHELL === undefined) return { facts: [`${BOURNE}, since SHELL is not set`], findings: [] };
    if (!isAbsolute(SHELL)) return { facts: [], findings: [notThere(SHELL)] };
    const words = [SHELL, '-c', `exec ${BOURNE} -c 'echo ${WORD}'`] as const;
    const { status, stdout, stderr, isLate } = await runProgram(words, { timeoutMs: LIMIT_MS });
    if (stdout === `${WORD}\n`) return { facts: [SHELL], findings: [] };
    if (stdout.endsWith(`${WORD}\n`)) return { facts: [], findings: [talkative(SHELL)] };
    const why = isLate ? 'it did not end' : oneLine(stderr.trim().split('\n')[0] || `it ended with status ${status}`);
    const what = `SHELL is ${SHELL}, which cannot run a ProxyCommand: ${why}`;
    return { facts: [], findings: [error(what, `set SHELL to ${BOURNE} or another shell`)] };
  });
}

/** Whether ssh can run a ProxyCommand at all. */
export async function hasShell(around: Surroundings): Promise<boolean> {
  return (await tryShell(around)).findings.length === 0;
}

/** An empty SHELL counts for ProxyUseFdpass, though not for other commands (ssh_proxy_fdpass_connect() in sshconnect.c). */
function notThere(SHELL: string): Checked['findings'][number] {
  const what = SHELL === '' ? 'SHELL is empty' : 'SHELL is not an absolute path';
  return error(
    `${what}, so ssh cannot start a ProxyCommand: it says "No such file or directory"`,
    `set SHELL to ${BOURNE}, or unset it`,
  );
}

function talkative(SHELL: string): Checked['findings'][number] {
  return error(
    `${SHELL} prints something before it runs a command, and ssh takes that for the descriptor`,
    'make its start-up files (.zshenv, .cshrc, config.fish, what BASH_ENV names) print only in interactive shells',
  );
}
