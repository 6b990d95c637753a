import { homedir } from 'node:os';
import { FdpassError, type Target } from '@fdpass/core';
import { type Answers, currentFolder, expandPath, type Framework, SharedAnswers } from '@fdpass/core/host';
import type { Arguments } from '../arguments.js';
import { builtinFramework } from '../command-framework.js';
import { errorJson } from '../error-json.js';
import { inOrder } from '../in-order.js';
import { print } from '../print.js';
import { type DialRequest, readTimeout } from '../request.js';
import { openStatusLine } from '../status-line.js';
import { lookOf } from '../trace/look.js';
import { namedTarget, sshHosts } from './ssh-hosts.js';
import { renderTable } from './table.js';
import { type HopTrial, type HostTrial, nameOf, summarizeHops, tryHosts } from './trials.js';

const EXIT_UNREACHABLE = 69;
/** How many hosts are looked at together. */
const AT_ONCE = 8;

/** `fdpass test [HOST …]`: dials hosts by the rules and shows which of them answer, and how. Returns the exit code. */
export async function test(args: Arguments): Promise<number> {
  const config = args.value('config');
  const request: Omit<DialRequest, 'target'> = {
    via: args.values('via'),
    viaSource: args.sourceOf('via'),
    timeoutMs: readTimeout(args),
  };
  const known = sshHosts(homedir());
  const written = args.operands.map((operand) => namedTarget(operand, known));
  const framework = await builtinFramework(config === undefined ? {} : { file: expandPath(config, currentFolder()) });
  const { targets, answers } = written.length > 0 ? { targets: written } : await hostsWithRule(known, framework);
  const trials = await tryAll(targets, { ...request, answers }, framework);
  const hops = summarizeHops(trials, [...(framework.config?.hops.keys() ?? [])]);
  const exitStatus = trials.every(({ traced }) => traced.error === undefined) ? 0 : EXIT_UNREACHABLE;
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  if (args.flag('json')) await print(renderJson(trials, hops, exitStatus));
  else await print(`${renderTable(trials, hops, lookOf(width)).join('\n')}\n`);
  return exitStatus;
}

async function tryAll(
  targets: readonly Target[],
  request: Omit<DialRequest, 'target'>,
  framework: Framework,
): Promise<HostTrial[]> {
  const status = openStatusLine();
  const progress = (done: number): void => status.show(`${done} of ${targets.length} hosts tested`);
  progress(0);
  try {
    return await tryHosts(targets, request, framework, progress);
  } finally {
    status.clear();
  }
}

/** Hosts to try, and what conditions of rules were answered for them. */
interface ChosenHosts {
  readonly targets: readonly Target[];
  readonly answers?: Answers | undefined;
}

/** The hosts of ssh that a rule is for: all others are reached directly, as without fdpass. */
async function hostsWithRule(hosts: readonly Target[], { router }: Framework): Promise<ChosenHosts> {
  const shared = new SharedAnswers(router.clock, Number.POSITIVE_INFINITY); // what rules ask is often the same
  const routes = await inOrder(hosts, AT_ONCE, (target) => router.route(target, { shared }).catch(() => undefined));
  const answers: Answers = Object.assign({}, ...routes.map((route) => route?.answers));
  const targets = hosts.filter((_, at) => routes[at] === undefined || routes[at].rule !== undefined);
  if (targets.length > 0) return { targets, answers };
  throw new FdpassError('usage', 'no host of ~/.ssh/config or ~/.ssh/known_hosts has a rule', {
    hint: 'name the hosts to test: fdpass test HOST ...',
  });
}

function renderJson(trials: readonly HostTrial[], hops: readonly HopTrial[], exitStatus: number): string {
  const hosts = trials.map(({ target, traced: { found, ms, greeting, error } }) => ({
    name: nameOf(target),
    host: target.host,
    port: target.port,
    rule: found?.route.reason ?? null,
    route: found?.route.chain.label ?? null,
    ms: ms ?? null,
    greeting: greeting ?? null,
    error: error === undefined ? null : errorJson(error),
  }));
  const tried = hops.map(({ hop, state, ms, reason }) => ({
    hop,
    state: state === 'cancelled' ? 'unused' : state,
    ms: ms === undefined ? null : Math.round(ms),
    reason: reason ?? null,
  }));
  return `${JSON.stringify({ exitStatus, hosts, hops: tried }, null, 2)}\n`;
}
