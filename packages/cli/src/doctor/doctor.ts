import { makeTarget, messageOf, oneLine } from '@fdpass/core';
import { currentFolder, expandPath } from '@fdpass/core/host';
import { type Arguments, checkCount } from '../arguments.js';
import { print } from '../print.js';
import { readTimeout } from '../request.js';
import { openStatusLine } from '../status-line.js';
import { FDPASS } from '../syntax.js';
import { lookOf } from '../trace/look.js';
import { agent } from './agent.js';
import { command } from './command.js';
import { config } from './config.js';
import { credentials } from './credentials.js';
import { environment } from './environment.js';
import { type Check, type Checked, error, type Severity } from './finding.js';
import { host } from './host.js';
import { kernel } from './kernel.js';
import { node } from './node.js';
import { plugins } from './plugins.js';
import { proxies } from './proxies.js';
import { type Diagnosis, renderDiagnoses, worstOf } from './report.js';
import { shell } from './shell.js';
import { ssh } from './ssh.js';
import { sshConfig } from './ssh-config.js';
import { Surroundings } from './surroundings.js';

const CHECKS: readonly Check[] = [
  node,
  kernel,
  ssh,
  shell,
  sshConfig,
  command,
  config,
  plugins,
  credentials,
  proxies,
  agent,
  environment,
];

const EXIT_WRONG = 78;
const SSH_PORT = 22;

/** `fdpass doctor [HOST]`: says what is wrong on this machine, and how to fix it. Returns the exit code. */
export async function doctor(args: Arguments): Promise<number> {
  checkCount(FDPASS, args, 1);
  const [name] = args.operands;
  if (name !== undefined) makeTarget({ host: name, port: SSH_PORT }); // refuses what is not a host before ssh sees it
  const file = args.value('config');
  const around = new Surroundings({
    file: file === undefined ? undefined : expandPath(file, currentFolder()),
    host: name,
    timeoutMs: readTimeout(args) || undefined,
  });
  const diagnoses = await runAll(name === undefined ? CHECKS : [...CHECKS, host], around);
  const exitStatus = diagnoses.some((diagnosis) => worstOf(diagnosis) === 'error') ? EXIT_WRONG : 0;
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  const text = args.flag('json')
    ? renderJson(diagnoses, exitStatus)
    : renderDiagnoses(diagnoses, lookOf(width)).join('\n');
  await print(`${text}\n`);
  return exitStatus;
}

async function runAll(checks: readonly Check[], around: Surroundings): Promise<Diagnosis[]> {
  const status = openStatusLine();
  let done = 0;
  const progress = (): void => status.show(`${done} of ${checks.length} checks done`);
  progress();
  try {
    const diagnoses = await Promise.all(
      checks.map(async (check) => {
        const checked = await runCheck(check, around);
        done += 1;
        progress();
        return { name: check.name, ...checked };
      }),
    );
    return withoutRepetition(diagnoses);
  } finally {
    status.clear();
  }
}

/** Leaves out what was already said about all hosts. */
function withoutRepetition(diagnoses: readonly Diagnosis[]): Diagnosis[] {
  const told = new Set<string>();
  return diagnoses.map((diagnosis) => {
    const findings = diagnosis.findings.filter(({ what }) => !told.has(what));
    for (const { what } of findings) told.add(what);
    return { ...diagnosis, findings };
  });
}

/** A check that fails by itself must not hide the results of the others. */
async function runCheck(check: Check, around: Surroundings): Promise<Checked> {
  try {
    return await check.run(around);
  } catch (cause) {
    return {
      facts: [],
      findings: [error(`this could not be checked: ${oneLine(messageOf(cause))}`, 'see: fdpass help internal')],
    };
  }
}

function renderJson(diagnoses: readonly Diagnosis[], exitStatus: number): string {
  const checks = diagnoses.map(({ name, facts, findings }) => {
    const state: Severity | 'ok' = worstOf({ findings }) ?? 'ok';
    return { name, state, facts, findings };
  });
  return JSON.stringify({ exitStatus, checks }, null, 2);
}
