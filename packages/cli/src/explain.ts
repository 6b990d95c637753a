import { formatHostPort } from '@fdpass/core';
import { type ConfigSearch, type Explanation, type HopSummary, inspectSearch } from '@fdpass/core/host';
import type { Arguments } from './arguments.js';
import { REACHED_DIRECTLY, searchLines, unreadLines } from './config-search.js';
import { print } from './print.js';
import { findRoute, readRequest } from './request.js';

const SSH_PORT = 22;

/** `fdpass explain HOST [PORT]`: the rule, the route and why; opens nothing. */
export async function explain(args: Arguments): Promise<number> {
  const request = readRequest(args, SSH_PORT);
  const { router, route } = await findRoute(request);
  const explanation = await router.explain(route);
  const search = inspectSearch({ file: request.config });
  const { unread } = search;
  await print(
    args.flag('json') ? `${JSON.stringify({ ...explanation, unread }, null, 2)}\n` : format(explanation, search),
  );
  return 0;
}

function format(explanation: Explanation, search: ConfigSearch): string {
  const { target, config, reason, isDefault, route, decisions, relay, timeoutMs, skipped } = explanation;
  const searched = config === null ? searchLines(search) : unreadLines(search.unread);
  const lines = [
    `target   ${formatHostPort(target.host, target.port)}`,
    `config   ${config ?? 'none'}`,
    ...searched.map((line) => `         ${line}`),
    ...skipped.slice(0, SKIPPED_SHOWN).map(({ rule, why }) => `skipped  rule ${rule}: ${why} does not match`),
    ...(skipped.length > SKIPPED_SHOWN ? [`skipped  … and ${skipped.length - SKIPPED_SHOWN} more`] : []),
    `chosen   ${reason}${isDefault ? `: ${config === null ? 'all' : 'such'} hosts ${REACHED_DIRECTLY}` : ''}`,
    ...route.map((hop, index) => `hop ${index + 1}    ${hop.label}${formatOptions(hop)}`),
    ...decisions.map((decision) => `decided  ${decision}`),
    `gives    ${relay ? 'a relay process (the connection is not a kernel socket)' : 'the descriptor of the connected socket'}`,
    `timeout  ${timeoutMs === 0 ? 'none' : `${timeoutMs / 1000} s`}`,
  ];
  return `${lines.join('\n')}\n`;
}

const SKIPPED_SHOWN = 20;

function formatOptions({ options }: HopSummary): string {
  const text = JSON.stringify(options);
  return text === '{}' ? '' : `  ${text}`;
}
