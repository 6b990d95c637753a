import { formatHostPort } from '@fdpass/core';
import { type Explanation, formatWhere } from '@fdpass/core/host';
import { describeConditions } from '../condition-words.js';
import { REACHED_DIRECTLY, searchLines, unreadLines } from '../config-search.js';
import { describeProxying, nameLine, placeOf } from '../ssh-words.js';
import type { Explained, SshAnswer } from './explained.js';
import { type IneffectiveOption, ineffectiveOptions } from './ineffective.js';
import { hopLines } from './route-words.js';

const NAME_WIDTH = 9;
const SKIPPED_SHOWN = 20;
/** A file can have thousands of patterns. */
const WANTED_SHOWN = 20;

type Line = readonly [name: string, text: string];

/** An explanation for people, in lines. */
export function renderExplanation({ explanation, search, ssh }: Explained): string[] {
  const { target, config, route, conditions, decisions, timeoutMs } = explanation;
  const lines: Line[] = [
    ...sshLines(ssh),
    ['target', describeTarget(target)],
    ['config', config ?? 'none'],
    ...(config === null ? searchLines(search) : unreadLines(search.unread)).map((line) => ['', line] as const),
    ...skippedLines(explanation),
    ['chosen', describeChoice(explanation)],
    ...(conditions === undefined ? [] : [['because', describeConditions(conditions)] as const]),
    ...hopLines(route),
    ...decisions.map((decision) => ['decided', decision] as const),
    ['gives', describeResult(explanation, ssh)],
    ['timeout', timeoutMs === 0 ? 'none' : `${timeoutMs / 1000} s`],
    ...ineffective(ssh, explanation).map((option) => ['ignored', describeIneffective(option)] as const),
  ];
  return lines.map(([name, text]) => `${name.padEnd(NAME_WIDTH)}${text}`);
}

function sshLines(ssh: Explained['ssh']): Line[] {
  if (ssh === undefined) return [];
  if (ssh === 'missing') return [['ssh', 'is not in PATH; this is what the rules alone say']];
  const { settings, proxying } = ssh;
  const { way, call, by, unheeded } = proxying;
  const late = unheeded.map(
    (line) => `${nameLine(line)} has no effect: ${by === undefined ? 'it' : placeOf(by)} comes first`,
  );
  const objection = call?.objection === undefined ? [] : [`fdpass will refuse its arguments: ${call.objection}`];
  const unknown =
    way === 'fdpass' && call === undefined ? ['only its shell can tell with which arguments; this is for none'] : [];
  const otherwise = way === 'fdpass' ? [] : ['if it ran fdpass:'];
  const more = [...late, ...objection, ...unknown, ...otherwise];
  return [['ssh', describeProxying(proxying, settings)], ...more.map((line) => ['', line] as const)];
}

function describeTarget({ host, port, user, alias }: Explanation['target']): string {
  const more = [...(user === undefined ? [] : [`user ${user}`]), ...(alias === undefined ? [] : [`typed as ${alias}`])];
  return [formatHostPort(host, port), ...more].join(', ');
}

function skippedLines({ skipped, target, config }: Explanation): Line[] {
  const lines = skipped.slice(0, SKIPPED_SHOWN).map(({ rule, where, why, wanted, conditions }) => {
    const place = where.file === config ? `line ${where.line}` : formatWhere(where);
    return [
      'skipped',
      `rule ${rule} (${place}): ${conditions === undefined ? describeMismatch(why, wanted, target) : describeConditions(conditions)}`,
    ] as const;
  });
  const more = skipped.length - SKIPPED_SHOWN;
  return more > 0 ? [...lines, ['skipped', `… and ${more} more`]] : lines;
}

/** Which matcher does not match, what it wants, and what there is. */
function describeMismatch(why: string, wanted: readonly string[] = [], target: Explanation['target']): string {
  const [matcher = ''] = why.split(' ');
  if (matcher === 'localNetwork') return 'localNetwork: none of the addresses of this machine matches';
  const given = target[matcher as 'host' | 'port' | 'user' | 'alias'];
  const shown = wanted.slice(0, WANTED_SHOWN);
  const more = wanted.length - shown.length;
  return `${matcher} ${given ?? '(not given)'} does not match ${shown.join(' ')}${more > 0 ? ` or ${more} more` : ''}`;
}

function describeChoice({ reason, isDefault, config }: Explanation): string {
  return `${reason}${isDefault ? `: ${config === null ? 'all' : 'such'} hosts ${REACHED_DIRECTLY}` : ''}`;
}

function describeResult({ relay }: Explanation, ssh: Explained['ssh']): string {
  const isCopying = isAnswer(ssh) && ssh.proxying.way === 'fdpass' && !ssh.proxying.passing.isOn;
  if (isCopying) return 'bytes: fdpass stays and copies them for the whole session';
  return relay ? 'a relay process (the connection is not a kernel socket)' : 'the descriptor of the connected socket';
}

function ineffective(ssh: Explained['ssh'], explanation: Explanation): IneffectiveOption[] {
  return isAnswer(ssh) && ssh.proxying.way === 'fdpass' ? ineffectiveOptions(ssh.settings, explanation) : [];
}

function describeIneffective({ option, value, by, effect, instead }: IneffectiveOption): string {
  return `${option} ${value}${by === undefined ? '' : ` (${placeOf(by)})`} ${effect}; here: ${instead}`;
}

function isAnswer(ssh: Explained['ssh']): ssh is SshAnswer {
  return ssh !== undefined && ssh !== 'missing';
}
