import { oneLine } from '@fdpass/core';
import { fillTokens } from '../ssh-call.js';
import { proxyingOf } from '../ssh-proxying.js';
import { describeProxying } from '../ssh-words.js';
import { type DialEnd, dialAsSsh, dialForBytes } from './dial-as-ssh.js';
import { type Check, type Checked, error, type Finding, warning } from './finding.js';
import { judgeHost } from './judge-host.js';
import { hasShell } from './shell.js';
import type { HostAnswer } from './surroundings.js';

const LIMIT_MS = 35_000;

/** A connection to the host that the user asks about, as ssh makes it. */
export const host: Check = {
  name: 'host',
  async run(around): Promise<Checked> {
    const { host: name = '' } = around;
    const settings = await around.ask(name).catch(() => undefined); // the check of ssh tells why
    if (settings === undefined) return { facts: ['not tried: ssh cannot be asked'], findings: [] };
    const answer = { sample: { host: name, shown: name }, settings, proxying: proxyingOf(settings) };
    const [rules, general = answer] = [(await around.report()).config?.rules ?? [], (await around.answers()).at(-1)];
    const known = judgeHost(answer, general, rules);
    const how = `ssh ${describeProxying(answer.proxying, settings)}`;
    if (answer.proxying.way !== 'fdpass') return { facts: [how], findings: known };
    if (!(await hasShell(around))) return { facts: [how, 'not tried: the shell cannot run it'], findings: known };
    const end = await dial(answer, around.timeoutMs ?? LIMIT_MS);
    return { facts: [how, ...describeEnd(end)], findings: [...known, ...judgeEnd(end, name)] };
  },
};

function dial({ proxying, settings }: HostAnswer, timeoutMs: number): Promise<DialEnd> {
  const command = fillTokens(proxying.command ?? '', settings);
  return proxying.passing.isOn ? dialAsSsh(command, timeoutMs) : dialForBytes(command, timeoutMs);
}

function describeEnd({ isConnected, ms, greeting }: DialEnd): string[] {
  if (!isConnected) return [];
  return [`connected in ${ms} ms: ${greeting === undefined ? 'the server says nothing' : greeting.text}`];
}

function judgeEnd({ isConnected, greeting, said }: DialEnd, name: string): Finding[] {
  if (!isConnected) return [failure(said, name)];
  if (greeting?.protocol === 'SSH') return [];
  const what = greeting === undefined ? 'the server does not greet' : 'what answers is not an ssh server';
  return [warning(`${name}: ${what}`, `check the port, and that an ssh server runs there: fdpass trace ${name}`)];
}

/** What fdpass said, and its hint. */
function failure(said: string, name: string): Finding {
  const lines = said.split('\n').filter((line) => line.trim() !== '');
  const start = lines.findLastIndex((line) => line.startsWith('fdpass: '));
  const [first = 'the ProxyCommand has ended without a word', ...routes] = lines.slice(Math.max(start, 0));
  const text = oneLine([first.replace(/^fdpass: (\[[\w-]+\] )?/, ''), ...routes].join('; '));
  const at = routes.length > 0 ? -1 : text.lastIndexOf('; ');
  const fix = at === -1 ? `run: fdpass trace ${name}` : text.slice(at + 2);
  return error(`ssh cannot connect: ${at === -1 ? text : text.slice(0, at)}`, fix);
}
