import { isAbsolute } from 'node:path';
import { fdpassVersion, oneLine } from '@fdpass/core';
import { findInPath, isProgram } from '../program-path.js';
import { runProgram } from '../run-program.js';
import { fillTokens } from '../ssh-call.js';
import { placeOf } from '../ssh-words.js';
import { FDPASS } from '../syntax.js';
import { type Check, error, type Finding, warning } from './finding.js';
import { hasShell } from './shell.js';
import type { HostAnswer, Surroundings } from './surroundings.js';

const LIMIT_MS = 15_000;
/** The PATH of a program that no shell of the user has started, such as cron or a desktop. */
const BARE_PATH = '/usr/local/bin:/usr/bin:/bin';

/** Whether the fdpass of each ProxyCommand can be run, as ssh runs it, and without the PATH of the user's shell. */
export const command: Check = {
  name: 'command',
  async run(around) {
    if (!(await hasShell(around))) return { facts: ['not tried: the shell cannot run it'], findings: [] };
    const calls = distinct(await around.answers());
    if (calls.length === 0) return { facts: ['not tried: no ProxyCommand that fdpass can take apart'], findings: [] };
    const findings = await Promise.all(calls.map((answer) => tryCommand(answer, around)));
    const facts = findings.some((each) => each.some(({ severity }) => severity === 'error'))
      ? []
      : ['ssh can run fdpass'];
    return { facts, findings: findings.flat() };
  },
};

/** One answer for each way in which fdpass is started, as far as its arguments are right. */
function distinct(answers: readonly HostAnswer[]): HostAnswer[] {
  const calls = answers.filter(({ proxying: { call } }) => call !== undefined && call.objection === undefined);
  return [...new Map(calls.map((answer) => [JSON.stringify(answer.proxying.call?.launcher), answer])).values()];
}

async function tryCommand(answer: HostAnswer, { environment, timeoutMs }: Surroundings): Promise<Finding[]> {
  const { by, call } = answer.proxying;
  const where = by === undefined ? 'the ProxyCommand' : placeOf(by);
  const own = await versionBy(answer, environment, timeoutMs);
  if (own.version === undefined) return [cannotRun(where, own.said, call?.launcher ?? [])];
  const { HOME, USER, LOGNAME } = environment;
  const bareEnvironment = { HOME, USER, LOGNAME, SHELL: environment['SHELL'], PATH: BARE_PATH };
  const bare = await versionBy(answer, bareEnvironment, timeoutMs);
  return [
    ...(own.version === fdpassVersion() ? [] : [otherVersion(where, own.version)]),
    ...(bare.version === undefined ? [onlyInShells(where, bare.said, call?.launcher ?? [])] : []),
  ];
}

/** Runs the line of a ProxyCommand as ssh does, and asks for the version instead of a connection. */
async function versionBy(
  { proxying, settings }: HostAnswer,
  env: NodeJS.ProcessEnv,
  timeoutMs: number = LIMIT_MS,
): Promise<{ readonly version: string | undefined; readonly said: string }> {
  const line = `exec ${fillTokens(proxying.command ?? '', settings)} --version`;
  const { stdout, stderr, isLate } = await runProgram([env['SHELL'] || '/bin/sh', '-c', line], { env, timeoutMs });
  const [, version] = new RegExp(`^${FDPASS.name} (\\S+)\n`).exec(stdout) ?? [];
  const lines = stderr.split('\n').filter((text) => text !== '');
  return { version, said: oneLine(lines.at(-1) ?? (isLate ? 'it does not end' : 'it says nothing')) };
}

function cannotRun(where: string, said: string, launcher: readonly string[]): Finding {
  return error(`${where}: ssh cannot run fdpass: ${said}`, fixFor(said, launcher));
}

function fixFor(said: string, launcher: readonly string[]): string {
  const program = launcher.at(-1) ?? FDPASS.name;
  if (said.includes('node is not in PATH')) return `write: env PATH="/folder/of/node:$PATH" ${program}`;
  if (isAbsolute(program) && !isProgram(program) && /denied/i.test(said)) return `run: chmod +x ${program}`;
  return `write the path of fdpass: ${ownPath()}`;
}

/** The path under which the user has started us. */
function ownPath(): string {
  return findInPath(FDPASS.name) ?? process.argv[1] ?? FDPASS.name;
}

function otherVersion(where: string, version: string): Finding {
  return warning(
    `${where}: ssh runs fdpass ${version}, and this is ${fdpassVersion()}`,
    `write the path of the one that you want: ${ownPath()}`,
  );
}

function onlyInShells(where: string, said: string, launcher: readonly string[]): Finding {
  const isAlone = launcher.at(-1) === FDPASS.name;
  return warning(
    `${where}: an ssh that your shell has not started (of cron, an editor, the desktop) cannot run fdpass: ${said}`,
    isAlone ? `write the path of fdpass: ${ownPath()}` : fixFor(said, launcher),
  );
}
