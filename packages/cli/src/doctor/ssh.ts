import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { isFdpassError } from '@fdpass/core';
import { homeFolder } from '@fdpass/core/host';
import { runProgram } from '../run-program.js';
import { type Check, error, type Finding, warning } from './finding.js';
import type { Surroundings } from './surroundings.js';

const LIMIT_MS = 5000;

/** Which ssh is installed, and whether it accepts its own settings. */
export const ssh: Check = {
  name: 'ssh',
  async run(around) {
    const { ssh: program } = around;
    if (program === undefined) {
      const fix = "install OpenSSH's client, or add its folder to PATH";
      return { facts: [], findings: [error('there is no ssh in PATH', fix)] };
    }
    const { stdout, stderr } = await runProgram([program, '-V'], { timeoutMs: LIMIT_MS });
    const version = `${stdout}${stderr}`.split(/[,\n]/, 1)[0] ?? '';
    const findings = [...judgeVersion(version, program), ...(await judgeSettings(around))];
    return { facts: [`${version} (${program})`], findings };
  },
};

function judgeVersion(version: string, program: string): Finding[] {
  const [, major, minor] = /^OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined)
    return [warning(`${program} is not OpenSSH, so nobody knows whether it takes descriptors`, 'use OpenSSH')];
  const isTooOld = Number(major) < 6 || (Number(major) === 6 && Number(minor) < 8);
  if (!isTooOld) return [];
  return [
    error('this ssh has no ProxyUseFdpass, or cannot be asked for its settings', 'update it to OpenSSH 6.8 or later'),
  ];
}

async function judgeSettings(around: Surroundings): Promise<Finding[]> {
  try {
    const settings = await around.ask(around.host ?? 'localhost');
    return wrongHome(settings?.files ?? []);
  } catch (cause) {
    if (!isFdpassError(cause)) throw cause;
    const [, file] = /Bad owner or permissions on (\S+)/.exec(cause.message) ?? [];
    const fix = file === undefined ? cause.hint : `make it writable by nobody else: chmod go-w ${file}`;
    return [error(cause.message, fix ?? 'correct it')];
  }
}

/** ssh takes the user's home folder from passwd(5), and fdpass and shells take HOME. */
function wrongHome(files: readonly string[]): Finding[] {
  const own = join(homeFolder(), '.ssh/config');
  if (files.includes(own) || !existsSync(own)) return [];
  return [
    warning(
      `ssh does not read ${own}: it takes ${userInfo().homedir} for your home folder, not HOME`,
      'set HOME to the folder that passwd(5) has',
    ),
  ];
}
