import { FdpassError, formatError, isFdpassError, showUrl } from '@fdpass/core';
import { parseArguments } from '../arguments.js';
import { FDPASS } from '../syntax.js';
import { FDPASS_USAGE } from '../usage.js';
import { type Check, error, type Finding, note, warning } from './finding.js';
import { type ProxySetting, proxySettings, spellingOf, usesEnv } from './proxy-variables.js';
import type { Surroundings } from './surroundings.js';

/** The variables that decide which route a connection takes. */
export const environment: Check = {
  name: 'environment',
  async run(around) {
    const { environment: variables } = around;
    const proxies = proxySettings(variables);
    const own = FDPASS_USAGE.environment.map(([name]) => name).filter((name) => OWN.test(name) && variables[name]);
    const facts = [
      ...proxies.map(({ name, url }) => `${name} is ${showUrl(url)}`),
      ...own.map((name) => `${name} is set`),
    ];
    return {
      facts: [facts.length === 0 ? 'no variable decides' : facts.join(', ')],
      findings: [...judgeOwn(variables), ...(await judgeProxies(proxies, around))],
    };
  },
};

const OWN = /^FDPASS_(?!INSIDE)\w+$/;

/** Variables of our own, which ssh passes on. */
function judgeOwn(variables: NodeJS.ProcessEnv): Finding[] {
  const findings: Finding[] = [];
  try {
    parseArguments(FDPASS, ['host.example', '22'], { environment: variables });
  } catch (cause) {
    if (!isFdpassError(cause)) throw cause;
    findings.push(error(`no connection is possible: ${cause.message}`, cause.hint ?? 'unset it'));
  }
  if (variables['FDPASS_VIA'])
    findings.push(
      note('FDPASS_VIA is set, so no connection follows the rules', 'unset FDPASS_VIA, unless you want that'),
    );
  if (variables['FDPASS_NODE_OPTIONS'])
    findings.push(note('FDPASS_NODE_OPTIONS is set, so the agent is not asked', 'unset it, unless you need it'));
  return findings;
}

async function judgeProxies(settings: readonly ProxySetting[], around: Surroundings): Promise<Finding[]> {
  if (!(await usesEnv(around))) return settings.length === 0 ? [] : [notUsed(settings)];
  const { environment: variables } = around;
  const http = settings.length === 0 ? spellingOf('http_proxy', variables) : undefined;
  const no = spellingOf('no_proxy', variables);
  return [
    ...(await Promise.all(settings.map((setting) => judgeUrl(setting, around)))).flat(),
    ...(http === undefined
      ? []
      : [warning(`${http} is for web pages, and is not used`, 'set ALL_PROXY to the same value')]),
    ...(no === undefined ? [] : judgeExemptions(no, variables[no] ?? '')),
  ];
}

function notUsed(settings: readonly ProxySetting[]): Finding {
  const names = settings.map(({ name }) => name).join(' and ');
  const what = `${names} ${settings.length === 1 ? 'is' : 'are'} set, and no rule of fdpass follows that`;
  return note(what, 'write "use: env" in a rule, if ssh should follow it');
}

async function judgeUrl({ name, url }: ProxySetting, around: Surroundings): Promise<Finding[]> {
  const framework = await around.framework();
  try {
    await framework?.router.routeVia({ host: 'localhost', port: 22 }, url, '/', name);
    return [];
  } catch (cause) {
    if (!isFdpassError(cause)) throw cause;
    const what = formatError(new FdpassError(cause.code, cause.summary, { rule: name }));
    return [error(what, cause.hint ?? `set ${name} to the URL of a proxy`)];
  }
}

/** Patterns that other programs take, and curl and fdpass do not. */
function judgeExemptions(name: string, entries: string): Finding[] {
  const patterns = entries.split(/[\s,]+/).filter((entry) => entry.includes('*') && entry !== '*');
  return patterns.map((entry) =>
    warning(
      `${name} has the entry ${entry}, which matches nothing`,
      `write ${entry.replace(/^\*/, '') || 'a domain'}, without a star`,
    ),
  );
}
