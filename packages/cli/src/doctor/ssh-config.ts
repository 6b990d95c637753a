import { formatMs } from '@fdpass/core/host';
import { readSshConfig, type SshBlock, settingsOf } from '../init/ssh-config.js';
import { shownPath } from '../shown-path.js';
import { mentionsFdpass } from '../ssh-call.js';
import { nameLine } from '../ssh-words.js';
import { FDPASS } from '../syntax.js';
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
    const isForSome = served.length === 0 && lines.every(isInMatch);
    const whom = isForSome ? 'the hosts of a Match block' : describeServed(served, answers);
    const place = isForSome && around.host === undefined ? [onlyInMatch()] : hidden(lines, served, answers);
    const findings = [...place, ...(await judgeAll(answers, around)), ...incomplete(await around.unasked())];
    return { facts: [`${placesOf(lines)}: ssh runs fdpass for ${whom}`], findings };
  },
};

/** Says that not all hosts were looked at. */
function incomplete(unasked: readonly SampleHost[]): Finding[] {
  if (unasked.length === 0) return [];
  const hosts = unasked.length === 1 ? '1 host' : `${unasked.length} hosts`;
  const what = `ssh took ${formatMs(ASKING_LIMIT_MS)} to say what it does for the others, so ${hosts} of its files were not looked at`;
  return [note(what, `run "fdpass doctor HOST" for one of them, such as ${unasked[0]?.shown}`)];
}

/** A line with a ProxyCommand that names fdpass. */
interface FdpassLine {
  /** The file and the number of the line. */
  readonly place: string;
  readonly block: SshBlock;
}

function fdpassLines(answers: readonly HostAnswer[]): FdpassLine[] {
  const files = new Set(answers.flatMap(({ settings }) => settings.files));
  return [...files].flatMap((path) =>
    settingsOf(readSshConfig(path))
      .filter(({ keyword, value }) => keyword === 'proxycommand' && mentionsFdpass(value))
      .map(({ index, block }) => ({ place: `${shownPath(path)}:${index + 1}`, block })),
  );
}

function placesOf(lines: readonly FdpassLine[]): string {
  return lines.map(({ place }) => place).join(', ');
}

/** Whether it depends on conditions, so that no host can be made up to ask ssh about. */
function isInMatch({ block }: FdpassLine): boolean {
  return block.patterns === undefined;
}

function onlyInMatch(): Finding {
  const what = 'only ssh can tell which hosts a Match block is for, so none of them was looked at';
  return note(what, `run "${FDPASS.name} doctor HOST" for one of them`);
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
function hidden(
  lines: readonly FdpassLine[],
  served: readonly HostAnswer[],
  answers: readonly HostAnswer[],
): Finding[] {
  const plain = lines.filter((line) => !isInMatch(line));
  if (served.length > 0 || plain.length === 0) return [];
  const [first] = answers.flatMap(({ proxying }) => (proxying.by === undefined ? [] : [proxying.by]));
  if (first === undefined) return [];
  return [
    error(
      `ssh never reaches ${placesOf(plain)}: ${nameLine(first)} comes first`,
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
