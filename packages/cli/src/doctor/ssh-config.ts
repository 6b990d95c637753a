import { formatMs } from '@fdpass/core/host';
import { readSshConfig, settingsOf } from '../init/ssh-config.js';
import { shownPath } from '../shown-path.js';
import { mentionsFdpass } from '../ssh-call.js';
import { nameLine } from '../ssh-words.js';
import { FDPASS } from '../usage.js';
import { type Check, error, type Finding, note, worstOfEach } from './finding.js';
import { judgeHost } from './judge-host.js';
import type { SampleHost } from './sample-hosts.js';
import { ASKING_LIMIT_MS, type HostAnswer, type Surroundings } from './surroundings.js';

/** Whether ssh runs fdpass for the hosts of its files, and in the right way. */
export const sshConfig: Check = {
  name: 'ssh_config',
  async run(around) {
    const answers = await around.answers();
    if (answers.length === 0) return { facts: ['not known: ssh cannot be asked'], findings: [] };
    const lines = fdpassLines(answers);
    if (lines.length === 0) return { facts: [], findings: [notSetUp(answers)] };
    const served = answers.filter(({ proxying }) => proxying.way === 'fdpass');
    const facts = [`${lines.join(', ')}: ssh runs fdpass for ${describeServed(served, answers)}`];
    const findings = [...hidden(lines, served, answers), ...(await judgeAll(answers, around))];
    return { facts, findings: [...findings, ...incomplete(await around.unasked())] };
  },
};

/** Says that not all hosts were looked at. */
function incomplete(unasked: readonly SampleHost[]): Finding[] {
  if (unasked.length === 0) return [];
  const hosts = unasked.length === 1 ? '1 host' : `${unasked.length} hosts`;
  const what = `ssh took ${formatMs(ASKING_LIMIT_MS)} to say what it does for the others, so ${hosts} of its files were not looked at`;
  return [note(what, `run "fdpass doctor HOST" for one of them, such as ${unasked[0]?.shown}`)];
}

/** Where fdpass is named in a ProxyCommand. */
function fdpassLines(answers: readonly HostAnswer[]): string[] {
  const files = new Set(answers.flatMap(({ settings }) => settings.files));
  return [...files].flatMap((path) =>
    settingsOf(readSshConfig(path))
      .filter(({ keyword, value }) => keyword === 'proxycommand' && mentionsFdpass(value))
      .map(({ index }) => `${shownPath(path)}:${index + 1}`),
  );
}

function notSetUp(answers: readonly HostAnswer[]): Finding {
  const files = answers.at(-1)?.settings.files ?? [];
  const where =
    files.length === 0
      ? 'ssh has no file with settings'
      : `no ProxyCommand in ${files.map(shownPath).join(', ')} runs fdpass`;
  return error(where, `add the lines that "${FDPASS.name} init" shows, at the end of ~/.ssh/config`);
}

function describeServed(served: readonly HostAnswer[], answers: readonly HostAnswer[]): string {
  if (served.length === answers.length) return 'all hosts';
  const others = answers.filter((answer) => !served.includes(answer)).map(({ sample }) => sample.shown);
  if (served.length === 0) return 'no host';
  return others.length <= MOST_NAMED
    ? `all hosts but ${others.join(', ')}`
    : `${served.length} of ${answers.length} patterns`;
}

const MOST_NAMED = 4;

/** Lines of fdpass that ssh never comes to. */
function hidden(lines: readonly string[], served: readonly HostAnswer[], answers: readonly HostAnswer[]): Finding[] {
  if (served.length > 0) return [];
  const [first] = answers.flatMap(({ proxying }) => (proxying.by === undefined ? [] : [proxying.by]));
  if (first === undefined) return []; // in a Match that is for none of these
  return [
    error(
      `ssh never reaches ${lines.join(', ')}: ${nameLine(first)} comes first`,
      'move that line below, or limit it to some hosts',
    ),
  ];
}

async function judgeAll(answers: readonly HostAnswer[], around: Surroundings): Promise<Finding[]> {
  const { config } = await around.report();
  const general = answers.at(-1);
  if (general === undefined) return [];
  const findings = answers.flatMap((answer) => judgeHost(answer, general, config?.rules ?? []));
  return worstOfEach(findings);
}
