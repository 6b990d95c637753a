import type { Config } from '@fdpass/core/host';
import { nameLine, placeOf } from '../ssh-words.js';
import { error, type Finding, note, warning } from './finding.js';
import type { HostAnswer } from './surroundings.js';

type Rules = Config['rules'];

/**
 * What is wrong with the way that ssh gets its connection to a host.
 *
 * @param general The same for a host that no file names.
 */
export function judgeHost(answer: HostAnswer, general: HostAnswer, rules: Rules): Finding[] {
  const { way } = answer.proxying;
  if (way === 'command') return judgeOther(answer);
  if (way !== 'fdpass') return [];
  return [
    ...judgePassing(answer),
    ...judgeArguments(answer),
    ...judgeQuotes(answer),
    ...judgeTokens(answer, rules),
    ...judgeLate(answer, general),
    ...judgeHidden(answer),
  ];
}

function whereOf({ proxying: { by }, sample }: HostAnswer): string {
  return by === undefined ? `the ProxyCommand for ${sample.shown}` : placeOf(by);
}

/** Programs that pass a descriptor themselves. */
const PASSES_DESCRIPTOR = /(^|[\s/])nc(\.openbsd)?\s(.*\s)?-[A-Za-z]*F|systemd-ssh-proxy|fdpass-teleport/;

/** A ProxyCommand of another program that gets ProxyUseFdpass from a block that was meant for fdpass. */
function judgeOther({ proxying, sample }: HostAnswer): Finding[] {
  const { by, passing, command = '', program } = proxying;
  const isOwn = by !== undefined && by.block === passing.by?.block;
  if (!passing.isOn || isOwn || PASSES_DESCRIPTOR.test(command)) return [];
  const place = by === undefined ? `the ProxyCommand for ${sample.shown}` : placeOf(by);
  const from = passing.by === undefined ? '' : ` of ${placeOf(passing.by)}`;
  return [
    error(
      `${place}: ${program} inherits ProxyUseFdpass yes${from}, and ssh fails since it passes no descriptor`,
      `add "ProxyUseFdpass no" after ${place}`,
    ),
  ];
}

function judgePassing(answer: HostAnswer): Finding[] {
  const { passing, by, call } = answer.proxying;
  const where = whereOf(answer);
  const isStdio = call?.args?.flag('stdio') === true;
  if (passing.isOn && isStdio)
    return [
      error(`${where}: --stdio gives bytes, and with ProxyUseFdpass yes ssh wants a descriptor`, 'leave out --stdio'),
    ];
  const isMeant = isStdio || (by !== undefined && by.block === passing.by?.block);
  if (passing.isOn || isMeant) return [];
  const what = 'ssh does not take the socket, so a process stays for each session and copies all bytes';
  return [warning(`${where}: ${what}`, `add "ProxyUseFdpass yes" after ${where}`)];
}

function judgeArguments(answer: HostAnswer): Finding[] {
  const { call, command = '' } = answer.proxying;
  if (/^("[^"]*\s[^"]*"|'[^']*\s[^']*')$/.test(command))
    return [
      error(
        `${whereOf(answer)}: the quotes around the whole command make it one word, which is not the name of a program`,
        'leave out these quotes',
      ),
    ];
  if (call?.objection === undefined) return [];
  return [
    error(
      `${whereOf(answer)}: fdpass will refuse its arguments: ${call.objection}`,
      "write: ProxyCommand fdpass --user '%r' --alias '%n' %h %p",
    ),
  ];
}

/** A user name such as `CORP\bob` loses its backslash in a shell. */
function judgeQuotes(answer: HostAnswer): Finding[] {
  const bare = (answer.proxying.command ?? '').replace(/'[^']*'|"[^"]*"/g, '');
  const tokens = ['%r', '%n'].filter((token) => bare.replaceAll('%%', '').includes(token));
  return tokens.map((token) =>
    warning(
      `${whereOf(answer)}: ${token} has no quotes, so the shell takes characters such as a backslash out of it`,
      `write '${token}', with the quotes`,
    ),
  );
}

/** Rules that ask for what fdpass is not told never match. */
function judgeTokens(answer: HostAnswer, rules: Rules): Finding[] {
  const { call } = answer.proxying;
  if (call?.args === undefined || call.objection !== undefined) return [];
  const wanted = (
    [
      ['user', '%r'],
      ['alias', '%n'],
    ] as const
  ).filter(([matcher]) => call.args?.value(matcher) === undefined && rules.some((rule) => rule[matcher] !== undefined));
  return wanted.map(([matcher, token]) =>
    warning(
      `${whereOf(answer)}: fdpass is not told the ${matcher}, and there are rules with "${matcher}", which never match`,
      `add --${matcher} '${token}' to the ProxyCommand`,
    ),
  );
}

/** A line for some hosts below the one for all. */
function judgeLate({ proxying: { by, unheeded } }: HostAnswer, { settings, proxying }: HostAnswer): Finding[] {
  if (by === undefined || by.file !== proxying.by?.file || by.line !== proxying.by.line) return [];
  const general = new Set(settings.lines.map(placeOf));
  const late = unheeded.filter((line) => !general.has(placeOf(line)));
  return late.map((line) =>
    warning(
      `${nameLine(line)} has no effect: ssh takes the first that it finds, which is that of ${placeOf(by)}`,
      `move the block of ${placeOf(line)} above ${placeOf(by)}: the block of fdpass must be the last one`,
    ),
  );
}

function judgeHidden({ settings, sample }: HostAnswer): Finding[] {
  const isPersistent = (settings.value('controlpersist') ?? 'no') !== 'no';
  if (!isPersistent || (settings.value('controlpath') ?? 'none') === 'none') return [];
  const line = settings.lines.find(({ keyword }) => keyword === 'controlpersist');
  const where = line === undefined ? `for ${sample.shown}` : placeOf(line);
  return [
    note(
      `${where}: with ControlPersist ssh hides what fdpass says when a connection fails`,
      'run "fdpass last-error" to see it, or set FDPASS_LOG to a file',
    ),
  ];
}
