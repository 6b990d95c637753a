import { makeTarget } from '@fdpass/core';
import { inspectSearch } from '@fdpass/core/host';
import type { Arguments } from '../arguments.js';
import { print } from '../print.js';
import { type DialRequest, findRoute, readRequest } from '../request.js';
import { proxyingOf } from '../ssh-proxying.js';
import { askSsh, findSsh, type SshSettings } from '../ssh-settings.js';
import type { Explained, SshAnswer } from './explained.js';
import { sshJson } from './ssh-json.js';
import { renderExplanation } from './text.js';

const SSH_PORT = 22;
/** What ssh takes as it is, and what no shell of a `Match exec` could take for anything else. */
const PLAIN_HOST = /^[\w.:%~/-]+$/;

/** `fdpass explain HOST [PORT]`: what ssh does, the rule, the route and why. Connects only to test conditions of rules. */
export async function explain(args: Arguments): Promise<number> {
  const ssh = args.flag('no-ssh') ? undefined : await askAbout(args);
  const request = requestOf(args, ssh);
  const { router, route } = await findRoute(request);
  const explanation = await router.explain({ ...route, timeoutMs: request.timeoutMs ?? route.timeoutMs });
  const search = inspectSearch({ file: request.config });
  const explained = { explanation, search, ssh };
  await print(args.flag('json') ? renderJson(explained) : `${renderExplanation(explained).join('\n')}\n`);
  return 0;
}

/** Asks ssh as if the user had typed `ssh [-p PORT] [-l USER] HOST`; with an alias, that is what was typed. */
async function askAbout(args: Arguments): Promise<SshAnswer | 'missing'> {
  const { target } = readRequest(args, SSH_PORT); // refuses what is not a host before ssh sees it
  const program = findSsh();
  if (program === undefined) return 'missing';
  const [typed = '', port] = args.operands;
  const host = PLAIN_HOST.test(typed) ? typed : target.host;
  const { alias, user } = target;
  const settings = await askSsh(program, { host: alias ?? host, port, user, hostName: alias && host });
  return { settings, proxying: proxyingOf(settings) };
}

/** The request that ssh makes of fdpass, or would make if it ran it. Options of our own command line take precedence. */
function requestOf(args: Arguments, ssh: Explained['ssh']): DialRequest {
  const own = readRequest(args, SSH_PORT);
  if (ssh === undefined || ssh === 'missing') return own;
  const { settings, proxying } = ssh;
  const call = proxying.call?.objection === undefined ? proxying.call?.args : undefined;
  const asked = call === undefined ? { ...own, target: targetOf(settings) } : readRequest(call);
  const isViaTyped = args.values('via').length > 0 && args.sourceOf('via') === '--via';
  return {
    ...asked,
    ...(isViaTyped && { via: own.via, viaSource: own.viaSource }),
    config: own.config ?? asked.config,
  };
}

function targetOf(settings: SshSettings): DialRequest['target'] {
  const [host = '', port = SSH_PORT, user] = ['hostname', 'port', 'user'].map((keyword) => settings.value(keyword));
  return makeTarget({ host, port, alias: settings.host, ...(user !== undefined && { user }) });
}

function renderJson({ explanation, search, ssh }: Explained): string {
  const answer = { ...explanation, unread: search.unread, ssh: sshJson(ssh, explanation) };
  return `${JSON.stringify(answer, null, 2)}\n`;
}
